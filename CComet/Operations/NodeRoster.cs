using System.Text.Json;
using System.Threading.Channels;
using CComet.Channels;
using Microsoft.Extensions.Hosting;

namespace CComet.Operations;

/// <summary>Knows which other nodes live, and what each told of itself last.</summary>
/// <remarks>
/// By notes (<see cref="NodeLog"/>): a node asks when it starts and when it may have missed some, tells of itself when it is asked, and, while there
/// are others, every five seconds; while it drains, within a second of each change of how many subscribers are left. One that has been silent for 15 seconds is gone. It does nothing unless something needs it (<see cref="Enable"/>).
/// </remarks>
internal sealed class NodeRoster(ChannelHub hub, NodeLog notes) : BackgroundService
{
    private static readonly TimeSpan TickInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AliveInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan DeadAfter = TimeSpan.FromSeconds(15);

    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private readonly long _since = hub.Context.Time.GetUtcNow().ToUnixTimeMilliseconds();
    private bool _isOn;

    // All below is guarded by the lock.
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Node> _others = new(StringComparer.Ordinal);
    private bool _mustAsk;
    private bool _mustTell;

    /// <summary>Is told the name of a node that is gone. Called on any thread, without a lock.</summary>
    public event Action<string>? Left;

    /// <summary>This node.</summary>
    public NodeStatus Self
    {
        get
        {
            var isDraining = hub.IsDraining;
            return new(notes.Node, Environment.MachineName, _since, NodeStatus.Release, hub.SubscriberCount, hub.ChannelCount, isDraining, Environment.WorkingSet, isDraining ? hub.Context.DrainedFrom : null);
        }
    }

    /// <summary>How many others live.</summary>
    public int OtherCount
    {
        get
        {
            lock (_lock) return _others.Count;
        }
    }

    /// <summary>The others that have told of themselves.</summary>
    public IReadOnlyList<KnownNode> Others
    {
        get
        {
            lock (_lock)
            {
                return [.. _others.Values.Where(node => node.Status is not null).Select(node => new KnownNode(node.Status!, Elapsed(node.HeardAt))).OrderBy(node => node.Status.Since)];
            }
        }
    }

    /// <summary>Has it run once the host starts.</summary>
    public void Enable()
    {
        if (_isOn) return;
        _isOn = true;
        notes.Received += Receive;
        notes.Missed += () => Wake(asks: true);
    }

    /// <summary>Whether another node of a name lives.</summary>
    public bool IsOther(string node)
    {
        lock (_lock) return _others.ContainsKey(node);
    }

    /// <summary>Tells the others of this node now.</summary>
    public void Tell() => Wake(tells: true);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!_isOn) return;
        await Task.WhenAny(notes.Following, Task.Delay(Timeout.Infinite, stoppingToken));
        Wake(asks: true);
        using var timer = new PeriodicTimer(TickInterval, hub.Context.Time);
        await Task.WhenAll(SendAsync(stoppingToken), TickAsync(timer, stoppingToken));
    }

    private void Wake(bool asks = false, bool tells = false)
    {
        lock (_lock) (_mustAsk, _mustTell) = (_mustAsk || asks, _mustTell || tells);
        _wake.Writer.TryWrite(true);
    }

    private async Task TickAsync(PeriodicTimer timer, CancellationToken cancellation)
    {
        var (toldAt, toldLeft) = (Now, (int?)null);
        while (await timer.WaitForNextTickAsync(cancellation))
        {
            List<string> gone;
            int? left = hub.IsDraining ? hub.SubscriberCount : null;
            lock (_lock)
            {
                gone = [.. _others.Where(other => Elapsed(other.Value.HeardAt) >= DeadAfter).Select(other => other.Key)];
                foreach (var name in gone) _others.Remove(name);
                if (_others.Count > 0 && (left != toldLeft || Elapsed(toldAt) >= AliveInterval)) (_mustTell, toldAt, toldLeft) = (true, Now, left);
            }

            foreach (var name in gone) Left?.Invoke(name);

            // What could not be sent is tried again.
            _wake.Writer.TryWrite(true);
        }
    }

    private async Task SendAsync(CancellationToken cancellation)
    {
        while (await _wake.Reader.WaitToReadAsync(cancellation))
        {
            _wake.Reader.TryRead(out _);
            bool asks, tells;
            lock (_lock)
            {
                (asks, tells) = (_mustAsk, _mustTell);
                (_mustAsk, _mustTell) = (false, false);
            }

            if (asks && !await notes.TryWriteAsync(new NodeNote(NodeNoteKind.Ask), cancellation)) lock (_lock) _mustAsk = true;
            if (tells && !await notes.TryWriteAsync(new NodeNote(NodeNoteKind.Alive, Text: JsonSerializer.Serialize(Self, JsonSerializerOptions.Web)), cancellation)) lock (_lock) _mustTell = true;
        }
    }

    private void Receive(NodeNote note)
    {
        if (note.Node == notes.Node) return;
        bool isNew;
        lock (_lock)
        {
            isNew = !_others.TryGetValue(note.Node, out var node);
            if (node is null) _others[note.Node] = node = new Node();
            node.HeardAt = Now;
            if (note is { Kind: NodeNoteKind.Alive, Text: { } text }) node.Status = Parse(text, note.Node) ?? node.Status;
        }

        // Whatever a node says first, there may be more that it has said before.
        if (isNew || note.Kind == NodeNoteKind.Ask) Wake(asks: isNew && note.Kind != NodeNoteKind.Ask, tells: true);
    }

    private static NodeStatus? Parse(string text, string node)
    {
        try
        {
            return JsonSerializer.Deserialize<NodeStatus>(text, JsonSerializerOptions.Web) is { Host: not null, Version: not null } status ? status with { Node = node } : null;
        }
        catch (JsonException)
        {
            // Of a release that tells it otherwise.
            return null;
        }
    }

    private long Now => hub.Context.Time.GetTimestamp();

    private TimeSpan Elapsed(long since) => hub.Context.Time.GetElapsedTime(since);

    /// <summary>Another node.</summary>
    private sealed class Node
    {
        public NodeStatus? Status { get; set; }

        public long HeardAt { get; set; }
    }
}
