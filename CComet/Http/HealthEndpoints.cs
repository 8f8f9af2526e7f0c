using CComet.Channels;
using CComet.Dialects.Native;
using CComet.Storage;
using Microsoft.AspNetCore.Http;

namespace CComet.Http;

/// <summary>
/// <c>/health/live</c>: the process answers. <c>/health/ready</c>: it may be sent clients; <c>limits</c> names the bounds on the
/// whole server that refused a request within the last minute. When it may not, <c>failing</c> names why: <c>drain</c>, <c>store</c>.
/// </summary>
/// <remarks>
/// A met bound leaves it at 200: the server still serves the clients it has, and a crowd that fills one node would fill the next; were
/// both taken out, no client would be served.
/// </remarks>
internal static class HealthEndpoints
{
    /// <summary>How long the store has to answer: a probe of a store that hangs is told so before it gives up itself.</summary>
    public static readonly TimeSpan StoreTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Answers <c>/health/live</c>. It asks nothing: a store that is away is no reason to restart the process.</summary>
    public static Task AnswerLiveAsync(HttpContext context) => AnswerAsync(context, "ok", []);

    /// <summary>Creates the endpoint <c>/health/ready</c>.</summary>
    public static RequestDelegate CreateReady(ChannelHub hub, IMessageStore store) => async context =>
    {
        var failing = new List<(string Check, WireException Error)>();
        if (hub.IsDraining) failing.Add(("drain", WireException.From(new DrainingException())!));
        if (await CheckAsync(store, hub.Context.Time, context.RequestAborted) is { } error) failing.Add(("store", error));
        var limits = hub.Context.Limits.Met;
        if (failing.Count == 0)
        {
            await AnswerAsync(context, "ready", limits);
            return;
        }

        var first = failing[0].Error;
        var head = new ResponseHead(first.Status, ErrorJson.ProblemType) { RetryAfter = first.RetryAfter };
        await ResponseWriter.WriteAsync(context.Response, head, HealthJson.EncodeProblemLine(failing, limits));
    };

    private static async Task<WireException?> CheckAsync(IMessageStore store, TimeProvider time, CancellationToken cancellation)
    {
        try
        {
            await store.CheckAsync(cancellation).AsTask().WaitAsync(StoreTimeout, time, cancellation);
            return null;
        }
        catch (TimeoutException e)
        {
            return WireException.From(new StoreUnavailableException($"The store has not answered within {StoreTimeout.TotalSeconds} s.", e));
        }
        catch (Exception e) when (WireException.From(e) is { } error)
        {
            return error;
        }
    }

    private static Task AnswerAsync(HttpContext context, string status, IReadOnlyList<string> limits) =>
        ResponseWriter.WriteAsync(context.Response, ResponseHead.Array, HealthJson.EncodeLine(status, limits));
}
