using System.Security.Cryptography;

namespace CComet.Messages;

/// <summary>The random name of one life of a log: as long as it is the same, the seqids still mean the same messages.</summary>
public static class Epoch
{
    /// <summary>Characters that need no escaping in a cursor, a header, a query or JSON.</summary>
    private const string Alphabet = "0123456789abcdefghijkmnpqrstvwxyz";

    /// <summary>Returns a new epoch: 10 characters, 50 bits of a cryptographic generator.</summary>
    /// <returns>Digits and small letters, which need no escaping in a cursor, a header, a query or JSON.</returns>
    public static string New() => RandomNumberGenerator.GetString(Alphabet, 10);
}
