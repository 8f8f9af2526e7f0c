using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Threading.Channels;

namespace CComet.Client.Tests.Support;

/// <summary>A server that a test plays: it takes the requests one by one and answers them as it likes.</summary>
public sealed class ScriptedServer : HttpMessageHandler
{
    private readonly Channel<Exchange> _exchanges = Channel.CreateUnbounded<Exchange>();

    /// <summary>Returns the next request, once it is there.</summary>
    public async Task<Exchange> NextAsync() => await _exchanges.Reader.ReadAsync().AsTask().InTime();

    /// <summary>Returns whether a request is there that was not taken.</summary>
    public bool HasMore => _exchanges.Reader.TryPeek(out _);

    /// <summary>Takes the next request, which must be for a stream, and begins to answer it.</summary>
    /// <param name="lines">What comes first.</param>
    public async Task<ScriptedStream> StreamAsync(params string[] lines)
    {
        var exchange = await NextAsync();
        Assert.StartsWith("/stream?", exchange.PathAndQuery, StringComparison.Ordinal);
        var stream = exchange.Stream();
        foreach (var line in lines) await stream.LineAsync(line);
        return stream;
    }

    /// <summary>Every address is below the path that the client was given.</summary>
    private static string Below(Uri address)
    {
        Assert.StartsWith("/base/", address.PathAndQuery, StringComparison.Ordinal);
        return address.PathAndQuery["/base".Length..];
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var exchange = new Exchange(request.Method.Method, Below(request.RequestUri!), request.Headers, request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancellationToken));
        _exchanges.Writer.TryWrite(exchange);
        try
        {
            return await exchange.Answer.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            exchange.Abandon();
            throw;
        }
    }
}

/// <summary>One request, and its answer.</summary>
public sealed class Exchange(string method, string pathAndQuery, HttpRequestHeaders headers, string body)
{
    private readonly TaskCompletionSource<HttpResponseMessage> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _abandoned = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Method => method;

    public string PathAndQuery => pathAndQuery;

    public string? Token { get; } = headers.Authorization?.Parameter;

    public string Body => body;

    /// <summary>Gets a task that is over when the client gave up waiting for the head of the answer.</summary>
    public Task Abandoned => _abandoned.Task;

    internal Task<HttpResponseMessage> Answer => _answer.Task;

    public string? Header(string name) => headers.TryGetValues(name, out var values) ? string.Join(",", values) : null;

    /// <summary>Answers.</summary>
    /// <param name="status">The status.</param>
    /// <param name="text">The body.</param>
    /// <param name="more">Headers.</param>
    public void Respond(int status, string text, params (string Name, string Value)[] more)
    {
        var response = new HttpResponseMessage((HttpStatusCode)status) { Content = new StringContent(text, Encoding.UTF8, "application/json") };
        foreach (var (name, value) in more) response.Headers.TryAddWithoutValidation(name, value);
        _answer.TrySetResult(response);
    }

    /// <summary>Refuses, as the server does.</summary>
    public void Refuse(int status, string? code = null, string detail = "no", params (string Name, string Value)[] more) =>
        Respond(status, $$"""{"type":"urn:ccomet:error:{{code ?? $"{status}"}}","title":"Title","status":{{status}},"detail":"{{detail}}","code":"{{code ?? $"{status}"}}","parameter":"channel"}""", more);

    /// <summary>Breaks the connection before an answer.</summary>
    public void Break() => _answer.TrySetException(new HttpRequestException("Connection reset."));

    /// <summary>Begins to answer by a stream.</summary>
    public ScriptedStream Stream()
    {
        var stream = new ScriptedStream(this);
        _answer.TrySetResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = stream.Content });
        return stream;
    }

    internal void Abandon() => _abandoned.TrySetResult();
}

/// <summary>The body of an answer, piece by piece.</summary>
public sealed class ScriptedStream
{
    private readonly Pipe _pipe = new(new PipeOptions(pauseWriterThreshold: 64 * 1024, resumeWriterThreshold: 32 * 1024, useSynchronizationContext: false));
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal ScriptedStream(Exchange request)
    {
        Request = request;
        Content = new StreamContent(new Watched(_pipe.Reader.AsStream(), _closed));
        Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
    }

    public Exchange Request { get; }

    /// <summary>Gets a task that is over when the client closed the stream, or gave up before it had it.</summary>
    public Task Closed => Task.WhenAny(_closed.Task, Request.Abandoned);

    internal HttpContent Content { get; }

    public Task LineAsync(string line) => BytesAsync(Encoding.UTF8.GetBytes(line + "\n"));

    /// <summary>Sends bytes as one piece; waits while the client reads nothing.</summary>
    public async Task BytesAsync(ReadOnlyMemory<byte> bytes) => await _pipe.Writer.WriteAsync(bytes);

    public Task MessageAsync(string channel, long seqid, string? text = null) => LineAsync(Sent.Message(channel, seqid, text));

    /// <summary>Ends the stream without a word.</summary>
    public void Cut() => _pipe.Writer.Complete();

    /// <summary>Breaks the stream.</summary>
    public void Break() => _pipe.Writer.Complete(new IOException("Connection reset."));

    private sealed class Watched(Stream inner, TaskCompletionSource closed) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => inner.ReadAsync(buffer, cancellationToken);

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => inner.ReadAsync(buffer, offset, count, cancellationToken);

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            closed.TrySetResult();
            base.Dispose(disposing);
        }
    }
}
