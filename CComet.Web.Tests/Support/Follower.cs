using System.Text.Json;

namespace CComet.Web.Tests.Support;

/// <summary>A subscriber of channels on one of the streams, so that a test of what the streams have in common is written once.</summary>
public abstract class Follower : IDisposable
{
    /// <summary>The paths of all the streams.</summary>
    public static readonly TheoryData<string> Paths = ["/sse", "/stream", "/ws"];

    /// <summary>The cursor that resumes behind everything read so far, on any transport.</summary>
    public abstract string Cursor { get; }

    /// <summary>Opens a stream; once this returns, the subscriber is there.</summary>
    public static async Task<Follower> OpenAsync(string path, int port, string query)
    {
        Follower follower = path switch
        {
            "/sse" => new EventFollower(await OpenAnswer.GetAsync($"http://127.0.0.1:{port}/sse?{query}")),
            "/stream" => new LineFollower(await OpenAnswer.GetAsync($"http://127.0.0.1:{port}/stream?{query}")),
            _ => new SocketFollower(await RawSocket.OpenAsync(port, query)),
        };
        await follower.BeginAsync(query.Split('&').Count(p => p.StartsWith("channel=", StringComparison.Ordinal)));
        return follower;
    }

    /// <summary>The next element that is told, in the order of the wire; null at the end.</summary>
    public abstract Task<JsonElement?> NextAsync();

    /// <summary>The next element, which must be there.</summary>
    public async Task<JsonElement> ElementAsync() => await NextAsync() ?? throw new EndOfStreamException();

    /// <summary>The next element that is no ticket, which must be there: one that was opened by a ticket is sent the next ones.</summary>
    public async Task<JsonElement> ElementButTicketAsync()
    {
        while (true)
        {
            // What an event stream is refused by has no type.
            var element = await ElementAsync();
            if (!element.TryGetProperty("type", out var type) || type.GetString() != "TICKET") return element;
        }
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Reads what the stream begins with.</summary>
    protected abstract Task BeginAsync(int channels);

    protected abstract void Dispose(bool disposing);

    private sealed class EventFollower(OpenAnswer answer) : Follower
    {
        private string? _id;

        public override string Cursor => _id!;

        public override async Task<JsonElement?> NextAsync()
        {
            while (await answer.EventAsync() is { } found)
            {
                _id = found.Id ?? _id;
                if (found.Fields.ContainsKey("data")) return found.Data;
            }

            return null;
        }

        protected override async Task BeginAsync(int channels) => _id = await answer.BeginAsync();

        protected override void Dispose(bool disposing) => answer.Dispose();
    }

    /// <summary>One whose cursor is made of what the elements say.</summary>
    private abstract class CountingFollower : Follower
    {
        private readonly Dictionary<string, (string Epoch, long Next)> _places = [];

        public override string Cursor => _places.Count == 1
            ? $"{_places.Values.Single().Epoch}:{_places.Values.Single().Next}"
            : string.Join(',', _places.Select(p => $"{Uri.EscapeDataString(p.Key)}={p.Value.Epoch}:{p.Value.Next}"));

        protected override async Task BeginAsync(int channels)
        {
            for (var i = 0; i < channels; i++) Assert.Equal("CURSOR", (await ElementAsync()).GetProperty("type").GetString());
        }

        protected JsonElement Count(JsonElement element)
        {
            var type = element.GetProperty("type").GetString();
            if (type is "BYE" or "CLOSE" or "TICKET" or "401" or "403" or "409") return element;
            var channel = element.GetProperty("channel").GetString()!;
            var seqid = element.GetProperty("seqid").GetInt64();
            var epoch = element.TryGetProperty("epoch", out var told) ? told.GetString()! : _places[channel].Epoch;
            _places[channel] = (epoch, type is "CURSOR" or "RESET" ? seqid : seqid + 1);
            return element;
        }
    }

    private sealed class LineFollower(OpenAnswer answer) : CountingFollower
    {
        public override async Task<JsonElement?> NextAsync() =>
            await answer.LineAsync() is { } line ? Count(JsonDocument.Parse(line).RootElement) : null;

        protected override void Dispose(bool disposing) => answer.Dispose();
    }

    private sealed class SocketFollower(RawSocket socket) : CountingFollower
    {
        private readonly Queue<JsonElement> _elements = [];

        public override async Task<JsonElement?> NextAsync()
        {
            while (_elements.Count == 0)
            {
                var frame = await socket.FrameAsync();
                if (frame is null or { Opcode: RawSocket.Close }) return null;
                if (frame.Opcode != RawSocket.Text) continue;
                foreach (var element in frame.Elements) _elements.Enqueue(element);
            }

            return Count(_elements.Dequeue());
        }

        protected override void Dispose(bool disposing) => socket.Dispose();
    }
}
