using StackExchange.Redis;

namespace CComet.Redis;

/// <summary>The names under which a channel is kept. What stands between the braces decides on the slot, so it is escaped.</summary>
internal readonly struct RedisKeys(string channel)
{
    /// <summary>Where the epoch of the channels of which nothing is stored is kept.</summary>
    public static readonly RedisKey Unwritten = "ccomet:unwritten";

    private readonly string _base = $"ccomet:{{{Uri.EscapeDataString(channel)}}}:";

    /// <summary>The names of the channels, in order.</summary>
    public static readonly RedisKey Names = "ccomet:names";

    /// <summary>The channel's head.</summary>
    public RedisKey Head => _base + "head";

    /// <summary>How many keys are the channel's own.</summary>
    public const int Own = 4;

    /// <summary>Head, log, ids by their end, seqids by id, and where the epoch of channels without a head is: as the scripts expect them.</summary>
    public RedisKey[] All => [_base + "head", _base + "log", _base + "ids", _base + "idseq", Unwritten];

    /// <summary>The same with the members of a log of presence, and who holds them, before the last.</summary>
    public RedisKey[] OfMembers => [.. All[..Own], _base + "members", _base + "holds", Unwritten];

    /// <summary>The channel of Redis on which its wake-ups are told.</summary>
    public string Wake => _base + "wake";
}
