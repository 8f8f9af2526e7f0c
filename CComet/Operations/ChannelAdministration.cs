using CComet.Channels;
using CComet.Messages;
using CComet.Storage;
using Microsoft.Extensions.Logging;

namespace CComet.Operations;

/// <summary>What an operator does with channels: broadcast, close, clear. The caller has been let in.</summary>
internal sealed partial class ChannelAdministration
{
    /// <summary>The sname of a broadcast's messages.</summary>
    public const string BroadcastSname = "$broadcast";

    private const int ParallelAppends = 32;

    private readonly ChannelHub _hub;
    private readonly NodeLog _notes;
    private readonly NodeRoster _roster;
    private readonly ILogger<ChannelAdministration> _logger;
    private bool _isOn;

    public ChannelAdministration(ChannelHub hub, NodeLog notes, NodeRoster roster, ILogger<ChannelAdministration> logger) => (_hub, _notes, _roster, _logger) = (hub, notes, roster, logger);

    /// <summary>Has this node do what is done on others, once the host starts.</summary>
    public void Enable()
    {
        if (_isOn) return;
        _isOn = true;
        _roster.Enable();
        _notes.Received += Receive;
    }

    /// <summary>Publishes a text to every channel that is open on any node, each once.</summary>
    /// <returns>In how many channels that are open on this node it is stored; the other nodes store it in theirs.</returns>
    public async Task<int> BroadcastAsync(string json, CancellationToken cancellation)
    {
        var id = Guid.NewGuid().ToString("N");
        await _notes.WriteAsync(new NodeNote(NodeNoteKind.Broadcast, Id: id, Text: json), cancellation);
        return await StoreAsync(id, json);
    }

    /// <summary>Ends the subscribers of a channel, on every node: they are told that it was closed.</summary>
    /// <returns>How many they were on this node.</returns>
    public async ValueTask<int> CloseAsync(string channel, CancellationToken cancellation)
    {
        await _notes.WriteAsync(new NodeNote(NodeNoteKind.Close, [channel]), cancellation);
        return _hub.End(channel, WakeReason.Closed);
    }

    /// <summary>Ends the connections to a channel, on every node; they may come back.</summary>
    /// <returns>How many they were on this node.</returns>
    public async ValueTask<int> KickChannelAsync(string channel, CancellationToken cancellation)
    {
        await _notes.WriteAsync(new NodeNote(NodeNoteKind.Kick, [channel]), cancellation);
        return _hub.End(channel, WakeReason.Kicked);
    }

    /// <summary>Ends the connections of a user, on every node; they may come back.</summary>
    /// <returns>How many they were on this node.</returns>
    public async ValueTask<int> KickUserAsync(string user, CancellationToken cancellation)
    {
        await _notes.WriteAsync(new NodeNote(NodeNoteKind.Kick, Id: user), cancellation);
        return _hub.EndUser(user);
    }

    /// <summary>Drops the messages of a channel, whose log begins a new epoch.</summary>
    /// <returns>The epoch and bounds of the log just before; null when there was nothing to drop.</returns>
    public async ValueTask<LogHead?> ClearAsync(string channel, CancellationToken cancellation)
    {
        if (_hub.Context.Store is not IClearingStore store) throw new RefusedException("channel", "channel: this store cannot clear a channel.");
        var before = await store.ClearAsync(channel, cancellation);
        _hub.Context.Appends?.Appended(channel);
        return before;
    }

    /// <summary>Returns the bounds of a channel's log.</summary>
    public async ValueTask<LogHead> HeadAsync(string channel, CancellationToken cancellation) => (await _hub.Context.Store.ReadAsync(channel, long.MaxValue, 1, cancellation)).Head;

    private void Receive(NodeNote note)
    {
        if (note.Node == _notes.Node) return;
        switch (note)
        {
            case { Kind: NodeNoteKind.Close }:
                foreach (var channel in note.Channels ?? []) _hub.End(channel, WakeReason.Closed);
                break;
            case { Kind: NodeNoteKind.Kick, Id: { } user }:
                _hub.EndUser(user);
                break;
            case { Kind: NodeNoteKind.Kick }:
                foreach (var channel in note.Channels ?? []) _hub.End(channel, WakeReason.Kicked);
                break;
            case { Kind: NodeNoteKind.Broadcast, Id: { } id, Text: { } json }:
                _ = StoreQuietlyAsync(id, json);
                break;
        }
    }

    private async Task StoreQuietlyAsync(string id, string json)
    {
        try
        {
            await StoreAsync(id, json);
        }
        catch (Exception e) when (e is StoreUnavailableException or LimitException)
        {
            LogBroadcastFailed(_logger, e.Message);
        }
    }

    /// <summary>Stores it in each channel that is open here. By its id, a channel that is open on several nodes gets it once.</summary>
    private async Task<int> StoreAsync(string id, string json)
    {
        var body = System.Text.Encoding.UTF8.GetBytes(json);
        var names = _hub.OpenNames.Where(name => !Names.IsOfServer(name)).ToList();
        await Parallel.ForEachAsync(names, new ParallelOptions { MaxDegreeOfParallelism = ParallelAppends }, async (channel, _) =>
            await _hub.AppendAsync([new NewMessage(channel, MessageType.Msg, BroadcastSname, body, id)], CancellationToken.None));
        return names.Count;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A broadcast of another node could not be stored in all channels that are open here: {Reason}")]
    private static partial void LogBroadcastFailed(ILogger logger, string reason);
}
