using System.Diagnostics.CodeAnalysis;
using CComet.Client.Wire;

namespace CComet.Client.Connections;

/// <summary>
/// One connection to the server, shared by up to 64 subscriptions to different channels. Its loop opens a flight for all of them, opens another when they change or the token is
/// due (and ends the old one once the new one is there), and repeats for ever what fails for a passing reason.
/// </summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "The source has no timer, and may be canceled after the loop has ended.")]
internal sealed class Connection
{
    private readonly ConnectionPool _pool;
    private readonly CancellationTokenSource _stop = new();
    private readonly Backoff _backoff;
    private TaskCompletionSource<bool> _changed = NewSignal();
    private long _streamAgainAt = long.MinValue;
    private bool _isFreshTried;

    /// <param name="pool">Where it is.</param>
    /// <param name="isShared">Whether further subscriptions may join.</param>
    public Connection(ConnectionPool pool, bool isShared)
    {
        _pool = pool;
        IsShared = isShared;
        _backoff = new Backoff(pool.Api.Timings);
    }

    public ServerApi Api => _pool.Api;

    public bool IsShared { get; }

    /// <summary>Gets the subscriptions. Guarded by the pool's lock.</summary>
    public List<CCometSubscription> Members { get; } = [];

    /// <summary>Gets the loop, which never fails.</summary>
    public Task Running { get; private set; } = Task.CompletedTask;

    /// <summary>Starts the loop.</summary>
    public void Start() => Running = Task.Run(RunAsync);

    /// <summary>Has the loop look at its members again. The pool's lock is held.</summary>
    public void Signal() => _changed.TrySetResult(true);

    /// <summary>Ends the loop.</summary>
    public void Stop()
    {
        _stop.Cancel();
        _changed.TrySetResult(true);
    }

    /// <summary>Returns whether a subscription is still this connection's.</summary>
    public bool Has(CCometSubscription member) => _pool.OwnerOf(member) == this;

    /// <summary>Gives a subscription a connection of its own.</summary>
    public void Expel(CCometSubscription member) => _pool.Expel(member, this);

    /// <summary>Ends a subscription from the server's side.</summary>
    public void End(CCometSubscription member, Exception? error)
    {
        member.End(error, isEmptied: false);
        _pool.Detach(member, this);
    }

