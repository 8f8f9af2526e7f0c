using System.Text;
using CComet.Dialects.Icomet;
using CComet.Dialects.Native;
using CComet.Http;
using CComet.Http.Icomet;
using CComet.Http.Requests;

namespace CComet.Kestrel.Parking;

/// <summary>What a request in the dialect of icomet asks that can be parked.</summary>
/// <param name="Asked">What its client asks to be sent.</param>
/// <param name="Framing">What stands around each object of its stream; null for a poll.</param>
internal sealed record ParkableIcomet(IcometSubscription Asked, IcometFraming? Framing)
{
    /// <summary>The parameters that are read; those that follow are known to be ignored: what the script of icomet and the library below it add.</summary>
    public static readonly string[] KnownParameters = ["cname", "seq", "noop", "token", "cb", "_", "callback"];

    /// <summary>How a refusal is told.</summary>
    public RequestForm Form => Framing is null ? IcometForm.PollOf(Asked.Channel) : IcometForm.StreamOf(Framing, Asked.Channel);

    /// <summary>The path, when it is one that is read.</summary>
    public static string? PathOf(ReadOnlySpan<byte> path)
    {
        foreach (var (known, _) in IcometFront.Waiting)
        {
            if (Ascii.Equals(path, known)) return known;
        }

        return null;
    }

    /// <summary>Reads a query whose parameters are known by name.</summary>
    /// <param name="query">The query, of printable ASCII.</param>
    /// <param name="path">The path, as <see cref="PathOf"/> returned it.</param>
    /// <param name="mayCallBack">Whether an answer may be a script that calls a function.</param>
    /// <param name="callback">The function that the answer calls; null for none, and for a stream, which calls none.</param>
    /// <returns>Null for what is left to the web server, as is all that is refused.</returns>
    public static ParkableIcomet? Read(ReadOnlySpan<byte> query, string path, bool mayCallBack, out string? callback)
    {
        callback = null;
        try
        {
            var parameters = new Parameters(ParkableRequest.MaxParameters, names: IcometForm.Names);
            UrlEncoded.Parse(query, parameters);
            parameters.ThrowIfRefused();
            var name = parameters.Optional(parameters.Known.Callback);
            if (name is not null && (!mayCallBack || !Jsonp.IsName(name))) return null;
            var framing = IcometFront.Waiting.First(waiting => waiting.Path == path).Framing;
            if (framing is null) callback = name;
            return new ParkableIcomet(IcometSubscription.Read(parameters), framing);
        }
        catch (WireException)
        {
            return null;
        }
    }
}
