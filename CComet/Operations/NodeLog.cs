using System.Text.Json;
using System.Threading.Channels;
using CComet.Channels;
using CComet.Messages;
using CComet.Storage;
using CComet.Subscriptions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CComet.Operations;

/// <summary>Carries small notes between the nodes that share a store, in the log of a channel of the server's own.</summary>
/// <remarks>A node follows the log from its start on, unless nothing in it listens. Where the store says that no other node has it (<see cref="ISingleNodeStore"/>), a node's notes go to itself, past the store.</remarks>
internal sealed partial class NodeLog(ChannelHub hub, ChannelOperations operations, ILogger<NodeLog> logger) : BackgroundService, IHostedLifecycleService
{
    private const string LogName = Names.PrivatePrefix + "nodes";

    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    /// <summary>The notes of a node that is alone.</summary>
    private readonly Channel<NodeNote> _own = System.Threading.Channels.Channel.CreateUnbounded<NodeNote>(new UnboundedChannelOptions { SingleReader = true });
    private readonly TaskCompletionSource _following = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private bool _isFailing;

    /// <summary>This node's name: random, and new with each start.</summary>
    public string Node { get; } = Epoch.New();

    /// <summary>Completes once notes of other nodes are received.</summary>
    public Task Following => _following.Task;

    /// <summary>Whether no other node can have the store.</summary>
    private bool IsAlone => hub.Context.Store is ISingleNodeStore;

    /// <summary>Receives the notes of all nodes, this one's too, one at a time and in one order for all nodes.</summary>
    public event Action<NodeNote>? Received;

    /// <summary>Is told that notes may have been missed.</summary>
    public event Action? Missed;

    /// <summary>Writes a note for all nodes.</summary>
    /// <exception cref="StoreUnavailableException">The store cannot be written to now.</exception>
    /// <exception cref="LimitException">A bound of the store is met.</exception>
    public async ValueTask WriteAsync(NodeNote note, CancellationToken cancellation = default)
    {
        if (IsAlone)
        {
            if (Received is not null) _own.Writer.TryWrite(note with { Node = Node });
            return;
        }

        var body = JsonSerializer.SerializeToUtf8Bytes(note with { Node = Node }, JsonSerializerOptions.Web);
        await hub.AppendAsync([new NewMessage(LogName, MessageType.Msg, null, body)], cancellation);
    }

    /// <summary>Writes a note, if that can be done now; the log tells once that it cannot.</summary>
    /// <returns>Whether it was written: otherwise the caller writes it again later.</returns>
    public async ValueTask<bool> TryWriteAsync(NodeNote note, CancellationToken cancellation)
    {
        try
        {
            await WriteAsync(note, cancellation);
            _isFailing = false;
            return true;
        }
        catch (Exception e) when (e is StoreUnavailableException or LimitException)
        {
            if (!_isFailing) LogUnsent(logger, e.Message);
            _isFailing = true;
            return false;
        }
    }

    /// <inheritdoc/>
    /// <remarks>It begins once all services have started: by then those that listen have said so.</remarks>
    public override Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => base.StartAsync(cancellationToken);

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (Received is null) return;
        if (IsAlone)
        {
            _following.TrySetResult();
            await foreach (var note in _own.Reader.ReadAllAsync(stoppingToken)) Received.Invoke(note);
            return;
        }

        var cursor = Cursor.None;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                using var subscriber = await operations.SubscribeTrustedAsync(new ChannelStart(LogName, cursor));
                await using var stopping = stoppingToken.UnsafeRegister(static s => ((Subscriber)s!).Signal(WakeReason.Gone), subscriber);
                await subscriber.BeginAsync();
                cursor = subscriber.Cursors.First().Cursor;
                _following.TrySetResult();
                while (subscriber.Ended is null)
                {
                    var readings = await subscriber.ReadAsync(park: true, cancellation: stoppingToken);
                    foreach (var reading in readings) Receive(reading);
                    cursor = subscriber.Cursors.First().Cursor;
                    if (readings.Count == 0) await subscriber.WaitAsync(Timeout.InfiniteTimeSpan);
                }
            }
            catch (Exception e) when (e is StoreUnavailableException or LimitException)
            {
                LogAway(logger, e.Message);
                await hub.Context.Wheel.DelayAsync(RetryInterval, stoppingToken);
            }
        }
    }

    private void Receive(Reading reading)
    {
        if (reading.Notice is not null) Missed?.Invoke();
        foreach (var message in reading.Batch.Messages)
        {
            if (Parse(message) is { } note) Received?.Invoke(note);
        }
    }

    /// <summary>Returns the note that a message holds; null for one of a later release that this one cannot read.</summary>
    private static NodeNote? Parse(Message message)
    {
        try
        {
            return JsonSerializer.Deserialize<NodeNote>(message.Body.Span, JsonSerializerOptions.Web);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Other nodes cannot be told of this one: {Reason} Trying again")]
    private static partial void LogUnsent(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Notes of other nodes cannot be read: {Reason} Trying again")]
    private static partial void LogAway(ILogger logger, string reason);
}
