using System.Globalization;
using System.Text;
using CComet.Conformance.Scenarios;

namespace CComet.Conformance.Server;

/// <summary>The byte is reached at which the scenario has the answer cut.</summary>
internal sealed class CutException() : Exception("The answer is cut.");

/// <summary>Writes one answer by HTTP, with the liberties that the style takes.</summary>
internal sealed class AnswerWriter(WireConnection connection, Style style, int? cutAt)
{
    private bool _isChunked;
    private int _left = cutAt ?? int.MaxValue;

    /// <summary>Whether the connection is closed behind the answer.</summary>
    public bool Closes { get; private set; } = Has(style, "close");

    /// <summary>Writes a whole answer.</summary>
    public async Task WriteAsync(int status, IEnumerable<KeyValuePair<string, string>> headers, string body)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        await BeginAsync(status, headers, bytes.Length);
        await WriteAsync(bytes);
        await EndAsync();
    }

    /// <summary>Writes the head. Without a length, the body is chunked or ends with the connection.</summary>
    public async Task BeginAsync(int status, IEnumerable<KeyValuePair<string, string>> headers, int? length = null)
    {
        var text = new StringBuilder();
        if (Has(style, "informational")) text.Append("HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n");
        text.Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} {Reason(status)}\r\n");
        foreach (var (name, value) in headers) Add(name, value);
        if (Has(style, "until-close")) Closes = true;
        else if (length is null || Has(style, "chunked") || Has(style, "chunk-extensions")) Add("Transfer-Encoding", "chunked");
        else Add("Content-Length", length.Value.ToString(CultureInfo.InvariantCulture));
        _isChunked = !Closes || !Has(style, "until-close");
        _isChunked &= length is null || Has(style, "chunked") || Has(style, "chunk-extensions");
        if (Closes) Add("Connection", "close");
        await connection.WriteAsync(text.Append("\r\n").ToString());

        void Add(string name, string value)
        {
            if (Has(style, "lower-case")) name = name.ToLowerInvariant();
            if (Has(style, "upper-case")) name = name.ToUpperInvariant();
            text.Append(name).Append(Has(style, "no-space") ? ":" : ": ").Append(value).Append("\r\n");
        }
    }

    /// <summary>Writes a part of the body, in pieces when the style asks for it; a piece is a chunk of its own.</summary>
    /// <exception cref="CutException">The byte is reached at which the answer is cut.</exception>
    public async Task WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        var isCut = bytes.Length >= _left;
        if (isCut) bytes = bytes[.._left];
        _left -= bytes.Length;
        var size = style.Pieces ?? Math.Max(bytes.Length, 1);
        for (var at = 0; at < bytes.Length; at += size)
        {
            var piece = bytes.Slice(at, Math.Min(size, bytes.Length - at));
            if (_isChunked) piece = Chunk(piece);
            await connection.WriteAsync(piece);
        }

        if (isCut) throw new CutException();
    }

    /// <summary>Ends the body.</summary>
    public async Task EndAsync()
    {
        if (_isChunked) await connection.WriteAsync(Has(style, "chunk-extensions") ? "0;last=1\r\nX-Trailer: behind\r\n\r\n" : "0\r\n\r\n");
    }

    private byte[] Chunk(ReadOnlyMemory<byte> piece)
    {
        var head = Has(style, "chunk-extensions")
            ? string.Create(CultureInfo.InvariantCulture, $"000{piece.Length:x};name=\"a;b\";other\r\n")
            : string.Create(CultureInfo.InvariantCulture, $"{piece.Length:X}\r\n");
        return [.. Encoding.ASCII.GetBytes(head), .. piece.Span, (byte)'\r', (byte)'\n'];
    }

    private static bool Has(Style style, string liberty) => style.Http?.Contains(liberty) == true;

    private static string Reason(int status) => status switch
    {
        101 => "Switching Protocols",
        200 => "OK",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        // The words are free, and may be missing.
        _ => "",
    };
}
