using System.Buffers.Binary;
using System.Security.Cryptography;

namespace CComet.Access;

/// <summary>Recognises the token that a connection has shown before, for a tenth of what a cryptographic hash costs.</summary>
/// <remarks>
/// Two polynomials modulo 2⁶¹ − 1, whose coefficients are the token's bytes, seven at a time, each at a random point that is the process's
/// secret. Two tokens, whichever they are, are taken for one with a probability of (length ÷ 7 ÷ 2⁶¹)² at most. That holds for tokens that are
/// chosen without knowing the points, and nothing of a hash is told to anyone, nor is it the key by which grants are remembered.
/// </remarks>
internal static class TokenHash
{
    private const int WordBytes = 7;
    private const ulong Modulus = (1UL << 61) - 1;

    private static readonly ulong First = NewPoint();
    private static readonly ulong Second = NewPoint();

    /// <summary>Returns the hash of a token.</summary>
    public static UInt128 Compute(ReadOnlySpan<byte> token)
    {
        // The length is a coefficient too: a token with a zero behind it is another.
        var (first, second) = ((ulong)token.Length, (ulong)token.Length);
        while (token.Length > WordBytes)
        {
            var word = BinaryPrimitives.ReadUInt64LittleEndian(token) & ((1UL << (8 * WordBytes)) - 1);
            first = Reduce(first, First, word);
            second = Reduce(second, Second, word);
            token = token[WordBytes..];
        }

        var rest = 0UL;
        foreach (var b in token) rest = (rest << 8) | b;
        return new UInt128(Reduce(first, First, rest), Reduce(second, Second, rest));
    }

    /// <summary>Returns <c>sum × point + word</c> modulo 2⁶¹ − 1.</summary>
    private static ulong Reduce(ulong sum, ulong point, ulong word)
    {
        var high = Math.BigMul(sum, point, out var low);
        var reduced = (low & Modulus) + ((low >> 61) | (high << 3)) + word;
        reduced = (reduced & Modulus) + (reduced >> 61);
        return reduced >= Modulus ? reduced - Modulus : reduced;
    }

    private static ulong NewPoint()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(bytes);
        return 1 + (BinaryPrimitives.ReadUInt64LittleEndian(bytes) % (Modulus - 1));
    }
}
