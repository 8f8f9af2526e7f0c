using System.Globalization;
using System.Text;
using CComet.Dialects.Icomet;
using CComet.Dialects.Native;
using CComet.Http.Requests;
using Microsoft.AspNetCore.Http;

namespace CComet.Http.Icomet;

/// <summary>The forms of requests in the dialect of icomet, and how it is answered.</summary>
internal static class IcometForm
{
    /// <summary>The content type of a plain answer.</summary>
    public const string TextType = "text/plain; charset=utf-8";

    private static readonly LimitOptions Limits = new();

    /// <summary>The parameters that are known.</summary>
    public static readonly ParameterNames Names = new("cb", "content", [], ["cname", "content", "cb", "seq", "noop", "token", "expires"]);

    /// <summary>Of polls: the status is 200, and the type inside says what is wrong.</summary>
    public static readonly RequestForm Poll = new(Names) { IsAuthenticatedByHandler = true, WriteErrorAsync = (response, callback, error) => IcometAnswer.WriteAsync(response, callback, EncodeRefusal(ChannelOf(response), error)) };

    /// <summary>Of the admin side: the status says it, but to a script.</summary>
    public static readonly RequestForm Admin = new(Names) { IsAuthenticatedByHandler = true, WriteErrorAsync = WriteAdminErrorAsync };

    /// <summary>Of a stream: one object in its framing, status 200.</summary>
    public static RequestForm CreateStream(IcometFraming framing) => new(Names)
    {
        IsAuthenticatedByHandler = true,
        WriteErrorAsync = (response, _, error) => WriteRefusalAsync(new HttpOutput(response), framing, ChannelOf(response), error),
    };

    /// <summary>Of a poll that was read, which is told the same at every door.</summary>
    public static RequestForm PollOf(string channel) => Poll with { WriteWaitingErrorAsync = (output, callback, error) => IcometAnswer.WriteAsync(output, callback, EncodeRefusal(channel, error)) };

    /// <summary>Of a stream whose request was read, which is told the same at every door.</summary>
    public static RequestForm StreamOf(IcometFraming framing, string channel) => Poll with { WriteWaitingErrorAsync = (output, _, error) => WriteRefusalAsync(output, framing, channel, error) };

    /// <summary>Answers with a line of text.</summary>
    public static Task WriteTextAsync(HttpResponse response, int status, string line) =>
        ResponseWriter.WriteAsync(response, new ResponseHead(status, TextType), Encoding.UTF8.GetBytes(line + "\n"));

    /// <summary>Reads the channel.</summary>
    public static string ReadChannel(Parameters parameters) => parameters.RequiredName("cname");

    private static Task WriteAdminErrorAsync(HttpResponse response, string? callback, WireException error) => IcometAnswer.WriteAsync(
        new HttpOutput(response),
        callback,
        ResponseHead.Array with { Status = error.Status, RetryAfter = error.RetryAfter },
        [EncodeRefusal(ChannelOf(response), error)]);

    private static Task WriteRefusalAsync<T>(T output, IcometFraming framing, string channel, WireException error)
        where T : IResponseOutput =>
        ResponseWriter.WriteAsync(output, new ResponseHead(StatusCodes.Status200OK, framing.ContentType), (byte[])[.. framing.Opening, .. framing.Frame(EncodeRefusal(channel, error))]);

    /// <summary>The types are those that icomet's clients know: after a 429 they try again in some seconds, which is right for all that may pass.</summary>
    private static byte[] EncodeRefusal(string channel, WireException error) => IcometJson.Refusal(
        error.Status switch
        {
            StatusCodes.Status401Unauthorized or StatusCodes.Status403Forbidden => "401",
            StatusCodes.Status503ServiceUnavailable => "429",
            var status => status.ToString(CultureInfo.InvariantCulture),
        },
        channel,
        error.Message);

    /// <summary>The channel that a refused request names in its query; empty when it is none.</summary>
    private static string ChannelOf(HttpResponse response)
    {
        try
        {
            return RequestBody.ReadQuery(response.HttpContext.Request, Limits, Names).Lenient("cname") is { } name && Messages.Names.FindProblem(name) is null ? name : "";
        }
        catch (WireException)
        {
            return "";
        }
    }
}
