using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using CComet.Dialects.Native;
using CComet.Limits;
using CComet.Messages;

namespace CComet.Http.Requests;

/// <summary>
/// The parameters of one request, wherever they came from. Each accessor checks what it gives and refuses with the
/// parameter's name; the values of parameters that are not known are never read.
/// </summary>
/// <param name="most">How many parameters may be given, known or not.</param>
/// <param name="defaults">What holds for a parameter that is not given here: for an element of an array, the query. Nothing of it is copied.</param>
/// <param name="names">The parameters that are known; null for those of <paramref name="defaults"/>, or of the native dialect.</param>
/// <remarks>
/// A parameter too many, or one that repeats and may not, is refused when it is read: its value is not decoded, and no other
/// value behind it is, except the callback, by which the refusal may have to be told. <see cref="ThrowIfRefused"/> throws it.
/// </remarks>
internal sealed class Parameters(int most, Parameters? defaults = null, ParameterNames? names = null)
{
    /// <summary>How often a parameter that may repeat may be given.</summary>
    public const int MaxRepeats = WireLimits.MaxChannels;

    /// <summary>As many as most requests have.</summary>
    private const int UsualCount = 2;

    private const string NotUtf8 = "is not valid UTF-8.";

    private readonly ParameterNames _names = names ?? defaults?.Known ?? ParameterNames.Native;
    private readonly List<(string Name, Value Value)> _values = new(UsualCount);
    private int _count;
    private WireException? _refusal;
    private byte[]? _message;

    /// <summary>The parameter that was refused when it was read, or null.</summary>
    public string? Refused => _refusal?.Parameter;

    /// <summary>The parameters that are known.</summary>
    public ParameterNames Known => _names;

    /// <summary>What <see cref="BodyBudget"/> counts for the body that these came with.</summary>
    public long HeldBytes;

    /// <summary>Counts a parameter in, and says whether its value is to be read and added.</summary>
    /// <param name="name">The known name; null for one that is not known.</param>
    public bool Wants(string? name)
    {
        if (++_count > most) _refusal ??= WireException.Bad("parameters", $"are more than {most}.");
        if (name is null || (_refusal is not null && name != _names.Callback)) return false;
        if (!IsOver(name)) return true;
        _refusal ??= WireException.Bad(name, _names.MayRepeat(name) ? $"is given more than {MaxRepeats} times." : "is given more than once.");
        return false;
    }

    /// <summary>Adds a value that <see cref="Wants"/> wanted; null means that its bytes are not UTF-8.</summary>
    public void Add(string name, string? text) => _values.Add((name, text is null ? new Value(null, Problem: NotUtf8) : new Value(text)));

    /// <summary>Adds the message that a body is, as it came.</summary>
    public void AddMessage(ReadOnlySpan<byte> text)
    {
        if (Wants(_names.Message)) _values.Add((_names.Message, Utf8.IsValid(text) ? new Value(null, JsonString.Quote(text), text.Length) : new Value(null, Problem: NotUtf8)));
    }

    /// <summary>Adds the members of a JSON object.</summary>
    public void Add(JsonElement json)
    {
        foreach (var member in json.EnumerateObject())
        {
            // A member that is null is one that was not given; it counts, because it was sent.
            var name = NameOf(member);
            if (name is not null && name != _names.Message && member.Value.ValueKind == JsonValueKind.Null) name = null;
            if (name is not null && _names.IsJson && _names.MayRepeat(name) && member.Value.ValueKind == JsonValueKind.Array) AddAll(name, member.Value);
            else if (Wants(name)) _values.Add((name!, ValueOf(name!, member.Value)));
        }
    }

    private void AddAll(string name, JsonElement array)
    {
        foreach (var element in array.EnumerateArray())
        {
            if (!Wants(name)) return;
            _values.Add((name, ValueOf(name, element)));
        }
    }

    /// <summary>Forgets what was added, so that the next element of an array can be read into the same object.</summary>
    public void Clear()
    {
        _values.Clear();
        (_count, _refusal, _message) = (0, null, null);
    }

    /// <summary>Throws what was refused when the parameters were read.</summary>
    public void ThrowIfRefused()
    {
        if (_refusal is not null) throw _refusal;
    }

    /// <summary>Whether the parameter was given at all.</summary>
    public bool Has(string name) => HasOwn(name) || defaults?.Has(name) == true;

    /// <summary>The one value of a parameter, not empty; null when it was not given.</summary>
    public string? Optional(string name)
    {
        if (Single(name) is not { } value) return null;
        var text = TextOf(name, value);
        return text.Length > 0 ? text : throw WireException.Bad(name, "is empty.");
    }

    /// <summary>The one value of a parameter whose worthless values count as none: null when it was not given, is empty or is no text.</summary>
    public string? Lenient(string name) => Single(name)?.Text is { Length: > 0 } text ? text : null;

