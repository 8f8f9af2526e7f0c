using System.Collections.Concurrent;
using CComet.Messages;

namespace CComet.Storage.Memory;

/// <summary>Who is in channels, for the memory store.</summary>
/// <remarks>
/// The members of a log are guarded by one of a fixed number of locks, chosen by the log's name. Messages are appended under it, so that
/// they stand in the log in the order of the changes; the lock of a log is taken under it, never the other way around.
/// </remarks>
/// <param name="store">The store, to which the messages are appended.</param>
/// <param name="time">The clock.</param>
internal sealed class MemoryMembers(MemoryStore store, TimeProvider time)
{
    private readonly Lock[] _locks = [.. Enumerable.Range(0, 64).Select(_ => new Lock())];
    private readonly ConcurrentDictionary<string, Dictionary<string, HeldMember>> _logs = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int> _holders = new(StringComparer.Ordinal);
    private readonly HolderLeases _leases = new(time);

    /// <inheritdoc cref="IPresenceStore.ChangeMembersAsync"/>
    public IReadOnlyList<int> Change(string log, string holder, IReadOnlyList<MemberChange> changes, int maxMembers)
    {
        lock (LockOf(log))
        {
            var members = _logs.GetValueOrDefault(log) ?? new(StringComparer.Ordinal);
            var plan = new MemberPlan(log, changes, members.Count, maxMembers, member => members.TryGetValue(member, out var held) ? (held.Count, held.IsHeldBy(holder)) : default);
            var balance = 0;
            foreach (var (change, told) in plan.Steps(store.Append(plan.Messages)))
            {
                Apply(members, holder, change, told);
                balance += change.IsHeld ? 1 : -1;
            }

            _holders.AddOrUpdate(holder, static (_, change) => change, static (_, held, change) => held + change, balance);
            if (members.Count > 0) _logs[log] = members;
            else _logs.TryRemove(log, out _);
            return plan.Refused;
        }
    }

    /// <inheritdoc cref="IPresenceStore.ReadMembersAsync"/>
    public MemberList Read(string log, bool withMembers)
    {
        lock (LockOf(log))
        {
            var head = store.Read(log, long.MaxValue, 1).Head;
            if (!_logs.TryGetValue(log, out var members)) return new MemberList(head, 0, []);
            return new MemberList(head, members.Count, withMembers ? [.. members.Select(member => new Member(member.Key, member.Value.Since, member.Value.Info))] : []);
        }
    }

    /// <inheritdoc cref="IPresenceStore.RenewLeaseAsync"/>
    public bool Renew(string holder, TimeSpan life, bool isNew) => _leases.Renew(holder, life, isNew);

    /// <inheritdoc cref="IPresenceStore.ReadLapsedAsync"/>
    public IReadOnlyList<string> ReadLapsed() => _leases.Lapsed(_holders.Where(holder => holder.Value > 0).Select(holder => holder.Key));

    /// <inheritdoc cref="IPresenceStore.ReadHeldAsync"/>
    public IReadOnlyList<(string Log, string Member)> ReadHeld(string holder, int most) => [.. Held().Where(held => held.Holder == holder).Select(held => (held.Log, held.Member)).Take(most)];

    /// <inheritdoc cref="IPresenceStore.ForgetHolderAsync"/>
    public void Forget(string holder)
    {
        _leases.Forget(holder);
        _holders.TryRemove(KeyValuePair.Create(holder, 0));
    }

    private static void Apply(Dictionary<string, HeldMember> members, string holder, MemberChange change, Message? told)
    {
        if (!change.IsHeld)
        {
            members[change.Member].Remove(holder);
            if (told is not null) members.Remove(change.Member);
            return;
        }

        if (told is not null) members[change.Member] = new HeldMember(told.Time, change.Info);
        members[change.Member].Add(holder);
    }

    private IEnumerable<(string Log, string Member, string Holder)> Held()
    {
        foreach (var (log, members) in _logs)
        {
            List<(string, string, string)> held;
            lock (LockOf(log)) held = [.. members.SelectMany(member => member.Value.Holders.Select(holder => (log, member.Key, holder)))];
            foreach (var one in held) yield return one;
        }
    }

    private Lock LockOf(string log) => _locks[(uint)log.GetHashCode(StringComparison.Ordinal) % _locks.Length];

    /// <summary>A member, and those that hold it: one, but for the moment in which a holder has taken another name.</summary>
    private sealed class HeldMember(long since, ReadOnlyMemory<byte> info)
    {
        private readonly List<string> _holders = new(1);

        public long Since => since;

        public ReadOnlyMemory<byte> Info => info;

        public int Count => _holders.Count;

        public IReadOnlyList<string> Holders => _holders;

        public bool IsHeldBy(string holder) => _holders.Contains(holder, StringComparer.Ordinal);

        public void Add(string holder) => _holders.Add(holder);

        public void Remove(string holder) => _holders.Remove(holder);
    }
}
