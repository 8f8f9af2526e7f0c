using CComet.Access;
using CComet.Http;
using CComet.Http.Admin;
using CComet.Operations;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace CComet.Web.Hosting.Admin;

/// <summary>Decides where administration is: at addresses of its own, and nowhere else; without such in mode Token everywhere, and in mode Open for a developer alone.</summary>
internal sealed class AdminGate(AdminSettings settings, AdminOperations admin, IHostEnvironment environment, IOptions<HubOptions> hub)
{
    private const string Root = "/admin";

    private readonly bool _takesTokens = hub.Value.Auth.Mode == AuthMode.Token;

    /// <summary>The ports of its addresses.</summary>
    public IReadOnlySet<int> Ports { get; } = settings.Urls.Select(address => BindingAddress.Parse(address).Port).ToHashSet();

    /// <summary>Has the node take part in what is done on all nodes, where there can be administration.</summary>
    public void Enable()
    {
        if (Ports.Count > 0 || _takesTokens || environment.IsDevelopment()) admin.Enable();
    }

    /// <summary>Whether a path exists for a request.</summary>
    /// <param name="context">The request.</param>
    /// <param name="path">Its path as it came, below the path base.</param>
    /// <param name="found">Its entry in the table of paths; null for a file, or nothing.</param>
    public bool Has(HttpContext context, ReadOnlySpan<char> path, WirePath? found)
    {
        var isOfAdministration = found?.IsOfAdministration ?? IsBelowRoot(path);
        if (Ports.Count > 0)
        {
            var isItsAddress = context.Features.Get<IHttpConnectionFeature>() is { } connection && Ports.Contains(connection.LocalPort);
            return isOfAdministration == isItsAddress || (isItsAddress && found?.IsOfHealth == true);
        }

        return !isOfAdministration || _takesTokens || (environment.IsDevelopment() && LocalRequest.IsLocal(context));
    }

    /// <summary>Whether a file of that name would be one of administration's page.</summary>
    private static bool IsBelowRoot(ReadOnlySpan<char> path) => path.StartsWith(Root, StringComparison.OrdinalIgnoreCase) && (path.Length == Root.Length || path[Root.Length] == '/');
}
