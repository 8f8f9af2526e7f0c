using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;

namespace CComet.Http;

/// <summary>Where an answer is written to: the web server's response, or a connection below it.</summary>
internal interface IResponseOutput
{
    /// <summary>The body.</summary>
    PipeWriter Body { get; }

    /// <summary>Begins the answer.</summary>
    /// <param name="head">Its head.</param>
    /// <param name="length">The length of its body, in bytes; null when that is known only at its end.</param>
    void Begin(in ResponseHead head, long? length);
}

/// <summary>The web server's response.</summary>
internal readonly struct HttpOutput(HttpResponse response) : IResponseOutput
{
    /// <inheritdoc/>
    public PipeWriter Body => response.BodyWriter;

    /// <inheritdoc/>
    public void Begin(in ResponseHead head, long? length)
    {
        ResponseWriter.WriteHead(response, head);
        if (length is not null) response.ContentLength = length;
    }
}
