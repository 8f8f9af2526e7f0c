using System.Collections.Concurrent;
using System.Text.Json;
using CComet.Access;
using CComet.Channels;

namespace CComet.Operations;

/// <summary>Counts the subscribers of a channel on all nodes: by a note that asks, and one from each that answers.</summary>
internal sealed class ChannelCensus(ChannelHub hub, NodeLog notes, NodeRoster roster)
{
    /// <summary>How long the answers are waited for: a node that has died is asked until its silence has been long enough.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, Question> _questions = new(StringComparer.Ordinal);
    private bool _isOn;

    /// <summary>Has this node answer, once the host starts.</summary>
    public void Enable()
    {
        if (_isOn) return;
        _isOn = true;
        roster.Enable();
        notes.Received += Receive;
    }

    /// <summary>Counts those of this node.</summary>
    public TransportCounts CountHere(string channel) => hub.Find(channel)?.Transports ?? default;

    /// <summary>Counts those of the other nodes.</summary>
    /// <returns>How many they are, by transport, and how many nodes have not answered.</returns>
    /// <exception cref="StoreUnavailableException">The nodes cannot be asked now.</exception>
    /// <exception cref="LimitException">A bound of the store is met.</exception>
    public async ValueTask<(TransportCounts Counts, int Silent)> CountOthersAsync(string channel, CancellationToken cancellation)
    {
        var nodes = roster.OtherCount;
        if (nodes == 0) return default;
        var id = Guid.NewGuid().ToString("N");
        var question = _questions[id] = new Question(nodes);
        try
        {
            await notes.WriteAsync(new NodeNote(NodeNoteKind.Count, [channel], id), cancellation);
            using var answered = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            await Task.WhenAny(question.Answered, hub.Context.Wheel.DelayAsync(Patience, answered.Token));
            await answered.CancelAsync();
            return question.Result;
        }
        finally
        {
            _questions.TryRemove(id, out _);
        }
    }

    private void Receive(NodeNote note)
    {
        if (note is { Kind: NodeNoteKind.Count, Id: { } asked, Channels: [var channel] } && note.Node != notes.Node) _ = AnswerAsync(asked, channel);
        if (note is { Kind: NodeNoteKind.Counted, Id: { } id, Text: { } text } && _questions.TryGetValue(id, out var question)) question.Add(Parse(text));
    }

    private async Task AnswerAsync(string id, string channel)
    {
        try
        {
            var counts = CountHere(channel);
            await notes.WriteAsync(new NodeNote(NodeNoteKind.Counted, Id: id, Text: JsonSerializer.Serialize<int[]>([.. counts])));
        }
        catch (Exception e) when (e is StoreUnavailableException or LimitException)
        {
            // The node that asks goes on without.
        }
    }

    private static int[] Parse(string text)
    {
        try
        {
            return JsonSerializer.Deserialize<int[]>(text) ?? [];
        }
        catch (JsonException)
        {
            // Of a release that tells it otherwise.
            return [];
        }
    }

    private sealed class Question(int nodes)
    {
        private readonly TaskCompletionSource _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Lock _lock = new();
        private TransportCounts _counts;
        private int _silent = nodes;

        public Task Answered => _answered.Task;

        public (TransportCounts Counts, int Silent) Result
        {
            get
            {
                lock (_lock) return (_counts, Math.Max(0, _silent));
            }
        }

        public void Add(int[] counts)
        {
            lock (_lock)
            {
                for (var i = 0; i < Math.Min(counts.Length, TransportCounts.Length); i++) _counts[i] += counts[i];
                if (--_silent == 0) _answered.TrySetResult();
            }
        }
    }
}
