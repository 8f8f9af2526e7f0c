using System.Buffers;
using System.IO.Pipelines;
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
    public static Task WriteAsync(HttpResponse response, string? callback, ReadOnlyMemory<byte> json) => WriteAsync(new HttpOutput(response), callback, json);

    /// <inheritdoc cref="WriteAsync(HttpResponse, string?, ReadOnlyMemory{byte})"/>
    public static Task WriteAsync<T>(T output, string? callback, ReadOnlyMemory<byte> json)
        where T : IResponseOutput => WriteAsync(output, callback, ResponseHead.Array, [json]);

    /// <summary>Answers with a JSON value in parts, which are shared and copied only onto the wire.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="callback">The function to call, or null.</param>
    /// <param name="head">The head of a plain answer; that of a call is its own.</param>
    /// <param name="parts">The value's bytes, in order.</param>
    public static Task WriteAsync<T>(T output, string? callback, in ResponseHead head, IReadOnlyList<ReadOnlyMemory<byte>> parts)
        where T : IResponseOutput
    {
        ReadOnlyMemory<byte> start = callback is null ? default : Encoding.ASCII.GetBytes(callback + "(");
        var end = callback is null ? LineEnd : CallEnd;
        output.Begin(callback is null ? head : new ResponseHead(StatusCodes.Status200OK, Jsonp.ContentType), start.Length + parts.Sum(part => (long)part.Length) + end.Length);
        return WriteAsync(output.Body, [start, .. parts, end]);
    }

    private static async Task WriteAsync(PipeWriter output, ReadOnlyMemory<byte>[] parts)
    {
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
