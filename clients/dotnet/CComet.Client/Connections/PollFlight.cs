using System.Globalization;
using CComet.Client.Wire;

namespace CComet.Client.Connections;

/// <summary>Receives by <c>/sub</c>, poll after poll, where a stream does not get through.</summary>
internal sealed class PollFlight : Flight
{
    /// <summary>An empty answer that came sooner than this was not waited for; asking again at once would make a storm.</summary>
    private static readonly TimeSpan Unwaited = TimeSpan.FromSeconds(0.5);

    private readonly Backoff _rest;
    private (WireItem[] Items, string? Cursors, TimeSpan? Retry) _first;

    private PollFlight(Connection connection, IReadOnlyList<CCometSubscription> members, string? token, CancellationToken stop)
        : base(connection, members, token, stop) => _rest = new Backoff(connection.Api.Timings);

    /// <summary>Asks once without waiting, so that the cursor, and that the server is there, are known at once.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="members">The subscriptions.</param>
    /// <param name="token">The token.</param>
    /// <param name="streamAgain">After how long a stream is tried again.</param>
    /// <param name="stop">Ends it.</param>
    /// <exception cref="CCometException">It was refused or failed.</exception>
    public static async Task<PollFlight> OpenAsync(Connection connection, IReadOnlyList<CCometSubscription> members, string? token, TimeSpan streamAgain, CancellationToken stop)
    {
        var flight = new PollFlight(connection, members, token, stop);
        try
        {
            flight._first = await flight.PollAsync(false, token).ConfigureAwait(false);
            flight.RenewAfter(streamAgain);
            return flight;
        }
        catch (Exception e)
        {
            await flight.DisposeAsync().ConfigureAwait(false);
            throw ServerApi.Unreachable(e);
        }
    }

    /// <inheritdoc/>
    protected override void Close()
    {
        // Each poll frees its own connection.
    }

    /// <inheritdoc/>
    protected override async Task<FlightEnd> ReadAsync()
    {
        var answer = _first;
        _first = default;
        for (var polls = 1; ; polls++)
        {
            if (await TakeAllAsync(answer.Items, answer.Cursors).ConfigureAwait(false) is { } end) return end;
            if (answer.Retry is { } pause) return new FlightEnd(null, pause);
            if (polls > 1) Prove();

            // The channel of one that was ended, by CLOSE for one, is not asked for again.
            if (!HasAll) return new FlightEnd(null, TimeSpan.Zero);
            NoteEpochs();
            var asked = Api.Time.GetTimestamp();
            answer = await PollAsync(true, await Api.Tokens.GetAsync(Watchdog.Token).ConfigureAwait(false)).ConfigureAwait(false);
            if (answer.Items.Length == 0 && answer.Retry is null && Api.Time.GetElapsedTime(asked) < Unwaited) await Api.Time.PauseAsync(_rest.Next(null), Watchdog.Token).ConfigureAwait(false);
            else _rest.Reset();
            Watchdog.Token.ThrowIfCancellationRequested();
        }
    }

    private static (string Epoch, long Seqid)? Parse(string text)
    {
        var colon = text.LastIndexOf(':');
        return colon > 0 && long.TryParse(text.Substring(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var seqid) ? (text.Substring(0, colon), seqid) : null;
    }

    private async ValueTask<FlightEnd?> TakeAllAsync(WireItem[] items, string? cursors)
    {
        var told = cursors?.Split(',') ?? [];
        if (told.Length != Members.Count) throw new CCometException("What came is no answer of CComet: CComet-Cursor does not name the cursor of each channel.");
        for (var i = 0; i < told.Length; i++)
        {
            // The header tells where the answer ends; it began with the first item.
            if (Parse(Members.Count > 1 ? Uri.UnescapeDataString(told[i]) : told[i]) is not { } cursor) continue;
            var isReset = items.Any(item => item.Type == "RESET" && (item.Channel == Members[i].Channel || Members.Count == 1));
            if (!isReset) await TakeCursorAsync(Members[i], cursor.Epoch, FirstOf(items, Members[i].Channel) ?? cursor.Seqid).ConfigureAwait(false);
        }

        foreach (var item in items)
        {
            if (await TakeAsync(item, item.Msg.ValueKind == System.Text.Json.JsonValueKind.Undefined ? 0 : item.Msg.GetRawText().Length).ConfigureAwait(false) is { } end) return end;
        }

        return null;
    }

    private static long? FirstOf(WireItem[] items, string channel) =>
        items.FirstOrDefault(item => item.Seqid is not null && (item.Channel is null || item.Channel == channel)) is { } first ? first.From ?? first.Seqid : null;

    private async Task<(WireItem[] Items, string? Cursors, TimeSpan? Retry)> PollAsync(bool isWaiting, string? token)
    {
        Watchdog.Expect(isWaiting ? Api.Timings.Poll : Api.Timings.Request);
        try
        {
            return await Api.PollAsync(Members, isWaiting, token, Watchdog.Token).ConfigureAwait(false);
        }
        finally
        {
            Watchdog.Rest();
        }
    }
}
