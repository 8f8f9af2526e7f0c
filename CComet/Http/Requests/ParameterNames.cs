using System.Text;
using Microsoft.Extensions.Primitives;

namespace CComet.Http.Requests;

/// <summary>The parameters that a dialect knows. The values of others are never read.</summary>
/// <param name="callback">The one that names a function, for JSONP.</param>
/// <param name="message">The one whose value is a message.</param>
/// <param name="repeatable">Those that may repeat.</param>
/// <param name="single">Those that may not.</param>
internal sealed class ParameterNames(string callback, string message, string[] repeatable, string[] single)
{
    /// <summary>The parameter that holds a ticket.</summary>
    public const string Ticket = "ticket";

    /// <summary>Of the native dialect.</summary>
    public static readonly ParameterNames Native =
        new("callback", "msg", ["channel", "seqid", "epoch", "cursor", Ticket], ["msg", "sname", "id", "wait", "callback", "lastEventId"]);

    /// <summary>Of the dialect of 2014: the same, in an address that its page puts together unencoded.</summary>
    public static readonly ParameterNames Ccomet2014 = new(Native.Callback, Native.Message, Native._repeatable, Native._single) { HasEntities = true };

    /// <summary>Of <c>/ticket</c>.</summary>
    public static readonly ParameterNames OfTicket = new("callback", "msg", ["channels", Ticket], ["verb", "ttl"]) { IsJson = true };

    /// <summary>Of <c>/session</c>.</summary>
    public static readonly ParameterNames OfSession = new("callback", "msg", [], ["token"]);

    /// <summary>Of <c>/presence</c>.</summary>
    public static readonly ParameterNames OfPresence = new("callback", "msg", [Ticket], ["channel", "counts", "optional", "callback"]);

    /// <summary>Of <c>/admin/revoke</c>.</summary>
    public static readonly ParameterNames OfRevocation = new("callback", "msg", [Ticket], ["sub", "jti", "channel"]);

    /// <summary>Of administration.</summary>
    public static readonly ParameterNames OfAdministration =
        new("callback", "msg", [Ticket], ["prefix", "after", "limit", "user", "channel", "node", "token", "verb"]) { IsJson = true };

    /// <summary>Of its broadcast, and of its publish to the channel that the path names.</summary>
    public static readonly ParameterNames OfAdminPublish = new("callback", "msg", [Ticket], ["msg", "sname", "id"]);

    private readonly string[] _repeatable = repeatable;
    private readonly string[] _single = single;
    private readonly string[] _all = [.. repeatable, .. single];

    /// <summary>The parameter that names a function, for JSONP.</summary>
    public string Callback => callback;

    /// <summary>The parameter whose value is a message: the only one that may be JSON other than a string.</summary>
    public string Message => message;

    /// <summary>Whether a JSON body gives a parameter that may repeat as an array, and one that is a number as a number.</summary>
    public bool IsJson { get; private init; }

    /// <summary>Whether <c>&amp;amp;</c>, <c>&amp;lt;</c>, <c>&amp;gt;</c> and <c>&amp;quot;</c> are characters of a value and do not end it.</summary>
    public bool HasEntities { get; private init; }

    /// <summary>The length of the longest name.</summary>
    public int Longest { get; } = repeatable.Concat(single).Max(name => name.Length);

    /// <summary>Whether a parameter may repeat.</summary>
    public bool MayRepeat(string name) => Array.IndexOf(_repeatable, name) >= 0;

    /// <summary>Returns a known name without allocating it; null for a name that is not known, or is not written plainly.</summary>
    public string? Find(ReadOnlySpan<byte> text)
    {
        if (text.Length > Longest) return null;
        foreach (var name in _all)
        {
            if (Ascii.Equals(text, name)) return name;
        }

        return null;
    }

    /// <summary>Returns the name of a part of a form, when it is known; else null.</summary>
    public string? Find(StringSegment text)
    {
        foreach (var name in _all)
        {
            if (text.Equals(name, StringComparison.Ordinal)) return name;
        }

        return null;
    }
}
