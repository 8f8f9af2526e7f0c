namespace CComet.Client.Tests.Support;

/// <summary>What the server sends.</summary>
public static class Sent
{
    public static string Message(string channel, long seqid, string? text = null) => $$"""{"type":"MSG","channel":"{{channel}}","sname":"ann","msg":"{{text ?? $"m{seqid}"}}","seqid":{{seqid}},"time":1790000000000}""";

    public static string Cursor(string channel, string epoch, long seqid, long? expires = null) =>
        $$"""{"type":"CURSOR","channel":"{{channel}}","epoch":"{{epoch}}","seqid":{{seqid}}{{(expires is null ? "" : $",\"expires\":{expires}")}}}""";

    public static string Gap(string channel, string epoch, long from, long to) => $$"""{"type":"GAP","channel":"{{channel}}","epoch":"{{epoch}}","from":{{from}},"to":{{to}},"seqid":{{to}}}""";

    public static string Reset(string channel, string epoch) => $$"""{"type":"RESET","channel":"{{channel}}","epoch":"{{epoch}}","seqid":0}""";

    public static string Receipt(string channel, long seqid, bool isDuplicate = false) => $$"""[{"type":"pub","channel":"{{channel}}","epoch":"e","seqid":{{seqid}}{{(isDuplicate ? ",\"duplicate\":true" : "")}}}]""";
}
