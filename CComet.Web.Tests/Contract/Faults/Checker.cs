using System.Text.Json;

namespace CComet.Web.Tests.Contract.Faults;

/// <summary>The promise was broken.</summary>
public sealed class PromiseBrokenException(string how) : Exception(how);

/// <summary>
/// Holds one subscriber's log against the promise: in order, exactly once from its cursor on, or told of what is missing
/// before anything newer.
/// </summary>
public sealed class Checker
{
    private readonly List<(string Epoch, long Seqid, string Text)> _accepted = [];

    public string Epoch { get; private set; } = "";

    /// <summary>The next seqid it wants.</summary>
    public long Next { get; private set; }

    public long Gaps { get; private set; }

    public int Resets { get; private set; }

    public IReadOnlyList<(string Epoch, long Seqid, string Text)> Accepted => _accepted;

    /// <summary>What to ask with.</summary>
    public string Query => $"cursor={Epoch}:{Next}";

    /// <summary>Begins with the first message of a life of the log.</summary>
    public void Begin(string epoch) => Epoch = epoch;

    /// <summary>Takes what the server said where the subscriber stands; it must be where the subscriber thinks it stands.</summary>
    public void Place(string epoch, long next)
    {
        Require(Epoch == epoch && Next == next, $"the server says the cursor is {epoch}:{next}");
    }

    /// <summary>Takes a message or a notice; false when it ends the connection.</summary>
    public bool Take(JsonElement element)
    {
        var type = element.GetProperty("type").GetString();
        switch (type)
        {
            case "CURSOR":
                Place(element.GetProperty("epoch").GetString()!, element.GetProperty("seqid").GetInt64());
                return true;
            case "RESET":
                Require(Epoch != element.GetProperty("epoch").GetString(), "a reset to the same epoch");
                (Epoch, Next) = (element.GetProperty("epoch").GetString()!, element.GetProperty("seqid").GetInt64());
                Resets++;
                return true;
            case "GAP":
                var (from, to) = (element.GetProperty("from").GetInt64(), element.GetProperty("to").GetInt64());
                Require(from == Next && to >= from, $"a gap from {from} to {to}");
                Gaps += to - from + 1;
                Next = to + 1;
                return true;
            case "MSG":
                var seqid = element.GetProperty("seqid").GetInt64();
                Require(seqid == Next, $"message {seqid}");
                _accepted.Add((Epoch, seqid, element.GetProperty("msg").GetString()!));
                Next++;
                return true;
            case "BYE" or "409":
                return false;
            default:
                throw new PromiseBrokenException($"unknown type {type}");
        }
    }

    private void Require(bool holds, string got)
    {
        if (!holds) throw new PromiseBrokenException($"standing at {Epoch}:{Next}, got {got}");
    }
}
