using System.Buffers;
using System.Globalization;
using System.Text;
using CComet.Dialects.Native;
using CComet.Http;
using CComet.Messages;

namespace CComet.Kestrel.Parking;

/// <summary>Writes answers as they go over the wire, head and all, with the headers that they have by way of the web server.</summary>
internal sealed class ParkedAnswers(ParkingHost host)
{
    private static readonly byte[] Chunked = Encoding.ASCII.GetBytes("Transfer-Encoding: chunked\r\n");
    private static readonly byte[] CursorName = Encoding.ASCII.GetBytes($"{ResponseWriter.CursorHeader}: ");

    private readonly byte[] _poll = Encoding.ASCII.GetBytes($"\r\nContent-Type: {JsonArray.ContentType}\r\n");
    private readonly byte[] _vary = Encoding.ASCII.GetBytes($"Cache-Control: no-store\r\nVary: {host.VaryOfPoll}\r\n");
    private readonly byte[] _stream = Encoding.ASCII.GetBytes($"\r\nCache-Control: no-cache, no-transform\r\nVary: {host.VaryOfStream}\r\nX-Accel-Buffering: no\r\nX-Content-Type-Options: nosniff\r\n");

    private DateLine _date = new(-1, []);

    /// <summary>The end of a stream.</summary>
    public static ReadOnlySpan<byte> StreamEnd => "0\r\n\r\n"u8;

    /// <summary>Writes the head of a poll's answer.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="length">How long its body is.</param>
    /// <param name="cursor">The cursor behind it.</param>
    /// <param name="isLast">Whether the connection takes no further request.</param>
    /// <param name="page">What it says of the page that asks.</param>
    /// <param name="retry">When to ask again, of a server that stops; null otherwise.</param>
    public void WritePollHead(IBufferWriter<byte> output, long length, in Cursor cursor, bool isLast, string page, TimeSpan? retry = null)
    {
        // In the order of the web server.
        output.Write("HTTP/1.1 200 OK\r\n"u8);
        if (isLast) output.Write("Connection: close\r\n"u8);
        output.Write("Content-Length: "u8);
        output.Put(length);
        output.Write(_poll);
        WriteDate(output);
        output.Write(_vary);
        output.Put(page);
        output.Write(CursorName);
        output.Put(cursor);
        output.Write("\r\n"u8);
        if (retry is { } after) output.Put($"{ResponseWriter.RetryHeader}: {(long)after.TotalMilliseconds}\r\n");
        output.Write("X-Content-Type-Options: nosniff\r\n\r\n"u8);
    }

    /// <summary>Writes the answer to a poll whose right to follow was revoked.</summary>
    public void WriteRevoked(IBufferWriter<byte> output, string page)
    {
        var error = WireException.Revoked();
        var body = ErrorJson.EncodeProblemLine(error);
        output.Put($"HTTP/1.1 {error.Status} {Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(error.Status)}\r\nContent-Type: {ErrorJson.ProblemType}\r\nCache-Control: no-store\r\nVary: {host.VaryOfPoll}\r\nX-Content-Type-Options: nosniff\r\n");
        if (Http.Credentials.BearerChallenge.Create(error) is { } challenge) output.Put($"WWW-Authenticate: {challenge}\r\n");
        output.Put(page);
        WriteDate(output);
        output.Put($"Content-Length: {body.Length}\r\n\r\n");
        output.Write(body);
    }

    /// <summary>Writes the head of a stream.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="contentType">Its content type.</param>
    /// <param name="page">What it says of the page that asks.</param>
    public void WriteStreamHead(IBufferWriter<byte> output, string contentType, string page)
    {
        output.Write("HTTP/1.1 200 OK\r\nContent-Type: "u8);
        output.Put(contentType);
        output.Write(_stream);
        output.Put(page);
        WriteDate(output);
        output.Write(Chunked);
        output.Write("\r\n"u8);
    }

    private void WriteDate(IBufferWriter<byte> output)
    {
        var now = DateTimeOffset.UtcNow;
        var second = now.ToUnixTimeSeconds();
        var date = _date;
        if (date.Second != second) _date = date = new DateLine(second, Encoding.ASCII.GetBytes($"Date: {now.ToString("r", CultureInfo.InvariantCulture)}\r\n"));
        output.Write(date.Bytes);
    }

    private sealed record DateLine(long Second, byte[] Bytes);
}
