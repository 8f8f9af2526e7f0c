namespace CComet.Client;

/// <summary>Checks what callers give, with the parameter's name at the beginning of the message.</summary>
internal static class Check
{
    /// <summary>The longest channel, sname and id, in Unicode characters.</summary>
    private const int MaxNameLength = 200;

    public static void NotNull(object? value, string parameter)
    {
        if (value is null) throw new ArgumentNullException(parameter, $"{parameter}: is null.");
    }

    /// <summary>Checks a channel, sname or id by the server's rule: 1 to 200 Unicode characters, none of them a control or half of a surrogate pair.</summary>
    public static void Name(string? value, string parameter)
    {
        NotNull(value, parameter);
        var length = 0;
        for (var i = 0; i < value!.Length; i++, length++)
        {
            if (char.IsControl(value[i])) throw new ArgumentException($"{parameter}: holds the control character U+{(int)value[i]:X4}.", parameter);
            if (!char.IsSurrogate(value[i])) continue;
            if (i + 1 == value.Length || !char.IsSurrogatePair(value[i], value[i + 1])) throw new ArgumentException($"{parameter}: holds half of a surrogate pair.", parameter);
            i++;
        }

        if (length == 0) throw new ArgumentException($"{parameter}: is empty.", parameter);
        if (length > MaxNameLength) throw new ArgumentException($"{parameter}: is {length} characters long; the limit is {MaxNameLength}.", parameter);
    }

    public static void Positive(TimeSpan value, string parameter)
    {
        if (value <= TimeSpan.Zero || value.TotalMilliseconds > int.MaxValue) throw new ArgumentOutOfRangeException(parameter, value, $"{parameter}: is not between 0 and 24 days.");
    }
}
