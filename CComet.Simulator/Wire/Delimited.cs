namespace CComet.Simulator.Wire;

/// <summary>Cuts what arrives in pieces at a delimiter, copying only what a piece's end cut in two.</summary>
internal sealed class Delimited
{
    private readonly ByteStore _carry = new();
    private bool _spent;

    /// <summary>Takes the next token off the input, without its delimiter; false when its end has not come, and the input is then used up.</summary>
    /// <param name="input">What has arrived; moved behind the token.</param>
    /// <param name="delimiter">The same at every call until a token is complete.</param>
    /// <param name="token">Good until the next call.</param>
    public bool TryTake(ref ReadOnlySpan<byte> input, ReadOnlySpan<byte> delimiter, out ReadOnlySpan<byte> token)
    {
        if (_spent) _carry.Clear();
        _spent = false;
        token = default;
        var held = _carry.Length;
        if (held == 0)
        {
            var end = input.IndexOf(delimiter);
            if (end < 0) return Keep(ref input);
            token = input[..end];
            input = input[(end + delimiter.Length)..];
            return true;
        }

        // Only a delimiter that ends in the new bytes can be there: the search begins that much before them.
        var from = Math.Max(0, held - delimiter.Length + 1);
        _carry.Append(input);
        var found = _carry.Span[from..].IndexOf(delimiter);
        if (found < 0)
        {
            input = default;
            return false;
        }

        token = _carry.Span[..(from + found)];
        input = input[(from + found + delimiter.Length - held)..];
        _spent = true;
        return true;
    }

    private bool Keep(ref ReadOnlySpan<byte> input)
    {
        _carry.Append(input);
        input = default;
        return false;
    }
}
