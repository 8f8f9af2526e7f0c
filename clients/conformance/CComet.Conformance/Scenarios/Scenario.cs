using System.Text.Json;
using System.Text.Json.Nodes;

namespace CComet.Conformance.Scenarios;

/// <summary>One scenario, as a file of <c>clients/conformance/scenarios</c> has it. Its members are described in the schema beside the files.</summary>
public sealed record Scenario
{
    public required string Name { get; init; }

    public required string Protects { get; init; }

    public IReadOnlyList<string> Needs { get; init; } = [];

    public required IReadOnlyList<string> Transports { get; init; }

    public OpenOptions Open { get; init; } = new();

    public ServerScript Server { get; init; } = new();

    public required IReadOnlyList<Act> Play { get; init; }

    public IReadOnlyDictionary<string, IReadOnlyList<JsonObject>> Expect { get; init; } = new Dictionary<string, IReadOnlyList<JsonObject>>();

    public IReadOnlyDictionary<string, int> Stored { get; init; } = new Dictionary<string, int>();

    public override string ToString() => Name;
}

/// <summary>What the client is made with, besides the address and the transport. Times are in ms.</summary>
public sealed record OpenOptions
{
    public IReadOnlyList<string>? Tokens { get; init; }

    public int RetryMin { get; init; } = 10;

    public int RetryMax { get; init; } = 50;

    public int Silence { get; init; } = 20_000;

    public int FirstByte { get; init; } = 20_000;
}

/// <summary>What the server is at the beginning.</summary>
public sealed record ServerScript
{
    public IReadOnlyDictionary<string, LogScript> Channels { get; init; } = new Dictionary<string, LogScript>();

    public IReadOnlyList<string>? Accepts { get; init; }

    public bool StreamsWithheld { get; init; }

    public Style Style { get; init; } = new();

    public IReadOnlyList<ScriptedAnswer> Next { get; init; } = [];

    public IReadOnlyList<ScriptedAnswer> NextPublish { get; init; } = [];
}

/// <summary>A channel's log at the beginning.</summary>
public sealed record LogScript
{
    public string Epoch { get; init; } = "e1";

    public long First { get; init; }

    public JsonElement Messages { get; init; }
}

/// <summary>How bytes are put on the wire, where HTTP and the formats leave a choice.</summary>
public sealed record Style
{
    public int? Pieces { get; init; }

    public bool? Bom { get; init; }

    public string? LineEnd { get; init; }

    public bool? Noise { get; init; }

    public bool? Ascii { get; init; }

    public int? Retry { get; init; }

    public IReadOnlyList<string>? Http { get; init; }

    /// <summary>This style, and the other's where this one says nothing.</summary>
    public Style Over(Style other) => new()
    {
        Pieces = Pieces ?? other.Pieces,
        Bom = Bom ?? other.Bom,
        LineEnd = LineEnd ?? other.LineEnd,
        Noise = Noise ?? other.Noise,
        Ascii = Ascii ?? other.Ascii,
        Retry = Retry ?? other.Retry,
        Http = Http ?? other.Http,
    };
}

/// <summary>How one request is answered, where that is not the usual way.</summary>
public sealed record ScriptedAnswer
{
    public int? Status { get; init; }

    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    public Problem? Problem { get; init; }

    public string? Body { get; init; }

    public string? Drop { get; init; }

    public int? CutAt { get; init; }

    public CutRange? CutBetween { get; init; }

    public bool Ends { get; init; }

    public IReadOnlyDictionary<string, JsonElement> Append { get; init; } = new Dictionary<string, JsonElement>();

    public IReadOnlyDictionary<string, string> Reset { get; init; } = new Dictionary<string, string>();

    public string? Silent { get; init; }

    public int? FreezeAfter { get; init; }

    public bool Thaw { get; init; }

    public Style Style { get; init; } = new();

    public int? ExpiresIn { get; init; }

    public int? QuietFor { get; init; }

    public bool Overlaps { get; init; }

    public string? Bearer { get; init; }

    public int? Redirect { get; init; }

    public bool Store { get; init; } = true;

    /// <summary>Whether only a part of the body is sent, or nothing more after what there is.</summary>
    public bool IsCut => CutAt is not null || Ends;
}

/// <summary>A refusal in the server's words.</summary>
public sealed record Problem
{
    public required string Code { get; init; }

    public required string Detail { get; init; }

    public string? Title { get; init; }

    public string? Parameter { get; init; }
}

/// <summary>Stands for several answers, each cut at a byte that the seed chooses.</summary>
public sealed record CutRange
{
    public required int From { get; init; }

    public required int To { get; init; }

    public required int Times { get; init; }

    public required int Seed { get; init; }
}

/// <summary>One step of the play; exactly one member is given.</summary>
public sealed record Act
{
    public JsonObject? Client { get; init; }

    public Condition? Await { get; init; }

    public IReadOnlyDictionary<string, JsonElement>? Append { get; init; }

    public IReadOnlyDictionary<string, long>? Trim { get; init; }

    public IReadOnlyDictionary<string, string>? Reset { get; init; }

    public IReadOnlyList<ScriptedAnswer>? Next { get; init; }

    public IReadOnlyList<ScriptedAnswer>? NextPublish { get; init; }

    public IReadOnlyList<string>? Accept { get; init; }

    public IReadOnlyList<JsonObject>? Tell { get; init; }

    public bool? Cut { get; init; }

    public bool? Heartbeat { get; init; }

    public ByeScript? Bye { get; init; }

    public bool? Replace { get; init; }

    public string? Close { get; init; }

    public bool? Away { get; init; }

    public int? Back { get; init; }
}

/// <summary>How the server says that it ends a stream.</summary>
public sealed record ByeScript
{
    public required int Retry { get; init; }

    public string? Reason { get; init; }

    public int? QuietFor { get; init; }
}

/// <summary>What is waited for: events of the client, or a state of the server.</summary>
public sealed record Condition
{
    public string? Id { get; init; }

    public IReadOnlyList<string>? Is { get; init; }

    public int? Messages { get; init; }

    public int? Subscribers { get; init; }

    public int? Requests { get; init; }
}
