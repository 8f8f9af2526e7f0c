using System.Buffers;
using System.Text;
using CComet.Dialects.Native;
using Microsoft.AspNetCore.Http;

namespace CComet.Http.Icomet;

/// <summary>Writes JSON to clients of icomet: plain, or as the argument of a call.</summary>
internal static class IcometAnswer
{
    private static readonly byte[] LineEnd = "\n"u8.ToArray();
    private static readonly byte[] CallEnd = ");\n"u8.ToArray();

    /// <summary>Answers with a JSON value, as the argument of a call where one is named.</summary>
    public static Task WriteAsync(HttpResponse response, string? callback, ReadOnlyMemory<byte> json) => WriteAsync(response, callback, ResponseHead.Array, [json]);

    /// <summary>Answers with a JSON value in parts, which are shared and copied only onto the wire.</summary>
    /// <param name="response">The response.</param>
    /// <param name="callback">The function to call, or null.</param>
    /// <param name="head">The head of a plain answer; that of a call is its own.</param>
    /// <param name="parts">The value's bytes, in order.</param>
    public static Task WriteAsync(HttpResponse response, string? callback, in ResponseHead head, IReadOnlyList<ReadOnlyMemory<byte>> parts)
    {
        ReadOnlyMemory<byte> start = callback is null ? default : Encoding.ASCII.GetBytes(callback + "(");
        var end = callback is null ? LineEnd : CallEnd;
        ResponseWriter.WriteHead(response, callback is null ? head : new ResponseHead(StatusCodes.Status200OK, Jsonp.ContentType));
        response.ContentLength = start.Length + parts.Sum(part => (long)part.Length) + end.Length;
        return WriteAsync(response, [start, .. parts, end]);
    }

    private static async Task WriteAsync(HttpResponse response, ReadOnlyMemory<byte>[] parts)
    {
        var output = response.BodyWriter;
        foreach (var part in parts)
        {
            for (var rest = part; rest.Length > 0;)
            {
                var some = rest[..Math.Min(rest.Length, JsonArray.FlushBytes)];
                output.Write(some.Span);
                rest = rest[some.Length..];

                // A slow reader holds this much, not the whole answer.
                if (output.UnflushedBytes >= JsonArray.FlushBytes) await output.FlushAsync();
            }
        }

        await output.FlushAsync();
    }
}
