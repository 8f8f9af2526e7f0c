using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using CComet.Access;
using CComet.Dialects.Native;
using CComet.Transports;

namespace CComet.Kestrel.Parking;

/// <content>What a connection's credential gives, and the tickets that a stream by ticket is given.</content>
internal sealed partial class ParkedConnections
{
    /// <summary>The <see cref="ParkedGrant.Version"/> of a grant that is of one request alone, as a ticket's is, which opens for a moment.</summary>
    private const int OfOneRequest = -1;

    /// <summary>When streams that were opened by a ticket were given one last, by their slots. They are few.</summary>
    private readonly ConcurrentDictionary<int, int> _ticketsAt = new();

    /// <summary>Finds the grant of a token, or of none, and keeps it with the connection; false where it has to be verified.</summary>
    /// <exception cref="TokenRefusedException">It does not hold.</exception>
    private bool HasGrant(ref ParkedSlot slot, in ParkableRequest request)
    {
        if (request.Caller.Tickets.Count > 0) return false;
        var token = Head().AsSpan(request.Token);
        var hash = token.IsEmpty ? 0 : TokenHash.Compute(token);
        var version = Hub.Grants.Version;
        if (slot.Grant != 0 && _grants[slot.Grant] is var kept && kept.Token == hash && kept.Version == version
            && kept.Grant.ExpiresAt > _access.Now.ToUnixTimeMilliseconds() && !Hub.Revocations.Covers(kept.Grant)) return true;

        var grant = token.IsEmpty ? _access.Grants.Anonymous : _access.Find(Encoding.ASCII.GetString(token));
        if (grant is not null) Keep(ref slot, new ParkedGrant(grant, hash, version));
        return grant is not null;
    }

    private void Keep(ref ParkedSlot slot, ParkedGrant grant)
    {
        var before = slot.Grant;
        slot.Grant = _grants.Take(grant);
        _grants.Release(before);
    }

    /// <summary>A signature has to be verified first, for which other connections of the loop do not wait, or a key be asked for.</summary>
    /// <param name="i">The slot.</param>
    /// <param name="request">Its request.</param>
    /// <param name="token">The token; null when it has tickets.</param>
    private async Task VerifyLaterAsync(int i, ParkableRequest request, string? token)
    {
        // The caller holds the slot's lock.
        await Task.Yield();
        ParkedGrant? granted = null;
        try
        {
            var version = Hub.Grants.Version;
            if (token is not null)
            {
                granted = new ParkedGrant(await _access.VerifyAsync(token, CancellationToken.None), TokenHash.Compute(Encoding.ASCII.GetBytes(token)), version);
            }
            else
            {
                var grant = await _access.OpenAsync(request.Caller.Tickets, CancellationToken.None);
                if (request.IsStream) request = request with { Caller = request.Caller with { NextTicket = _access.IssueNext(grant, [request.Start.Channel]) } };
                granted = new ParkedGrant(grant, 0, OfOneRequest);
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // What is refused, the web server refuses again, and tells why.
        }

        Resume(i, request, granted);
    }

    /// <summary>Tells a stream that begins the ticket that follows the one that it came by.</summary>
    private void BeginTickets(in ParkedSlot slot, int i, ArrayBufferWriter<byte> output, ParkableCaller caller)
    {
        if (GrantOf(slot) is not { IsNarrow: true }) return;
        _ticketsAt[i] = _wheel.Milliseconds;
        if (caller.NextTicket is var (text, expires)) WriteTicket(output, text, expires);
    }

    /// <summary>Whether a stream is to be given a further ticket.</summary>
    private bool IsTicketDue(in ParkedSlot slot, int i) =>
        GrantOf(slot) is { IsNarrow: true } grant && _ticketsAt.TryGetValue(i, out var at) && ((_wheel.Milliseconds - at) & int.MaxValue) >= grant.TicketSeconds * 1000 / 2;

    /// <summary>Gives a stream a further ticket. To seal it the keys may have to be read, so no lock is held meanwhile.</summary>
    private async Task GiveTicketAsync(int i, Grant grant, string channel)
    {
        // The caller holds the slot's lock.
        await Task.Yield();
        (string Text, long Expires)? next = null;
        try
        {
            next = _access.IssueNext(grant, [channel]);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            LogFailed(_logger, e);
        }

        ref var slot = ref _slots.Enter(i);
        try
        {
            slot.State = SlotState.Stream;
            var output = Output();
            if (next is var (text, expires)) WriteTicket(output, text, expires);
            if (next is null || TrySend(ref slot, i, output.WrittenSpan, default, SlotState.Streaming)) GoOn(ref slot, i);
        }
        catch (Exception e)
        {
            Fail(ref slot, i, e);
        }
        finally
        {
            SlotTable.Exit(ref slot);
        }
    }

    private static void WriteTicket(ArrayBufferWriter<byte> output, string ticket, long expires) =>
        WriteChunk(output, (Ticket: ticket, Expires: expires), static (text, told) => EventStream.WriteTicket(text, told.Ticket, told.Expires, NativeEncoder.Forms.Encoder));
}
