using System.Security.Claims;
using CComet.Access;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.DependencyInjection;

namespace CComet.Http.Credentials;

/// <summary>Asks the host's own authorization handlers; in <see cref="AuthMode.Token"/> those whose right the grant does not give.</summary>
/// <param name="grants">Decides by the grant.</param>
/// <param name="scopes">Makes a scope for each question: a handler may be scoped.</param>
/// <param name="mode">Whether a grant alone suffices.</param>
internal sealed class PolicyAuthorizer(GrantAuthorizer grants, IServiceScopeFactory scopes, AuthMode mode) : IChannelAuthorizer
{
    private static readonly ClaimsPrincipal Anonymous = new(new ClaimsIdentity());
    private static readonly ChannelRequirement[] Requirements = [.. Enum.GetValues<ChannelRight>().Select(right => new ChannelRequirement(right))];

    /// <summary>Whether one of the handlers is of <see cref="ChannelRequirement"/>.</summary>
    public static bool IsAsked(IServiceProvider services)
    {
        using var scope = services.CreateScope();
        return scope.ServiceProvider.GetServices<IAuthorizationHandler>().Any(handler => IsOfChannels(handler.GetType()));
    }

    /// <inheritdoc/>
    public async ValueTask<AccessDecision> AuthorizeAsync(CallerContext caller, ChannelRight right, string channel, CancellationToken cancellation = default)
    {
        if (mode == AuthMode.Token)
        {
            var decision = await grants.AuthorizeAsync(caller, right, channel, cancellation);
            if (decision.IsAllowed) return decision;
        }

        await using var scope = scopes.CreateAsyncScope();
        var service = scope.ServiceProvider.GetRequiredService<IAuthorizationService>();
        var result = await service.AuthorizeAsync(caller.User ?? Anonymous, channel, [Requirements[(int)right]]);
        return result.Succeeded ? AccessDecision.Allowed : AccessDecision.Denied(result.Failure?.FailureReasons.FirstOrDefault()?.Message);
    }

    private static bool IsOfChannels(Type type)
    {
        for (var above = type; above is not null; above = above.BaseType)
        {
            if (above.IsGenericType && above.Namespace == typeof(IAuthorizationHandler).Namespace && above.GenericTypeArguments[0] == typeof(ChannelRequirement)) return true;
        }

        return false;
    }
}
