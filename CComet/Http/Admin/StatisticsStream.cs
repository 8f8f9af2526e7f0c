using System.Buffers;
using CComet.Access;
using CComet.Dialects.Native;
using CComet.Operations;
using CComet.Transports;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Hosting;

namespace CComet.Http.Admin;

/// <summary><c>/admin/stats/stream</c>: the figures of the node each second, as server-sent events.</summary>
internal sealed class StatisticsStream(RequestPipeline pipeline, AdminOperations admin, IHostApplicationLifetime lifetime)
{
    /// <summary>Creates the endpoint.</summary>
    public RequestDelegate Create() => pipeline.CreateWaiting(
        async (context, caller, _, _, began) =>
        {
            Exception? failure = null;
            try
            {
                await RunAsync(context, caller);
            }
            catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
            {
                // The server stops.
            }
            catch (Exception e)
            {
                failure = e;
            }

            if (failure is null) pipeline.Ended(context, began);
            else await pipeline.FailAsync(context, failure, null, began, RequestForm.Administration);
        },
        RequestForm.Administration);

    private async Task RunAsync(HttpContext context, CallerContext caller)
    {
        var figures = await admin.ReadStatisticsAsync(caller, context.RequestAborted);
        admin.Feed.Enter();
        try
        {
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
            pipeline.AnnounceDrain(context);
            StreamEndpoints.BeginStream(context, EventStream.ContentType, pipeline);
            if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate) rate.MinDataRate = null;
            while (true)
            {
                // Before the flush: a client that takes its time gets the figures of the second in which it has.
                var output = context.Response.BodyWriter;
                output.Write("data: "u8);
                output.Write(AdminJson.Encode(figures));
                output.Write("\n\n"u8);
                await output.FlushAsync(ending.Token);
                figures = await admin.Feed.NextAsync().WaitAsync(ending.Token);
                if (HasEnded(caller)) return;
            }
        }
        finally
        {
            admin.Feed.Leave();
        }
    }

    private bool HasEnded(in CallerContext caller) =>
        caller.Grant is { } grant && (admin.Context.Revocations.Covers(grant) || admin.Context.Time.GetUtcNow().ToUnixTimeMilliseconds() >= grant.ExpiresAt);
}
