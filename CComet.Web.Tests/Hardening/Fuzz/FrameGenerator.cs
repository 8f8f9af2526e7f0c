using System.Buffers.Binary;
using System.Text;

namespace CComet.Web.Tests.Hardening.Fuzz;

/// <summary>Makes what a client sends through a WebSocket: publishes, pings and closes, and everything that breaks the protocol.</summary>
internal static class FrameGenerator
{
    private static readonly byte[] Opcodes = [0x1, 0x1, 0x1, 0x1, 0x1, 0x0, 0x2, 0x8, 0x9, 0xA, 0x3, 0xB, 0xF];

    /// <summary>Frames that keep to the protocol, with a close at the end; and how many whole messages of text they are.</summary>
    public static (byte[] Bytes, int Messages) Good(Random random)
    {
        var bytes = new List<byte>();
        var messages = random.Few(6);
        for (var i = 0; i < messages; i++)
        {
            if (random.Once(4)) Write(bytes, random, 0x89, Encoding.ASCII.GetBytes("ping"));
            if (random.Once(4)) Write(bytes, random, 0x8A, []);

            // Always UTF-8: bytes that are none would end the connection.
            var text = Encoding.UTF8.GetBytes(RequestGenerator.Json(random));
            var cut = random.Once(3) ? random.Next(text.Length + 1) : -1;
            if (cut < 0)
            {
                Write(bytes, random, 0x81, text);
                continue;
            }

            Write(bytes, random, 0x01, text[..cut]);
            if (random.Once(2)) Write(bytes, random, 0x89, []);
            Write(bytes, random, 0x80, text[cut..]);
        }

        Write(bytes, random, 0x88, random.Once(2) ? [] : [0x03, 0xE8]);
        return ([.. bytes], messages);
    }

    /// <summary>Frames of any kind.</summary>
    public static byte[] Bad(Random random)
    {
        if (random.Once(3)) return random.Mutate(Good(random).Bytes);
        var bytes = new List<byte>();
        for (var i = random.Few(8); i >= 0; i--)
        {
            var first = (byte)((random.Once(4) ? 0 : 0x80) | (random.Once(20) ? 0x40 : 0) | random.Pick(Opcodes));
            var payload = Encoding.Latin1.GetBytes(random.Once(2) ? random.Noise(200) : RequestGenerator.Json(random));
            if (!random.Once(8))
            {
                Write(bytes, random, first, payload, isMasked: !random.Once(20));
                continue;
            }

            // A length that is not the payload's.
            var header = new byte[10];
            header[0] = first;
            header[1] = 0xFF;
            BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(2), random.Pick(-1, 0, 5, 1L << 20, 1L << 31, 1L << 62, long.MinValue));
            bytes.AddRange(header);
            bytes.AddRange(payload);
        }

        return [.. bytes];
    }

    private static void Write(List<byte> bytes, Random random, byte first, byte[] payload, bool isMasked = true)
    {
        var mask = (byte)(isMasked ? 0x80 : 0);
        bytes.Add(first);
        if (payload.Length <= 125)
        {
            bytes.Add((byte)(mask | payload.Length));
        }
        else
        {
            bytes.Add((byte)(mask | 127));
            var length = new byte[8];
            BinaryPrimitives.WriteInt64BigEndian(length, payload.Length);
            bytes.AddRange(length);
        }

        var key = new byte[4];
        if (isMasked)
        {
            random.NextBytes(key);
            bytes.AddRange(key);
        }

        for (var i = 0; i < payload.Length; i++) bytes.Add((byte)(payload[i] ^ key[i & 3]));
    }
}
