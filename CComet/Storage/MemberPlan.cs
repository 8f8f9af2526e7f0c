using CComet.Messages;

namespace CComet.Storage;

/// <summary>What changes of members come to, found out before any is made: the append of their messages may be refused.</summary>
internal sealed class MemberPlan
{
    private readonly List<(MemberChange Change, NewMessage? Message)> _steps = [];
    private readonly List<int> _refused = [];

    /// <summary>Plans changes that a holder asks for.</summary>
    /// <param name="log">The log.</param>
    /// <param name="changes">The changes; no member twice.</param>
    /// <param name="count">How many members the log has.</param>
    /// <param name="maxMembers">How many it may have.</param>
    /// <param name="look">By how many a member is held, and whether the holder is one of them.</param>
    public MemberPlan(string log, IReadOnlyList<MemberChange> changes, int count, int maxMembers, Func<string, (int Holders, bool IsOwn)> look)
    {
        for (var i = 0; i < changes.Count; i++)
        {
            var change = changes[i];
            var (holders, isOwn) = look(change.Member);
            if (change.IsHeld == isOwn) continue;
            if (change.IsHeld && holders == 0 && count >= maxMembers)
            {
                _refused.Add(i);
                continue;
            }

            var message = change.IsHeld
                ? holders == 0 ? PresenceMessages.Join(log, change) : null
                : holders == 1 ? PresenceMessages.Leave(log, change) : null;
            if (message is not null) count += change.IsHeld ? 1 : -1;
            _steps.Add((change, message));
        }
    }

    /// <summary>The indexes of the changes that are not made because the log has its members.</summary>
    public IReadOnlyList<int> Refused => _refused;

    /// <summary>What is to be appended.</summary>
    public IReadOnlyList<NewMessage> Messages => [.. _steps.Select(step => step.Message).OfType<NewMessage>()];

    /// <summary>The changes to be made, each with its message as it was stored; null for one that tells nothing.</summary>
    /// <param name="receipts">Those of <see cref="Messages"/>.</param>
    public IEnumerable<(MemberChange Change, Message? Told)> Steps(IReadOnlyList<Receipt> receipts)
    {
        var next = 0;
        foreach (var (change, message) in _steps) yield return (change, message is null ? null : receipts[next++].Stored);
    }
}
