namespace CComet.Web.Tests.Hardening.Fuzz;

/// <summary>Chance for the generators, all of it from one seed.</summary>
internal static class Fuzzer
{
    public static T Pick<T>(this Random random, params ReadOnlySpan<T> from) => from[random.Next(from.Length)];

    /// <summary>True once in so many times.</summary>
    public static bool Once(this Random random, int of) => random.Next(of) == 0;

    /// <summary>From none to so many, few more often than many.</summary>
    public static int Few(this Random random, int most) => random.Next(random.Next(most + 1) + 1);

    public static string Concat(this Random random, int most, Func<string> make) => string.Concat(Enumerable.Range(0, random.Few(most)).Select(_ => make()));

    /// <summary>Bytes of chance, one a character.</summary>
    public static string Noise(this Random random, int most) => random.Concat(most, () => ((char)random.Next(256)).ToString());

    /// <summary>Alters bytes as a fault on the way, or an attacker, would: bits flipped, pieces taken out, doubled, moved or put in, the end cut off.</summary>
    public static byte[] Mutate(this Random random, byte[] bytes)
    {
        var mutated = new List<byte>(bytes);
        for (var times = random.Few(4) + 1; times > 0 && mutated.Count > 0; times--)
        {
            var at = random.Next(mutated.Count);
            var length = Math.Min(random.Few(16) + 1, mutated.Count - at);
            switch (random.Next(6))
            {
                case 0:
                    mutated[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    mutated.RemoveRange(at, length);
                    break;
                case 2:
                    mutated.InsertRange(random.Next(mutated.Count + 1), mutated.GetRange(at, length));
                    break;
                case 3:
                    mutated.InsertRange(at, System.Text.Encoding.Latin1.GetBytes(random.Pick("\r\n", "\n", "\0", " ", "\r\n\r\n", ":", "%", "\u00ff", "HTTP/1.1", random.Noise(20))));
                    break;
                case 4:
                    mutated[at] = (byte)random.Next(256);
                    break;
                default:
                    mutated.RemoveRange(at, mutated.Count - at);
                    break;
            }
        }

        return [.. mutated];
    }
}
