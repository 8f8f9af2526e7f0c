using System.CommandLine;
using System.Globalization;

namespace CComet.Simulator.Commands;

/// <summary>Makes options whose values are checked while they are read, and whose refusals name the option.</summary>
internal static class Bounded
{
    public static Option<int> Count(string name, int standard, int least, int most, string description) =>
        Number(name, standard, least, most, description, text => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null);

    public static Option<double> Rate(string name, double standard, double most, string description) =>
        Number(name, standard, 0.001, most, description, text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null);

    public static Option<TimeSpan> Time(string name, string standard, string description)
    {
        if (!Duration.TryParse(standard, out var time)) throw new ArgumentException($"'{standard}' is no time.", nameof(standard));
        return new Option<TimeSpan>(name)
        {
            Description = description,
            HelpName = "time",
            DefaultValueFactory = _ => time,
            CustomParser = result =>
            {
                if (result.Tokens is [var token] && Duration.TryParse(token.Value, out var duration)) return duration;
                result.AddError($"{name}: give a time such as 500ms, 10s, 2m or 1h.");
                return default;
            },
        };
    }

    private static Option<T> Number<T>(string name, T standard, T least, T most, string description, Func<string, T?> read)
        where T : struct, IComparable<T> => new(name)
        {
            Description = description,
            HelpName = "n",
            DefaultValueFactory = _ => standard,
            CustomParser = result =>
            {
                if (result.Tokens is [var token] && read(token.Value) is { } number && number.CompareTo(least) >= 0 && number.CompareTo(most) <= 0) return number;
                result.AddError(string.Create(CultureInfo.InvariantCulture, $"{name}: give a number from {least} to {most}."));
                return default;
            },
        };
}
