using StackExchange.Redis;

namespace CComet.Web.Stores.Redis;

/// <summary>The names under which a channel is kept. What stands between the braces decides on the slot, so it is escaped.</summary>
internal readonly struct RedisKeys(string channel)
{
    private readonly string _base = $"ccomet:{{{Uri.EscapeDataString(channel)}}}:";

    /// <summary>Head, log, ids by their end, seqids by id: as the scripts expect them.</summary>
    public RedisKey[] All => [_base + "head", _base + "log", _base + "ids", _base + "idseq"];

    /// <summary>The channel of Redis on which its wake-ups are told.</summary>
    public string Wake => _base + "wake";
}
