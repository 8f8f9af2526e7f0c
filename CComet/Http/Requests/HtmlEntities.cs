namespace CComet.Http.Requests;

/// <summary>The four HTML entities as which the page of 2014 writes characters in an address.</summary>
internal static class HtmlEntities
{
    private static readonly (string Entity, char Character)[] All = [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"')];

    /// <summary>Whether a text begins with an entity.</summary>
    /// <param name="text">Bytes that begin with <c>&amp;</c>.</param>
    public static bool Begins(ReadOnlySpan<byte> text) =>
        text.StartsWith("&amp;"u8) || text.StartsWith("&lt;"u8) || text.StartsWith("&gt;"u8) || text.StartsWith("&quot;"u8);

    /// <summary>Replaces each entity by its character, once.</summary>
    public static string Decode(string text)
    {
        var at = text.IndexOf('&', StringComparison.Ordinal);
        if (at < 0) return text;
        var plain = new System.Text.StringBuilder(text.Length).Append(text, 0, at);
        while (at < text.Length)
        {
            var (entity, character) = text[at] == '&' ? Find(text.AsSpan(at)) : ("", '\0');
            plain.Append(entity.Length > 0 ? character : text[at]);
            at += Math.Max(1, entity.Length);
        }

        return plain.ToString();
    }

    private static (string Entity, char Character) Find(ReadOnlySpan<char> text)
    {
        foreach (var known in All)
        {
            if (text.StartsWith(known.Entity, StringComparison.Ordinal)) return known;
        }

        return ("", '\0');
    }
}
