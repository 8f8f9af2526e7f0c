using System.Text;
using CComet.Simulator.Wire;

namespace CComet.Web.Tests.Simulator;

/// <summary>However the network cuts them, responses are read the same.</summary>
public sealed class HttpResponseParserTests
{
    private const string Chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nCComet-Cursor: e:7\r\n\r\n5;x=y\r\nhello\r\n1B\r\n, all of you in this world!\r\n0\r\nTrailer: 1\r\n\r\n";
    private const string Counted = "HTTP/1.1 409 Conflict\r\ncontent-LENGTH: 4\r\nConnection: close\r\nRetry-After: 2\r\n\r\ngone";
    private const string Empty = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

    private static readonly string[] ChunkedTold = ["200 e:7 -1 False", "hello, all of you in this world!", "end"];

    [Fact]
    public void Chunked_response_cut_at_any_byte_is_read_whole()
    {
        for (var cut = 0; cut <= Chunked.Length; cut++) Assert.Equal(ChunkedTold, Read(Chunked[..cut], Chunked[cut..]));
    }

    [Fact]
    public void Responses_that_come_byte_by_byte_are_read_whole()
    {
        Assert.Equal([.. ChunkedTold, "409  2000 True", "gone", "end"], Read([.. (Chunked + Counted).Select(c => c.ToString())]));
    }

    [Fact]
    public void Several_responses_in_one_piece_are_read_one_after_the_other()
    {
        Assert.Equal(
            ["409  2000 True", "gone", "end", "204  -1 False", "end", "200  -1 False", "end", "409  2000 True", "gone", "end"],
            Read(Counted + Empty + Counted));
    }

    [Fact]
    public void Everything_behind_a_101_is_body()
    {
        Assert.Equal(["101  -1 False", "HTTP/1.1 is over"], Read("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nHTTP/1.1", " is over"));
    }

    [Theory]
    [InlineData("SSH-2.0-OpenSSH_9.9\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nwide\r\n")]
    public void Response_that_is_not_HTTP_is_refused(string text)
    {
        Assert.Throws<WireException>(() => Read(text));
    }

    private static List<string> Read(params string[] pieces)
    {
        var told = new Told();
        var parser = new HttpResponseParser(told);
        foreach (var piece in pieces) parser.StreamLoop(Encoding.ASCII.GetBytes(piece));
        return told.All;
    }

    /// <summary>Writes down what is told, the pieces of a body as one.</summary>
    private sealed class Told : IHttpSink
    {
        private bool _inBody;

        public List<string> All { get; } = [];

        public void Head(HttpHead head) => Add($"{head.Status} {Encoding.ASCII.GetString(head.Cursor)} {head.RetryMilliseconds} {head.Closes}", false);

        public void Body(ReadOnlySpan<byte> piece)
        {
            if (piece.IsEmpty) return;
            var text = Encoding.ASCII.GetString(piece);
            if (_inBody) All[^1] += text;
            else Add(text, true);
        }

        public void End() => Add("end", false);

        private void Add(string text, bool isBody)
        {
            All.Add(text);
            _inBody = isBody;
        }
    }
}
