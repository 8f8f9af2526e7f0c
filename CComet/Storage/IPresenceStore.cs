using CComet.Messages;

namespace CComet.Storage;

/// <summary>Keeps who is in channels. Optional: an <see cref="IMessageStore"/> that can do it implements this too.</summary>
/// <remarks>
/// <para>
/// <b>Members and holders.</b> A log of presence has members, the users who are there. Each member is held by one node or several, by the
/// name that a node gives itself. The first holder makes the member, and its <see cref="MessageType.Join"/> is appended; when the last one
/// lets go the member is gone, and its <see cref="MessageType.Leave"/> is appended. A change of members and its message are one step: the
/// messages of a log, replayed, always give its members.
/// </para>
/// <para>
/// <b>Leases.</b> A holder has a lease, which it renews. Of a holder whose lease has run out, others read what it held and let go of it. A
/// holder that has been away too long takes another name, so that what is done on behalf of the old one does not concern it.
/// </para>
/// <para><b>Threads.</b> Every method may be called on any thread. Changes of one log by one holder come one after the other.</para>
/// </remarks>
public interface IPresenceStore
{
    /// <summary>Has a holder hold members of a log, or let go of them, in their order.</summary>
    /// <remarks>A change that holds already is none. All of them are made, up to <paramref name="maxMembers"/>, or none.</remarks>
    /// <param name="log">The log, a channel's name.</param>
    /// <param name="holder">The holder: 1 to 64 ASCII letters or digits.</param>
    /// <param name="changes">The changes; no member twice.</param>
    /// <param name="maxMembers">How many members the log may have; one more is not made.</param>
    /// <param name="cancellation">Ends the waiting; the changes may be made all the same.</param>
    /// <returns>The indexes of the changes that were not made because the log has its members.</returns>
    /// <exception cref="LimitException">A bound of the store is met. Nothing was changed.</exception>
    /// <exception cref="StoreUnavailableException">The store cannot be written to now. Nothing was changed, as far as the store can tell.</exception>
    ValueTask<IReadOnlyList<int>> ChangeMembersAsync(string log, string holder, IReadOnlyList<MemberChange> changes, int maxMembers, CancellationToken cancellation = default);

    /// <summary>Reads the members of a log, and the log's bounds at the same moment.</summary>
    /// <param name="log">The log.</param>
    /// <param name="withMembers">Whether the members are wanted, and not their number alone.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <exception cref="StoreUnavailableException">The store cannot be read now.</exception>
    ValueTask<MemberList> ReadMembersAsync(string log, bool withMembers, CancellationToken cancellation = default);

    /// <summary>Renews the lease of a holder, or takes it out.</summary>
    /// <param name="holder">The holder.</param>
    /// <param name="life">How long it lasts from now on.</param>
    /// <param name="isNew">Whether the holder has none yet.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <returns>
    /// False when the lease had run out, or the store may have lost what was held by it: the holder takes another name and holds all anew.
    /// </returns>
    /// <exception cref="StoreUnavailableException">The store cannot be written to now.</exception>
    ValueTask<bool> RenewLeaseAsync(string holder, TimeSpan life, bool isNew, CancellationToken cancellation = default);

    /// <summary>Reads the names of the holders whose leases have run out.</summary>
    /// <param name="cancellation">Ends the reading.</param>
    /// <exception cref="StoreUnavailableException">The store cannot be read now.</exception>
    ValueTask<IReadOnlyList<string>> ReadLapsedAsync(CancellationToken cancellation = default);

    /// <summary>Reads some of the members that a holder holds.</summary>
    /// <param name="holder">The holder.</param>
    /// <param name="most">How many at most.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <returns>Logs and members; empty when it holds none any more.</returns>
    /// <exception cref="StoreUnavailableException">The store cannot be read now.</exception>
    ValueTask<IReadOnlyList<(string Log, string Member)>> ReadHeldAsync(string holder, int most, CancellationToken cancellation = default);

    /// <summary>Forgets a holder that holds nothing any more.</summary>
    /// <param name="holder">The holder.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <exception cref="StoreUnavailableException">The store cannot be written to now.</exception>
    ValueTask ForgetHolderAsync(string holder, CancellationToken cancellation = default);
}

/// <summary>A change of who holds a member.</summary>
/// <param name="Member">The member's name, of the same form as a channel's.</param>
/// <param name="IsHeld">Whether it is held from now on, or let go of.</param>
/// <param name="Info">What is told of it: one JSON value in UTF-8, or nothing. That of its first holder stays.</param>
public readonly record struct MemberChange(string Member, bool IsHeld, ReadOnlyMemory<byte> Info = default);

/// <summary>A member of a log.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Since">The time of its <see cref="MessageType.Join"/>, in milliseconds since 1970-01-01 UTC.</param>
/// <param name="Info">What is told of it: one JSON value in UTF-8; empty for none.</param>
public readonly record struct Member(string Name, long Since, ReadOnlyMemory<byte> Info);

/// <summary>The members of a log at one moment.</summary>
/// <param name="Head">The log's bounds at that moment: what comes from its end on is not in the list.</param>
/// <param name="Count">How many members there are.</param>
/// <param name="Members">The members, ordered by nothing; empty when only their number was asked for.</param>
public sealed record MemberList(LogHead Head, int Count, IReadOnlyList<Member> Members);
