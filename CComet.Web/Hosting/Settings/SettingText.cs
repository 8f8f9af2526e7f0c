using System.Collections;
using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;

namespace CComet.Web.Hosting.Settings;

/// <summary>Reads values of settings from text, and writes values and bounds as operators see them.</summary>
internal static class SettingText
{
    public const string EmptyList = "[]";

    private const char ElementSeparator = ',';
    private static readonly (long Size, string Name)[] ByteUnits = [(1L << 40, "TiB"), (1L << 30, "GiB"), (1L << 20, "MiB"), (1L << 10, "KiB")];

    /// <summary>Writes a value as appsettings.json and the command line have it.</summary>
    public static string Format(object? value) => value switch
    {
        null => "",
        string text => text,
        bool flag => flag ? "true" : "false",
        TimeSpan span => span.ToString("c", CultureInfo.InvariantCulture),
        IEnumerable list => list.Cast<object>().Any() ? string.Join(ElementSeparator, list.Cast<object>().Select(Format)) : EmptyList,
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    /// <summary>Writes what a setting may be.</summary>
    public static string Bounds(Setting setting)
    {
        if (setting.Property.GetCustomAttribute<RangeAttribute>() is { } range) return Bounds(setting, range);
        if (setting.Type.IsEnum) return string.Join(", ", Enum.GetNames(setting.Type).Select(name => $"`{name}`"));
        if (setting.Type == typeof(bool)) return "`true`, `false`";
        if (setting.Members.Count > 0) return $"a list of {string.Join(", ", setting.Members.Select(member => $"`{member.Property.Name}`"))}";
        return setting.IsList ? "a list" : "";
    }

    /// <summary>Splits the elements of a list that is written as one text.</summary>
    public static string[] Split(string text) => text.Split(ElementSeparator, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Reads a value.</summary>
    /// <exception cref="FormatException">It is none of the setting's type; the message says what to write.</exception>
    public static object Read(Setting setting, string text)
    {
        var type = setting.Type;
        if (type == typeof(string)) return text;
        if (type == typeof(TimeSpan)) return ReadDuration(setting, text);
        if (type == typeof(bool)) return bool.TryParse(text, out var flag) ? flag : throw new FormatException("must be true or false");
        if (type.IsEnum)
        {
            // By name alone: a number would be taken for one of them.
            var name = Enum.GetNames(type).FirstOrDefault(n => n.Equals(text, StringComparison.OrdinalIgnoreCase));
            return name is not null ? Enum.Parse(type, name) : throw new FormatException($"must be one of {string.Join(", ", Enum.GetNames(type))}");
        }

        if (type == typeof(int) || type == typeof(long))
        {
            var isNumber = long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number);
            if (isNumber && (type == typeof(long) || number == (int)number)) return type == typeof(int) ? (int)number : number;
            throw new FormatException($"must be a whole number{Within(setting)}");
        }

        try
        {
            return TypeDescriptor.GetConverter(type).ConvertFromInvariantString(text) ?? throw new FormatException("must not be empty");
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new FormatException($"must be a {type.Name}", e);
        }
    }

    /// <summary>The bounds as the end of a sentence, or nothing.</summary>
    public static string Within(Setting setting) => setting.Property.GetCustomAttribute<RangeAttribute>() is { } range ? $", {Bounds(setting, range)}" : "";

    /// <summary>
    /// Reads a duration. .NET reads a first number that cannot be hours as days: <c>20</c> as 20 days, <c>48:00:00</c> as 48 days.
    /// Days are taken only where they are written as such, <c>20.00:00:00</c>.
    /// </summary>
    private static TimeSpan ReadDuration(Setting setting, string text)
    {
        if (!TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var span)) throw new FormatException($"must be a duration, hours:minutes:seconds such as {setting.Default}");
        var first = text.AsSpan().Trim().TrimStart('-');
        var length = first.IndexOfAnyExceptInRange('0', '9');
        var hasDays = (length > 0 && first[length] == '.') || text.AsSpan().Count(':') == 3;
        if (hasDays || span.Duration() < TimeSpan.FromDays(1)) return span;

        var meant = length < 0 ? TimeSpan.FromTicks(span.Ticks / 86_400) : TimeSpan.FromTicks((span.Days * TimeSpan.TicksPerHour) + ((span.Ticks - (span.Days * TimeSpan.TicksPerDay)) / 60));
        throw new FormatException($"is read as {Format(span)}, which is {span.Days:N0} days; did you mean {Format(meant)}?");
    }

    private static string Bounds(Setting setting, RangeAttribute range)
    {
        // The range holds its ends as they were written, until it has been asked once.
        if (range.OperandType == typeof(TimeSpan)) return $"{Human(Duration(range.Minimum))} to {Human(Duration(range.Maximum))}";
        var isBytes = setting.Name.EndsWith("Bytes", StringComparison.Ordinal);
        return $"{Human(Convert.ToDecimal(range.Minimum, CultureInfo.InvariantCulture), isBytes)} to {Human(Convert.ToDecimal(range.Maximum, CultureInfo.InvariantCulture), isBytes)}";
    }

    private static TimeSpan Duration(object end) => end as TimeSpan? ?? TimeSpan.Parse((string)end, CultureInfo.InvariantCulture);

    private static string Human(TimeSpan span) =>
        span == TimeSpan.Zero ? "0"
        : span.TotalMilliseconds < 100 ? Count(span.TotalMilliseconds, "ms")
        : span.TotalMinutes < 1 ? Count(span.TotalSeconds, "s")
        : span.TotalHours < 1 ? Count(span.TotalMinutes, "min")
        : span.TotalDays < 1 ? Count(span.TotalHours, "h")
        : Count(span.TotalDays, span.TotalDays == 1 ? "day" : "days");

    private static string Count(double number, string unit) => string.Create(CultureInfo.InvariantCulture, $"{number:#,0.###} {unit}");

    private static string Human(decimal number, bool isBytes)
    {
        var unit = isBytes ? ByteUnits.FirstOrDefault(u => number > 0 && number % u.Size == 0) : default;
        return unit.Size > 0 ? Human(number / unit.Size, false) + " " + unit.Name : number.ToString("#,0.###", CultureInfo.InvariantCulture);
    }
}