    /// <summary>The one value of a parameter that must be given.</summary>
    public string Required(string name) => Optional(name) ?? throw WireException.Bad(name, "is missing.");

    /// <summary>The one value of a name-like parameter, checked; null when it was not given.</summary>
    public string? OptionalName(string name) => Optional(name) is { } text ? CheckName(name, text) : null;

    /// <summary>The one value of a name-like parameter that must be given, checked.</summary>
    public string RequiredName(string name) => CheckName(name, Required(name));

    /// <summary>All values of a parameter that may be repeated, in order.</summary>
    public IReadOnlyList<string> Many(string name)
    {
        var count = Count(name);
        if (count == 0) return [];
        var many = new string[count];
        count = 0;
        foreach (var (other, value) in _values)
        {
            if (other == name) many[count++] = TextOf(name, value);
        }

        return many;
    }

    /// <summary>The message to publish, as JSON in UTF-8. One of the query that holds for several elements is encoded once.</summary>
    public byte[] Message(int maxBytes)
    {
        var name = _names.Message;
        if (defaults is not null && !HasOwn(name)) return defaults.Message(maxBytes);
        if (_message is not null) return _message;
        var value = Single(name) ?? throw WireException.Bad(name, "is missing.");
        if (value.Problem is not null) throw WireException.Bad(name, value.Problem);
        var text = value.Text is not null && _names.HasEntities ? HtmlEntities.Decode(value.Text) : value.Text;
        var bytes = value.Bytes ?? value.Json?.Length ?? Encoding.UTF8.GetByteCount(text!);
        if (bytes == 0) throw WireException.Bad(name, "is empty.");
        if (bytes > maxBytes) throw WireException.TooLarge(name, $"is {bytes} bytes long; the limit is {maxBytes}.");
        return _message = value.Json ?? JsonString.Quote(text!);
    }

    /// <summary>Returns a channel, sname, id or epoch that holds to the rule for names.</summary>
    /// <exception cref="WireException">400: it does not.</exception>
    public static string CheckName(string parameter, string text) => Names.FindProblem(text) is { } problem ? throw WireException.Bad(parameter, problem) : text;

    private static string TextOf(string name, Value value) => value.Text ?? throw WireException.Bad(name, value.Problem ?? "must be a string.");

    /// <summary>The member's name, when it is known; else null.</summary>
    /// <remarks>Not by <see cref="JsonProperty.NameEquals(string)"/>, which throws for half of a surrogate pair: a body may hold 100,000 of them.</remarks>
    private string? NameOf(JsonProperty member)
    {
        const int EscapeBytes = 6;
        var raw = JsonMarshal.GetRawUtf8PropertyName(member);
        if (raw.IndexOf((byte)'\\') < 0) return _names.Find(raw);
        if (raw.Length > _names.Longest * EscapeBytes) return null;
        Span<byte> plain = stackalloc byte[raw.Length];
        var length = 0;
        for (var i = 0; i < raw.Length; i++)
        {
            if (raw[i] != '\\')
            {
                plain[length++] = raw[i];
                continue;
            }

            // Letters alone are in the names that are known, and a letter has no other escape.
            if (raw[i + 1] != 'u' || !byte.TryParse(raw.Slice(i + 2, 4), System.Globalization.NumberStyles.AllowHexSpecifier, null, out plain[length++])) return null;
            i += EscapeBytes - 1;
        }

        return _names.Find(plain[..length]);
    }

    private Value ValueOf(string name, JsonElement json)
    {
        try
        {
            if (json.ValueKind == JsonValueKind.String) return new Value(json.GetString());
            if (json.ValueKind == JsonValueKind.Number && _names.IsJson) return new Value(json.GetRawText());
            return name == _names.Message ? new Value(null, JsonString.Minify(JsonMarshal.GetRawUtf8Value(json))) : new Value(null, Problem: "must be a string.");
        }
        catch (InvalidOperationException)
        {
            return new Value(null, Problem: "holds half of a surrogate pair.");
        }
    }

    private bool IsOver(string name) => _names.MayRepeat(name) ? Count(name) >= MaxRepeats : HasOwn(name);

    private bool HasOwn(string name)
    {
        foreach (var (other, _) in _values)
        {
            if (other == name) return true;
        }

        return false;
    }

    /// <summary>At most <see cref="MaxRepeats"/>, among no more than four times as many and some.</summary>
    private int Count(string name)
    {
        var count = 0;
        foreach (var (other, _) in _values)
        {
            if (other == name) count++;
        }

        return count;
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

        return single ?? defaults?.Single(name);
    }

    /// <summary>One value: text, or (only a message) JSON and the bytes it counts for where they are not its own, or what is wrong with it.</summary>
    private readonly record struct Value(string? Text, byte[]? Json = null, int? Bytes = null, string? Problem = null);
}
