using System.Buffers;
using System.Globalization;
using System.Text;
using CComet.Dialects.Native;
using CComet.Http;
using CComet.Http.Credentials;
using CComet.Messages;
using Microsoft.AspNetCore.WebUtilities;

namespace CComet.Kestrel.Parking;

/// <summary>Writes answers as they go over the wire, head and all, with the headers that they have by way of the web server.</summary>
internal sealed class ParkedAnswers(ParkingHost host)
{
    private static readonly byte[] Chunked = Encoding.ASCII.GetBytes("Transfer-Encoding: chunked\r\n");
    private static readonly byte[] CursorName = Encoding.ASCII.GetBytes($"{ResponseWriter.CursorHeader}: ");

    private readonly byte[] _poll = Encoding.ASCII.GetBytes($"\r\nContent-Type: {JsonArray.ContentType}\r\n");
    private readonly byte[] _vary = Encoding.ASCII.GetBytes($"Cache-Control: no-store\r\nVary: {host.VaryOfPoll}\r\n");
    private readonly byte[] _stream = Encoding.ASCII.GetBytes("\r\nX-Accel-Buffering: no\r\nX-Content-Type-Options: nosniff\r\n");

    private DateLine _date = new(-1, []);

    /// <summary>The path before each path, as it stands in the log.</summary>
    public string PathBase { get; } = Encoding.ASCII.GetString(host.PathBase.Span);

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
        if (retry is { } after) output.Put($"{ResponseWriter.RetryHeader}: {ResponseWriter.MillisecondsOf(after)}\r\n");
        output.Write("X-Content-Type-Options: nosniff\r\n\r\n"u8);
    }

    /// <summary>Writes the answer to a poll whose right to follow was revoked.</summary>
    public void WriteRevoked(IBufferWriter<byte> output, string page)
    {
        var error = WireException.Revoked();
        var body = ErrorJson.EncodeProblemLine(error);
        WriteHead(output, new ResponseHead(error.Status, ErrorJson.ProblemType) { Challenge = BearerChallenge.Create(error) }, body.Length, ParkableRequest.PollPath, isLast: false, page);
        output.Write(body);
    }

    /// <summary>Writes a head, as <see cref="ResponseWriter"/> has the web server do it.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="head">The head.</param>
    /// <param name="length">How long the body is, in bytes; null for one in chunks, or none.</param>
    /// <param name="path">The request's path.</param>
    /// <param name="isLast">Whether the connection takes no further request.</param>
    /// <param name="page">What it says of the page that asks.</param>
    public void WriteHead(IBufferWriter<byte> output, in ResponseHead head, long? length, string path, bool isLast, string page)
    {
        output.Put($"HTTP/1.1 {head.Status} {ReasonPhrases.GetReasonPhrase(head.Status)}\r\n");
        if (isLast) output.Write("Connection: close\r\n"u8);
        WriteDate(output);
        output.Put($"Cache-Control: no-store\r\nVary: {VaryOf(path)}\r\n{page}");
        if (head.ContentType is not null)
        {
            if (length is null) output.Write(Chunked);
            else output.Put($"Content-Length: {length}\r\n");
            output.Put($"Content-Type: {head.ContentType}\r\nX-Content-Type-Options: nosniff\r\n");
            if (head.Cursor is not null) output.Put($"{ResponseWriter.CursorHeader}: {head.Cursor}\r\n");
            if (head.Retry is { } retry) output.Put($"{ResponseWriter.RetryHeader}: {ResponseWriter.MillisecondsOf(retry)}\r\n");
            if (head.RetryAfter is { } after) output.Put($"Retry-After: {ResponseWriter.SecondsOf(after)}\r\n");
            if (head.Challenge is not null) output.Put($"WWW-Authenticate: {head.Challenge}\r\n");
            if (head.IsScript) output.Put($"{ResponseHead.ScriptHeader}: {ResponseHead.ScriptValue}\r\n");
        }

        output.Write("\r\n"u8);
    }

    /// <summary>Writes the head of a stream.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="contentType">Its content type.</param>
    /// <param name="path">The request's path.</param>
    /// <param name="page">What it says of the page that asks.</param>
    public void WriteStreamHead(IBufferWriter<byte> output, string contentType, string path, string page)
    {
        output.Write("HTTP/1.1 200 OK\r\nContent-Type: "u8);
        output.Put(contentType);
        output.Write("\r\nCache-Control: no-cache, no-transform\r\nVary: "u8);
        output.Put(VaryOf(path));
        output.Write(_stream);
        output.Put(page);
        WriteDate(output);
        output.Write(Chunked);
        output.Write("\r\n"u8);
    }

    private string VaryOf(string path) => path == ParkableRequest.PollPath ? host.VaryOfPoll : host.VaryOfStream;

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
