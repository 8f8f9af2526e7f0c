using CComet.Access;
using CComet.Limits;
using CComet.Messages;

namespace CComet.Operations;

/// <summary>The result of a sign-in to a channel. It is one array that cannot come in parts, so its bytes count until it is disposed of.</summary>
internal sealed class SignIn : IDisposable
{
    /// <summary>How much one read of the history brings, in bytes.</summary>
    private const long ReadBytes = 64 << 10;

    private readonly ChannelOperations _operations;
    private readonly List<Message> _history = [];
    private long _bytes;
    private long _held;

    private SignIn(ChannelOperations operations) => _operations = operations;

    /// <summary>The kept history; its last message is the sign-in itself.</summary>
    public IReadOnlyList<Message> History => _history;

    /// <summary>The cursor behind the sign-in.</summary>
    public Cursor Cursor { get; private set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        _operations.Context.Memory.Release(_held);
        _held = 0;
    }

    /// <summary>Signs in. The history is read first, so that one for which there is no memory is refused before anything is stored.</summary>
    internal static async ValueTask<SignIn> RunAsync(ChannelOperations operations, CallerContext caller, string channel, string? sname, CancellationToken cancellation)
    {
        var signIn = new SignIn(operations);
        try
        {
            await signIn.RunAsync(caller, channel, sname, cancellation);
            return signIn;
        }
        catch
        {
            signIn.Dispose();
            throw;
        }
    }

    private async ValueTask RunAsync(CallerContext caller, string channel, string? sname, CancellationToken cancellation)
    {
        var (epoch, next) = await ReadAsync(channel, null, 0, long.MaxValue, mayRefuse: true, cancellation);
        var receipt = (await _operations.PublishAsync(caller, [NewMessage.Sign(channel, sname)], cancellation))[0];
        if (receipt.Epoch != epoch)
        {
            // The log began a new epoch in between, or had none yet.
            _history.Clear();
            next = 0;
        }

        if (next < receipt.Seqid) await ReadAsync(channel, receipt.Epoch, next, receipt.Seqid, mayRefuse: false, cancellation);
        _history.Add(receipt.Stored ?? throw new InvalidOperationException("A sign-in has no id, and is never a duplicate."));
        Cursor = new Cursor(receipt.Epoch, receipt.Seqid + 1);
    }

    /// <summary>Adds what the store has from a seqid on, up to <paramref name="end"/> or the log's end at this moment.</summary>
    /// <returns>The epoch of what was read, and one past the last seqid.</returns>
    private async ValueTask<(string? Epoch, long Next)> ReadAsync(string channel, string? epoch, long next, long end, bool mayRefuse, CancellationToken cancellation)
    {
        while (next < end)
        {
            var slice = await _operations.Context.Store.ReadAsync(channel, next, ReadBytes, cancellation);
            if (slice.Messages.Length == 0 || (epoch is not null && slice.Head.Epoch != epoch)) break;
            epoch = slice.Head.Epoch;
            end = Math.Min(end, slice.Head.End);

            // A hole: the history has moved on between two reads. What lies before it is no longer kept.
            if (slice.Messages[0].Seqid > next) _history.Clear();
            foreach (var message in slice.Messages)
            {
                if (message.Seqid >= end) break;
                _history.Add(message);
                _bytes += message.Record.Length;
            }

            if (!_operations.Context.Memory.TryHold(ref _held, _bytes) && mayRefuse)
                throw _operations.Context.Limits.Refuse(HubMemory.Bound, isGlobal: true, "channel", $"the answers under way take the memory that they may (CComet:{HubMemory.Bound}).");
            next = Math.Min(end, slice.Messages[^1].Seqid + 1);
        }

        return (epoch, next);
    }
}
