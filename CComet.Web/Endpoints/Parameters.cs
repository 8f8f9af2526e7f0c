using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using CComet.Web.Hub;

namespace CComet.Web.Endpoints;

/// <summary>
/// The parameters of one request, wherever they came from. Each accessor checks what it gives and refuses with the
/// parameter's name; parameters nobody knows are not even kept.
/// </summary>
internal sealed class Parameters
{
    /// <summary>The longest channel, sname, id or epoch, in Unicode characters.</summary>
    public const int MaxNameLength = 200;

    /// <summary>As many as most requests have.</summary>
    private const int Few = 2;

    private const string NotUtf8 = "is not valid UTF-8.";

    private static readonly string[] Known = ["channel", "sname", "msg", "id", "seqid", "epoch", "cursor", "wait", "callback", "lastEventId"];

    private readonly List<(string Name, Value Value)> _values = new(Few);

    /// <summary>A name that is known, without making it anew; null for one that is not, or is not written plainly.</summary>
    public static string? NameOf(ReadOnlySpan<byte> text)
    {
        foreach (var name in Known)
        {
            if (Ascii.Equals(text, name)) return name;
        }

        return null;
    }

    /// <summary>Adds a value given as text; null stands for bytes that are not UTF-8.</summary>
    public void Add(string name, string? text)
    {
        if (Known.Contains(name)) _values.Add((name, text is null ? new Value(null, Problem: NotUtf8) : new Value(text)));
    }

    /// <summary>Adds the message that a body is, as it came.</summary>
    public void AddMessage(ReadOnlySpan<byte> text) =>
        _values.Add(("msg", Utf8.IsValid(text) ? new Value(null, JsonText.Quote(text), text.Length) : new Value(null, Problem: NotUtf8)));

    /// <summary>Adds the members of a JSON object.</summary>
    public void Add(JsonElement json)
    {
        foreach (var member in json.EnumerateObject())
        {
            if (NameOf(member) is { } name && ValueOf(name, member.Value) is { } value) _values.Add((name, value));
        }
    }

    /// <summary>Adds what <paramref name="others"/> has and this has not.</summary>
    public void AddMissing(Parameters others)
    {
        var own = _values.Count;
        foreach (var value in others._values)
        {
            if (!Has(value.Name, own)) _values.Add(value);
        }
    }

    /// <summary>Whether the parameter was given at all.</summary>
    public bool Has(string name) => Has(name, _values.Count);

    /// <summary>The one value of a parameter, not empty; null when it was not given.</summary>
    public string? Optional(string name)
    {
        if (Single(name) is not { } value) return null;
        var text = TextOf(name, value);
        return text.Length > 0 ? text : throw WireException.Bad(name, "is empty.");
    }

    /// <summary>The one value of a parameter that must be given.</summary>
    public string Required(string name) => Optional(name) ?? throw WireException.Bad(name, "is missing.");

    /// <summary>The one value of a name-like parameter, checked; null when it was not given.</summary>
    public string? OptionalName(string name) => Optional(name) is { } text ? CheckName(name, text) : null;

    /// <summary>The one value of a name-like parameter that must be given, checked.</summary>
    public string RequiredName(string name) => CheckName(name, Required(name));

    /// <summary>All values of a parameter that may be repeated, in order.</summary>
    public IReadOnlyList<string> Many(string name)
    {
        var count = 0;
        foreach (var (other, _) in _values)
        {
            if (other == name) count++;
        }

        if (count == 0) return [];
        var many = new string[count];
        count = 0;
        foreach (var (other, value) in _values)
        {
            if (other == name) many[count++] = TextOf(name, value);
        }

        return many;
    }

    /// <summary>The message to publish, as JSON in UTF-8.</summary>
    public byte[] Message(int maxBytes)
    {
        var value = Single("msg") ?? throw WireException.Bad("msg", "is missing.");
        if (value.Problem is not null) throw WireException.Bad("msg", value.Problem);
        var bytes = value.Bytes ?? value.Json?.Length ?? Encoding.UTF8.GetByteCount(value.Text!);
        if (bytes == 0) throw WireException.Bad("msg", "is empty.");
        if (bytes > maxBytes) throw WireException.TooLarge("msg", $"is {bytes} bytes long; the limit is {maxBytes}.");
        return value.Json ?? JsonText.Quote(value.Text!);
    }

    /// <summary>Checks a channel, sname, id or epoch: 1 to 200 Unicode characters, none of them a control.</summary>
    public static string CheckName(string parameter, string text)
    {
        var length = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (Rune.IsControl(rune)) throw WireException.Bad(parameter, $"holds the control character U+{rune.Value:X4}.");
            length++;
        }

        if (length == 0) throw WireException.Bad(parameter, "is empty.");
        if (length > MaxNameLength) throw WireException.Bad(parameter, $"is {length} characters long; the limit is {MaxNameLength}.");
        return text;
    }

    private static string TextOf(string name, Value value) => value.Text ?? throw WireException.Bad(name, value.Problem ?? "must be a string.");

    /// <summary>The member's name, when it is known; else null, as when it is no text at all.</summary>
    private static string? NameOf(JsonProperty member)
    {
        try
        {
            foreach (var name in Known)
            {
                if (member.NameEquals(name)) return name;
            }
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair.
        }

        return null;
    }

    private static Value? ValueOf(string name, JsonElement json)
    {
        try
        {
            if (json.ValueKind == JsonValueKind.String) return new Value(json.GetString());
            if (name != "msg") return json.ValueKind == JsonValueKind.Null ? null : new Value(null, Problem: "must be a string.");
            return new Value(null, JsonText.Minify(JsonMarshal.GetRawUtf8Value(json)));
        }
        catch (InvalidOperationException)
        {
            return new Value(null, Problem: "holds half of a surrogate pair.");
        }
    }

    private bool Has(string name, int among)
    {
        for (var i = 0; i < among; i++)
        {
            if (_values[i].Name == name) return true;
        }

        return false;
    }

    private Value? Single(string name)
    {
        Value? single = null;
        foreach (var (other, value) in _values)
        {
            if (other != name) continue;
            if (single is not null) throw WireException.Bad(name, "is given more than once.");
            single = value;
        }

        return single;
    }

    /// <summary>One value: text, or (only msg) JSON and the bytes it counts for where they are not its own, or what is wrong with it.</summary>
    private readonly record struct Value(string? Text, byte[]? Json = null, int? Bytes = null, string? Problem = null);
}
