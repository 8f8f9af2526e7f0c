using System.Buffers;
using System.IO.Compression;
using System.Text;
using CComet.Dialects.Native;
using Microsoft.Extensions.Primitives;

namespace CComet.Http.Requests;

/// <summary>Decodes a request's body from the codings that its Content-Encoding names (RFC 9110, section 8.4).</summary>
/// <remarks>
/// What each coding decodes to is bounded like a body that has none, and decoding stops where it goes beyond: a few bytes that decode to
/// gigabytes cost no more than a body at its limit. A body that ends before its coding does is refused: what it decodes to is cut off.
/// </remarks>
internal static class ContentCoding
{
    /// <summary>The codings that are understood, as Accept-Encoding lists them.</summary>
    public const string Accepted = "gzip, br, deflate";

    /// <summary>How many codings one body may have.</summary>
    private const int MaxCodings = 2;

    private const string Gzip = "gzip";
    private const string Brotli = "br";
    private const string Deflate = "deflate";

    private static readonly byte[] LastText = Encoding.ASCII.GetBytes(typeof(ContentCoding).FullName!);

    /// <summary><see cref="LastText"/> as a member of a gzip file.</summary>
    private static readonly byte[] LastMember = MemberOf(LastText);

    /// <summary>The codings that the header names, in the order in which they were applied; null when there are none.</summary>
    /// <exception cref="WireException">415: it names one that is not understood, or too many.</exception>
    public static List<string>? Read(StringValues header)
    {
        List<string>? codings = null;
        foreach (var line in header)
        {
            foreach (var part in line.AsSpan().Split(','))
            {
                var name = line.AsSpan(part).Trim();
                if (name.IsEmpty || Is(name, "identity")) continue;
                codings ??= new(MaxCodings);
                if (codings.Count == MaxCodings) throw WireException.UnsupportedCoding($"names more than {MaxCodings} codings.");
                codings.Add(Is(name, Gzip) || Is(name, "x-gzip") ? Gzip
                    : Is(name, Brotli) ? Brotli
                    : Is(name, Deflate) ? Deflate
                    : throw WireException.UnsupportedCoding($"only {Accepted} are understood."));
            }
        }

        return codings;
    }

    /// <summary>Decodes a body from all its codings.</summary>
    /// <exception cref="WireException">400: it is not in that coding. 413: it decodes to more than <paramref name="maxBytes"/>.</exception>
    public static BoundedBuffer Decode(ReadOnlyMemory<byte> body, List<string> codings, int maxBytes)
    {
        var decoded = Decode(body, codings[^1], maxBytes);
        for (var i = codings.Count - 2; i >= 0; i--)
        {
            using var before = decoded;
            decoded = Decode(before.Written, codings[i], maxBytes);
        }

        return decoded;
    }

    private static bool Is(ReadOnlySpan<char> name, string coding) => name.Equals(coding, StringComparison.OrdinalIgnoreCase);

    private static BoundedBuffer Decode(ReadOnlyMemory<byte> body, string coding, int maxBytes)
    {
        var output = new BoundedBuffer(maxBytes, body.Length);
        try
        {
            var isWhole = coding switch
            {
                Gzip => TryDecodeGzip(body, output),
                Brotli => TryDecodeBrotli(body.Span, output),
                _ => TryDecodeDeflate(body, output),
            };
            if (!isWhole) throw WireException.Bad("body", $"is not valid {coding}, which its Content-Encoding names.");
            output.ThrowIfOver();
            return output;
        }
        catch
        {
            output.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Decodes gzip: one member, or several. <see cref="GZipStream"/> passes over an end that is missing. So a member of our own goes
    /// behind the body, and comes out only when everything before it was whole.
    /// </summary>
    private static bool TryDecodeGzip(ReadOnlyMemory<byte> body, BoundedBuffer output)
    {
        using var input = new CodedStream(body, LastMember);
        using var stream = new GZipStream(input, CompressionMode.Decompress);
        return TryCopy(stream, output, LastText.Length) && output.TryCut(LastText);
    }

    /// <summary>Decodes the zlib format, which the coding's name means, or the bare deflate format, which some clients send by that name.</summary>
    private static bool TryDecodeDeflate(ReadOnlyMemory<byte> body, BoundedBuffer output)
    {
        using var input = new CodedStream(body, default);
        using Stream stream = IsZlib(body.Span) ? new ZLibStream(input, CompressionMode.Decompress) : new DeflateStream(input, CompressionMode.Decompress);
        return TryCopy(stream, output, 0) && !input.WasExhausted;
    }

    /// <summary>By its header (RFC 1950, section 2.2).</summary>
    private static bool IsZlib(ReadOnlySpan<byte> body) => body.Length > 1 && (body[0] & 0x0F) == 8 && ((body[0] << 8) | body[1]) % 31 == 0;

    private static bool TryDecodeBrotli(ReadOnlySpan<byte> body, BoundedBuffer output)
    {
        using var decoder = default(BrotliDecoder);
        while (true)
        {
            var status = decoder.Decompress(body, output.Free(0), out var consumed, out var written);
            body = body[consumed..];
            output.Advance(written);
            if (status != OperationStatus.DestinationTooSmall) return status == OperationStatus.Done && body.IsEmpty;
        }
    }

    private static bool TryCopy(Stream from, BoundedBuffer to, int beyond)
    {
        try
        {
            while (from.Read(to.Free(beyond)) is var read and > 0) to.Advance(read);
            return true;
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            // The second is how zlib says that it wants a dictionary.
            return false;
        }
    }

    private static byte[] MemberOf(byte[] text)
    {
        using var member = new MemoryStream();
        using (var gzip = new GZipStream(member, CompressionLevel.NoCompression, leaveOpen: true)) gzip.Write(text);
        return member.ToArray();
    }

    /// <summary>Reads two pieces of memory one after the other, and notes when more is asked for.</summary>
    private sealed class CodedStream(ReadOnlyMemory<byte> first, ReadOnlyMemory<byte> second) : Stream
    {
        private ReadOnlyMemory<byte> _rest = first;
        private ReadOnlyMemory<byte> _next = second;

        /// <summary>Whether the reader wanted more than there was.</summary>
        public bool WasExhausted { get; private set; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            if (_rest.IsEmpty) (_rest, _next) = (_next, default);
            if (_rest.IsEmpty) WasExhausted = true;
            var length = Math.Min(buffer.Length, _rest.Length);
            _rest.Span[..length].CopyTo(buffer);
            _rest = _rest[length..];
            return length;
        }

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