    private static TaskCompletionSource<bool> NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task RunAsync()
    {
        Flight? current = null;
        try
        {
            while (!_stop.IsCancellationRequested)
            {
                await Api.Time.PauseAsync(Api.Timings.Coalesce, _stop.Token).ConfigureAwait(false);
                var members = _pool.TakeMembers(this, () => _changed = NewSignal());
                if (members.Count == 0 || _stop.IsCancellationRequested) break;
                current = await OpenAsync(members, current).ConfigureAwait(false);
                if (current is null) continue;

                await Task.WhenAny(current.Reading, current.Due, _changed.Task).ConfigureAwait(false);
                if (current.IsProven) Reset();
                if (!current.Reading.IsCompleted)
                {
                    if (current.Due.IsCompleted) Api.Tokens.MarkDue(current.Token);
                    continue;
                }

                var ended = current;
                current = null;
                var end = await ended.Reading.ConfigureAwait(false);
                await ended.DisposeAsync().ConfigureAwait(false);
                await HandleAsync(end, members, ended.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e)
        {
            // A defect of the client must not be a subscription that waits for ever.
            foreach (var member in _pool.TakeMembers(this, () => { })) End(member, e);
        }
        finally
        {
            if (current is not null) await current.DisposeAsync().ConfigureAwait(false);
        }
    }

    private void Reset()
    {
        _backoff.Reset();
        _isFreshTried = false;
    }

    /// <summary>Opens a flight in place of the current one, if there is one.</summary>
    /// <returns>The flight that receives from now on; null when there is none, after a pause.</returns>
    private async Task<Flight?> OpenAsync(IReadOnlyList<CCometSubscription> members, Flight? current)
    {
        CCometException failure;
        string? token = null;
        try
        {
            token = await Api.Tokens.GetAsync(_stop.Token).ConfigureAwait(false);
            var next = await OpenAsync(members, token).ConfigureAwait(false);
            if (current is not null) await current.DisposeAsync().ConfigureAwait(false);
            next.Begin();
            return next;
        }
        catch (Exception) when (_stop.IsCancellationRequested)
        {
            return current;
        }
        catch (Exception e)
        {
            failure = ServerApi.Unreachable(e);
        }

        if (current?.IsProven == true) Reset();
        var isHandled = await TryHandleAsync(failure, members).ConfigureAwait(false);
        if (!isHandled)
        {
            var pause = Pause(failure);
            if (current is null) await Api.Time.PauseAsync(pause, _stop.Token).ConfigureAwait(false);
            else await Api.Time.AnyWithinAsync(pause, _stop.Token, current.Reading).ConfigureAwait(false);
        }

        if (current is null || !current.Reading.IsCompleted)
        {
            // It is not there yet that the loop must look at.
            _pool.Locked(Signal);
        }

        return current;
    }

    private async Task<Flight> OpenAsync(IReadOnlyList<CCometSubscription> members, string? token)
    {
        var now = Api.Time.GetTimestamp();
        if (now >= _streamAgainAt && !Api.Options.IsPolling)
        {
            try
            {
                return await StreamFlight.OpenAsync(this, members, token, _stop.Token).ConfigureAwait(false);
            }
            catch (FirstByteException e)
            {
                _streamAgainAt = Api.Time.GetTimestamp() + (long)(Api.Timings.StreamAgain.TotalSeconds * Api.Time.TimestampFrequency);
                Tell(e, TimeSpan.Zero);
            }
        }

        var left = TimeSpan.FromSeconds((_streamAgainAt - Api.Time.GetTimestamp()) / (double)Api.Time.TimestampFrequency);
        return await PollFlight.OpenAsync(this, members, token, Api.Options.IsPolling ? Timeout.InfiniteTimeSpan : left > TimeSpan.Zero ? left : TimeSpan.Zero, _stop.Token).ConfigureAwait(false);
    }

    private async Task HandleAsync(FlightEnd end, IReadOnlyList<CCometSubscription> members, string? token)
    {
        if (_stop.IsCancellationRequested) return;
        if (end.IsTokenSpent) Api.Tokens.Drop(token);
        if (end.Error is null)
        {
            // The server spreads its clients itself.
            await Api.Time.PauseAsync(end.Pause ?? Pause(new CCometException("The server ended the stream.")), _stop.Token).ConfigureAwait(false);
        }
        else if (!await TryHandleAsync(end.Error, members).ConfigureAwait(false))
        {
            await Api.Time.PauseAsync(Pause(end.Error), _stop.Token).ConfigureAwait(false);
        }
    }

    /// <summary>Counts a failure, tells it, and returns the pause after it.</summary>
    private TimeSpan Pause(CCometException failure)
    {
        var pause = _backoff.Next(failure.RetryAfter);
        Tell(failure, pause);
        return pause;
    }

    private void Tell(CCometException failure, TimeSpan pause)
    {
        try
        {
            Api.Options.OnRetry?.Invoke(new CCometRetry(failure, pause));
        }
        catch (Exception)
        {
            // Documented: what the callback throws is ignored.
        }
    }

    /// <summary>Handles what waiting does not help.</summary>
    /// <returns>Whether to go on at once.</returns>
    private async Task<bool> TryHandleAsync(CCometException failure, IReadOnlyList<CCometSubscription> members)
    {
        if (failure.IsBeyondEnd)
        {
            var without = members.Where(m => m.Position is { Next: not null, Epoch: null }).ToList();
            foreach (var member in without.Count > 0 ? without : members) member.BeginAgain();
            return false;
        }

        if (failure.Status == 401 && Api.Tokens.CanRenew && !_isFreshTried)
        {
            _isFreshTried = true;
            Api.Tokens.Drop(failure.Token);
            return true;
        }

        if (!failure.IsFinal) return false;
        var guilty = members;
        if (members.Count > 1 && failure.Channel is { } channel && members.FirstOrDefault(m => m.Channel == channel) is { } named)
        {
            guilty = [named];
        }
        else if (members.Count > 1 && failure.Status is 400 or 403)
        {
            // The refusal of one channel is not that of the others.
            if (await FindRefusedAsync(members).ConfigureAwait(false) is not { } refused) return false;
            foreach (var (member, error) in refused) End(member, error);
            if (refused.Count > 0) return true;
        }

        foreach (var member in guilty) End(member, failure);
        return true;
    }

    /// <summary>Asks for each subscription alone.</summary>
    /// <returns>Those that are refused; null when nobody knows.</returns>
    private async Task<List<(CCometSubscription Member, CCometException Error)>?> FindRefusedAsync(IReadOnlyList<CCometSubscription> members)
    {
        var refused = new List<(CCometSubscription, CCometException)>();
        foreach (var member in members)
        {
            using var watchdog = new Watchdog(Api.Time, _stop.Token);
            try
            {
                watchdog.Expect(Api.Timings.Request);
                await Api.ProbeAsync(member, await Api.Tokens.GetAsync(watchdog.Token).ConfigureAwait(false), watchdog.Token).ConfigureAwait(false);
            }
            catch (CCometException e) when (e.IsFinal && e.Status != 401)
            {
                refused.Add((member, e));
            }
            catch (Exception) when (!_stop.IsCancellationRequested)
            {
                return null;
            }
        }

        return refused;
    }
}
