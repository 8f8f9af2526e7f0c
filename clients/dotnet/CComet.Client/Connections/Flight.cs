using CComet.Client.Wire;

namespace CComet.Client.Connections;

/// <summary>How a flight ended: by the server's plan (<see cref="Error"/> is null) or not.</summary>
/// <param name="Error">Why it failed.</param>
/// <param name="Pause">After how long the server asks to be asked again.</param>
/// <param name="IsTokenSpent">Whether the token expired.</param>
internal sealed record FlightEnd(CCometException? Error, TimeSpan? Pause = null, bool IsTokenSpent = false);

/// <summary>What receives for a connection, by one token: a stream, or long polls one after another. Delivers to one subscription at a time, with back-pressure.</summary>
internal abstract class Flight : IAsyncDisposable
{
    private readonly Connection _connection;
    private readonly Dictionary<string, (CCometSubscription Member, string? Epoch)> _members;
    private readonly TaskCompletionSource<bool> _due = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<bool> _proven = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ITimer? _dueTimer;
    private Task<FlightEnd>? _reading;
    private int _current;

    protected Flight(Connection connection, IReadOnlyList<CCometSubscription> members, string? token, CancellationToken stop)
    {
        _connection = connection;
        Members = members;
        Token = token;
        Watchdog = new Watchdog(connection.Api.Time, stop);
        _members = members.ToDictionary(m => m.Channel, m => (m, m.Position.Epoch), StringComparer.Ordinal);
    }

    /// <summary>Gets the token that it was opened by.</summary>
    public string? Token { get; }

    /// <summary>Gets the task that is over when nothing more will come.</summary>
    public Task<FlightEnd> Reading => _reading ?? throw new InvalidOperationException("Not begun.");

    /// <summary>Gets a task that is over when another flight must take this one's place.</summary>
    public Task Due => _due.Task;

    /// <summary>Gets whether something came that only a way that works lets through: a message, or a sign of life after the first.</summary>
    public bool IsProven => _proven.Task.IsCompleted;

    protected ServerApi Api => _connection.Api;

    protected IReadOnlyList<CCometSubscription> Members { get; }

    /// <summary>Gets whether all its subscriptions are still the connection's.</summary>
    protected bool HasAll => Members.All(_connection.Has);

    protected Watchdog Watchdog { get; }

    /// <summary>Begins to deliver.</summary>
    public void Begin() => _reading = Task.Run(GuardAsync);

    public async ValueTask DisposeAsync()
    {
        Watchdog.Cancel();
        if (_reading is not null) await _reading.ConfigureAwait(false);
        if (_dueTimer is not null) await _dueTimer.DisposeAsync().ConfigureAwait(false);
        Close();
        Watchdog.Dispose();
    }

    /// <summary>Receives until the end.</summary>
    protected abstract Task<FlightEnd> ReadAsync();

    /// <summary>Frees the connection.</summary>
    protected abstract void Close();

    protected void Prove() => _proven.TrySetResult(true);

    /// <summary>Has another flight take this one's place after a time.</summary>
    protected void RenewAfter(TimeSpan time)
    {
        _dueTimer ??= Api.Time.CreateTimer(static state => ((Flight)state!)._due.TrySetResult(true), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _dueTimer.Change(time, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Delivers what came.</summary>
    /// <param name="item">The item.</param>
    /// <param name="bytes">How long it was.</param>
    /// <returns>The end, if it was one; else null.</returns>
    protected async ValueTask<FlightEnd?> TakeAsync(WireItem item, int bytes)
    {
        if (item.Refusal is not null) return new FlightEnd(ServerApi.RefusalOf(item, Token));
        if (item.Type == "BYE") return new FlightEnd(null, Api.PauseOf(item.Retry), item.Reason == "expired");
        if (item.Expires is { } expires) Renew(expires);
        if (Find(item) is not { } entry || !_connection.Has(entry.Member)) return null;
        var (member, asked) = entry;
        switch (item)
        {
            case { Type: "CURSOR", Epoch: { } epoch, Seqid: { } seqid }:
                await member.TakeCursorAsync(epoch, seqid, asked, Add).ConfigureAwait(false);
                break;
            case { Type: "GAP", From: { } from, To: { } to }:
                await member.TakeGapAsync(from, to, Add).ConfigureAwait(false);
                break;
            case { Type: "RESET", Epoch: { } epoch }:
                await member.TakeResetAsync(epoch, item.Seqid ?? 0, asked, Add).ConfigureAwait(false);
                break;
            case { Type: "CLOSE" }:
                _connection.End(member, null);
                break;
            case { Type: not null, Seqid: not null }:
                Prove();
                await member.TakeMessageAsync(item, bytes, Add).ConfigureAwait(false);
                break;
            default:
                break;
        }

        return null;

        ValueTask<bool> Add(object entry, int size) => AddAsync(member, entry, size);
    }

    /// <summary>Delivers where a member stands, as a header told it.</summary>
    protected ValueTask TakeCursorAsync(CCometSubscription member, string epoch, long seqid) =>
        !_connection.Has(member) ? default : member.TakeCursorAsync(epoch, seqid, _members[member.Channel].Epoch, (entry, size) => AddAsync(member, entry, size));

    /// <summary>Notes the epochs that the next request gives.</summary>
    protected void NoteEpochs()
    {
        foreach (var member in Members) _members[member.Channel] = (member, member.Position.Epoch);
    }

    private (CCometSubscription Member, string? Epoch)? Find(WireItem item)
    {
        if (Members.Count == 1) return _members[Members[0].Channel];
        if (item.Channel is null) return null;
        if (_members.TryGetValue(item.Channel, out var entry) || _members.TryGetValue($"$presence:{item.Channel}", out entry)) return entry;
        return null;
    }

    /// <summary>Adds to a member's queue, and waits while it is full: nothing more is read meanwhile. Who holds back the others for long gets a connection of its own.</summary>
    /// <returns>Whether it was added. If not, the member is no longer this connection's, and its cursor stays before it.</returns>
    private async ValueTask<bool> AddAsync(CCometSubscription member, object entry, int size)
    {
        while (!member.Queue.TryAdd(entry, size))
        {
            if (!_connection.Has(member) || Watchdog.Token.IsCancellationRequested) return false;
            var stall = Members.Count > 1 ? Api.Timings.Stall : Timeout.InfiniteTimeSpan;
            if (!await Api.Time.AnyWithinAsync(stall, Watchdog.Token, member.Queue.WhenWritable()).ConfigureAwait(false) && !Watchdog.Token.IsCancellationRequested)
                _connection.Expel(member);
        }

        return true;
    }

    /// <summary>Renews at 75 % of the time that is left. The clock may be wrong: without any time left by it, the server's BYE decides.</summary>
    private void Renew(double expires)
    {
        if (!Api.Tokens.CanRenew) return;
        var left = (expires - Api.Time.GetUtcNow().ToUnixTimeMilliseconds()) * TokenCache.RenewAt;
        if (left <= 0) return;

        // Several channels tell the same; a timer takes 49 days at most.
        if (Interlocked.Exchange(ref _current, 1) == 0) RenewAfter(TimeSpan.FromMilliseconds(Math.Max(Api.Timings.MinRenewal.TotalMilliseconds, Math.Min(left, int.MaxValue))));
    }

    private async Task<FlightEnd> GuardAsync()
    {
        try
        {
            return await ReadAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            return new FlightEnd(Watchdog.HasFired ? new CCometException("The stream fell silent.", innerException: e) : ServerApi.Unreachable(e));
        }
    }
}
