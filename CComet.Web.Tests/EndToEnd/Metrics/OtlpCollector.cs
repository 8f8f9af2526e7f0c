using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CComet.Web.Tests.EndToEnd.Metrics;

/// <summary>A collector of OpenTelemetry that keeps what it is sent: by gRPC over HTTP/2 in clear text, or by posts of HTTP/1.1.</summary>
internal sealed class OtlpCollector : IAsyncDisposable
{
    /// <summary>Before the message of a gRPC call: whether it is compressed (1 byte) and its length (4 bytes, big endian).</summary>
    private const int FrameHeader = 5;

    private readonly ConcurrentQueue<(string Path, string Body)> _sent = [];
    private readonly ConcurrentQueue<string> _refused = [];
    private readonly WebApplication _app;
    private readonly bool _isGrpc;

    private OtlpCollector(WebApplication app, bool isGrpc) => (_app, _isGrpc) = (app, isGrpc);

    /// <summary>What <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set to.</summary>
    public string Url => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    /// <summary>Requests that were none of its protocol.</summary>
    public IReadOnlyCollection<string> Refused => _refused;

    /// <summary>Starts one at a free port.</summary>
    /// <param name="isGrpc">Whether it understands gRPC alone, or <c>http/protobuf</c> alone.</param>
    public static async Task<OtlpCollector> StartAsync(bool isGrpc)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, at => at.Protocols = isGrpc ? HttpProtocols.Http2 : HttpProtocols.Http1));
        var collector = new OtlpCollector(builder.Build(), isGrpc);
        collector._app.Run(collector.TakeAsync);
        await collector._app.StartAsync();
        return collector;
    }

    /// <summary>Whether metrics were sent that have a text.</summary>
    public bool HasMetrics(string text) => Has(text, _isGrpc ? "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" : "/v1/metrics");

    /// <summary>Whether traces were sent that have a text.</summary>
    public bool HasTraces(string text) => Has(text, _isGrpc ? "/opentelemetry.proto.collector.trace.v1.TraceService/Export" : "/v1/traces");

    /// <summary>Whether anything was sent that has a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="path">To which path; null for any.</param>
    public bool Has(string text, string? path = null) => _sent.Any(sent => (path is null || sent.Path == path) && sent.Body.Contains(text, StringComparison.Ordinal));

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task TakeAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var sent = body.ToArray();
        if (context.Request.ContentType != (_isGrpc ? "application/grpc" : "application/x-protobuf") || (_isGrpc && !IsFrame(sent)))
        {
            _refused.Enqueue($"{context.Request.Protocol} {context.Request.Path} {context.Request.ContentType}, {sent.Length} bytes");
            context.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return;
        }

        _sent.Enqueue((context.Request.Path, Encoding.Latin1.GetString(sent)));
        context.Response.ContentType = context.Request.ContentType;
        if (!_isGrpc) return;

        // An empty message says that all was taken.
        await context.Response.Body.WriteAsync(new byte[FrameHeader]);
        context.Response.AppendTrailer("grpc-status", "0");
    }

    /// <summary>Whether bytes are one message that is not compressed.</summary>
    private static bool IsFrame(byte[] sent) => sent.Length >= FrameHeader && sent[0] == 0 && BinaryPrimitives.ReadInt32BigEndian(sent.AsSpan(1)) == sent.Length - FrameHeader;
}
