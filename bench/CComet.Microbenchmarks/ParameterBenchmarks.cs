using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using BenchmarkDotNet.Attributes;
using CComet.Http.Requests;
using CComet.Messages;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace CComet.Microbenchmarks;

/// <summary>Measures reading usual requests: from the query and the body, as the web server gives them, to checked values.</summary>
[MemoryDiagnoser]
public class ParameterBenchmarks : IDisposable
{
    private readonly BenchmarkHub _hub = new();
    private readonly HttpRequest _subscribe = NewRequest("?channel=news&cursor=0123456789:41&sname=ann&wait=25");
    private readonly HttpRequest _form = NewRequest("", "application/x-www-form-urlencoded", "channel=news&sname=ann&msg=Hello%2C+world%21+It+is+%22noon%22.");
    private readonly HttpRequest _json = NewRequest("", "application/json", """{"channel":"news","sname":"ann","msg":"Hello, world! It is \"noon\"."}""");

    private LimitOptions Limits => _hub.Context.Options.Limits;

    /// <summary>Reads the query of a long poll that goes on from a cursor.</summary>
    /// <returns>How many channels it names.</returns>
    [Benchmark]
    public int ReadSubscribeQuery()
    {
        var parameters = RequestBody.ReadQuery(_subscribe, Limits, ParameterNames.Native);
        var wait = SubscribeParameters.ReadWait(parameters, _hub.Context.Options.Poll.Timeout);
        return wait > TimeSpan.Zero ? SubscribeParameters.Read(parameters).Starts.Count : 0;
    }

    /// <summary>Reads a publish that is a form.</summary>
    [Benchmark]
    public ValueTask<NewMessage> ReadPublishFormAsync() => ReadPublishAsync(_form);

    /// <summary>Reads a publish that is a JSON object.</summary>
    [Benchmark]
    public ValueTask<NewMessage> ReadPublishJsonAsync() => ReadPublishAsync(_json);

    /// <summary>Ends the hub.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _hub.Dispose();
        GC.SuppressFinalize(this);
    }

    private static HttpRequest NewRequest(string query, string? contentType = null, string body = "")
    {
        var context = new DefaultHttpContext();
        context.Features.Set<IRequestBodyPipeFeature>(new WholeBody(Encoding.UTF8.GetBytes(body)));
        context.Request.QueryString = new QueryString(query);
        context.Request.ContentType = contentType;
        return context.Request;
    }

    /// <summary>Reads the values of a message, as <c>/pub</c> does.</summary>
    private static NewMessage MessageOf(Parameters parameters, LimitOptions limits) => new(
        parameters.RequiredName("channel"),
        MessageType.Msg,
        parameters.OptionalName("sname"),
        parameters.Message(limits.MessageBytes),
        parameters.OptionalName("id"));

    private async ValueTask<NewMessage> ReadPublishAsync(HttpRequest request)
    {
        var limits = Limits;
        var query = RequestBody.ReadQuery(request, limits, ParameterNames.Native);
        var elements = await RequestBody.ReadAsync(request, query, limits, _hub.Context.Bodies, mayBeRaw: true, parameters => MessageOf(parameters, limits));
        query.ThrowIfRefused();
        return elements is null ? MessageOf(query, limits) : elements[0];
    }

    /// <summary>Gives a body that has come whole to every reader.</summary>
    private sealed class WholeBody(byte[] body) : PipeReader, IRequestBodyPipeFeature
    {
        private readonly ReadOnlySequence<byte> _body = new(body);

        public PipeReader Reader => this;

        public override bool TryRead(out ReadResult result)
        {
            result = new ReadResult(_body, isCanceled: false, isCompleted: true);
            return true;
        }

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
            ValueTask.FromResult(new ReadResult(_body, isCanceled: false, isCompleted: true));

        public override void AdvanceTo(SequencePosition consumed)
        {
        }

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
        }

        public override void CancelPendingRead()
        {
        }

        public override void Complete(Exception? exception = null)
        {
        }
    }
}
