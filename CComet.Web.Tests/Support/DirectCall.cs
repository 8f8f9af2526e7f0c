using CComet.Http;
using CComet.Http.Credentials;
using CComet.Kestrel;
using CComet.Operations;
using CComet.Web.Hosting;
using CComet.Web.Hosting.Cors;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace CComet.Web.Tests.Support;

/// <summary>Calls a verb on the calling thread, without a server, so that what it allocates can be counted to the byte.</summary>
public sealed class DirectCall
{
    private readonly Dictionary<string, RequestDelegate> _verbs;

    public DirectCall(CCometFactory factory)
    {
        var hub = factory.Hub;
        var options = Options.Create(new EndpointOptions());
        var origins = new CrossOrigin(Options.Create(new ServerOptions()));
        var pipeline = new RequestPipeline(hub, new RequestLog(NullLogger<RequestLog>.Instance), origins, factory.Services.GetRequiredService<Carriers>(), factory.Services.GetRequiredService<AccessOperations>(), new KestrelTuning(), options, NullLogger<RequestPipeline>.Instance);
        _verbs = new() { ["/pub"] = PubEndpoint.Create(pipeline, factory.Operations), ["/sign"] = SignEndpoint.Create(pipeline, factory.Operations) };
    }

    /// <summary>What one request came to.</summary>
    /// <param name="Answer">The answer.</param>
    /// <param name="Allocated">What the verb allocated, in bytes, the answer included.</param>
    /// <param name="BodyRead">How much of the body was taken, in bytes.</param>
    public readonly record struct Result(Answer Answer, long Allocated, long BodyRead);

    /// <summary>POST /pub, or GET where there is no body. Twice: what is made once for the process is not counted.</summary>
    public Result Publish(string query, byte[]? body = null, string? contentType = null, string? contentEncoding = null)
    {
        Ask("/pub", query, body, contentType, contentEncoding);
        return Ask("/pub", query, body, contentType, contentEncoding);
    }

    /// <summary>POST, or GET where there is no body, to a verb that does not wait.</summary>
    public Result Ask(string path, string query, byte[]? body, string? contentType, string? contentEncoding)
    {
        var context = new DefaultHttpContext();
        using var output = new MemoryStream();
        context.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(output));
        context.Request.Method = body is null ? "GET" : "POST";
        context.Request.Path = path;
        context.Request.QueryString = new QueryString(query);
        using var input = new MemoryStream(body ?? []);
        context.Request.Body = input;
        if (contentType is not null) context.Request.ContentType = contentType;
        if (contentEncoding is not null) context.Request.Headers.ContentEncoding = contentEncoding;

        var before = GC.GetAllocatedBytesForCurrentThread();
        var done = _verbs[path](context);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        // Nothing here waits; what went on elsewhere would not have been counted.
        Assert.True(done.IsCompletedSuccessfully, $"{done.Status}: {done.Exception}");
        context.Response.CompleteAsync().GetAwaiter().GetResult();
        var headers = context.Response.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        return new Result(new Answer(context.Response.StatusCode, headers, output.ToArray()), allocated, input.Position);
    }
}
