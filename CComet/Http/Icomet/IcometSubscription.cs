using System.Globalization;
using CComet.Dialects.Native;
using CComet.Http.Requests;

namespace CComet.Http.Icomet;

/// <summary>What a client of icomet asks to be sent.</summary>
/// <param name="Channel">The channel.</param>
/// <param name="Seq">The seq wanted: a seqid and one; 0 for what comes from now on.</param>
/// <param name="Noop">The number of the next <c>noop</c>.</param>
/// <param name="Token">The token, or null.</param>
internal sealed record IcometSubscription(string Channel, long Seq, long Noop, string? Token)
{
    /// <summary>Reads it.</summary>
    /// <exception cref="WireException">400: a parameter is wrong.</exception>
    public static IcometSubscription Read(Parameters parameters) =>
        new(IcometForm.ReadChannel(parameters), ReadNumber(parameters, "seq", 0), ReadNumber(parameters, "noop", long.MinValue), parameters.Lenient("token"));

    private static long ReadNumber(Parameters parameters, string name, long least)
    {
        if (parameters.Lenient(name) is not { } text) return 0;
        if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)) throw WireException.Bad(name, $"must be a whole number{(least == 0 ? ", 0 or more" : "")}.");
        return Math.Max(least, number);
    }
}
