using CComet.Messages;
using CComet.Transports;

namespace CComet.Dialects.Icomet;

/// <summary>What stands around each object of a stream.</summary>
internal sealed class IcometFraming
{
    /// <summary><c>/stream</c>: an object a line.</summary>
    public static readonly IcometFraming Lines = new("application/json; charset=utf-8", "", "\n", "");

    /// <summary><c>/sse</c>: an event for each.</summary>
    public static readonly IcometFraming Events = new("text/event-stream; charset=utf-8", "data: ", "\n\n", "");

    /// <summary><c>/iframe</c>: a page that grows by a call for each.</summary>
    public static readonly IcometFraming Scripts = new(
        "text/html; charset=utf-8",
        "<script>parent.icomet_cb(",
        ");</script>\n",
        "<!doctype html><html><head><meta charset=\"utf-8\"><title>icomet</title></head><body>\n");

    private readonly byte[] _prefix;
    private readonly byte[] _suffix;

    private IcometFraming(string contentType, string prefix, string suffix, string opening)
    {
        ContentType = contentType;
        (_prefix, _suffix, Opening) = (Ascii(prefix), Ascii(suffix), Ascii(opening));
        Framed = batch => IcometJson.Frame(batch, _prefix, _suffix);
        Chunks = batch => batch.As(Framed) is { IsEmpty: false } framed ? Chunk.Encode(framed.Span) : [];
    }

    /// <summary>The content type.</summary>
    public string ContentType { get; }

    /// <summary>What begins the answer.</summary>
    public byte[] Opening { get; }

    /// <summary>A batch in this form; nothing where it holds only sign-ins.</summary>
    public Func<Batch, byte[]> Framed { get; }

    /// <summary>The same with its frame of chunked transfer coding, as it goes over a socket.</summary>
    public Func<Batch, byte[]> Chunks { get; }

    /// <summary>Frames one object.</summary>
    public byte[] Frame(byte[] json) => [.. _prefix, .. json, .. _suffix];

    private static byte[] Ascii(string text) => System.Text.Encoding.ASCII.GetBytes(text);
}
