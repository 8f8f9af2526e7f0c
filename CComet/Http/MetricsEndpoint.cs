using CComet.Access;
using CComet.Diagnostics;
using CComet.Operations;
using Microsoft.AspNetCore.Http;

namespace CComet.Http;

/// <summary><c>/metrics</c>: what is counted, for Prometheus and its kin. A part of the administration.</summary>
internal static class MetricsEndpoint
{
    /// <summary>The pattern that the right must match: the counts are of all channels.</summary>
    private const string Everything = "*";

    /// <summary>Creates the endpoint.</summary>
    public static RequestDelegate Create(RequestPipeline pipeline, ChannelOperations operations, MetricsText metrics) => pipeline.Create(
        static parameters => parameters,
        async (context, caller, _, _) =>
        {
            await operations.AuthorizeAsync(caller, ChannelRight.Admin, Everything);
            var isOpenMetrics = WantsOpenMetrics(context.Request.Headers.Accept.ToString());
            await ResponseWriter.WriteAsync(context.Response, new ResponseHead(StatusCodes.Status200OK, isOpenMetrics ? MetricsText.OpenMetricsType : MetricsText.PlainType), metrics.Encode(isOpenMetrics));
        });

    /// <summary>The older form is for those that name a text and not OpenMetrics, as browsers and <c>promtool</c>'s users do.</summary>
    private static bool WantsOpenMetrics(string accept) =>
        accept.Contains("application/openmetrics-text", StringComparison.OrdinalIgnoreCase) || !accept.Contains("text/", StringComparison.OrdinalIgnoreCase);
}
