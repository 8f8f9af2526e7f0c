using System.ComponentModel;

namespace CComet.Http;

/// <summary>The options of what <c>MapCComet()</c> maps; settings under <c>CComet</c>.</summary>
[Settings("CComet")]
public sealed record EndpointOptions
{
    /// <summary>JSONP.</summary>
    public JsonpOptions Jsonp { get; set; } = new();

    /// <summary>Publishing.</summary>
    public PublishOptions Publish { get; set; } = new();
}

/// <summary>The settings under <c>CComet:Jsonp</c>.</summary>
public sealed record JsonpOptions
{
    /// <summary>False refuses every request with a <c>callback</c>: answers are then read by no page that CORS does not let in.</summary>
    [Description("whether callback= is answered by JSONP, which a page of any origin can read")]
    public bool Enabled { get; set; } = true;
}

/// <summary>The settings under <c>CComet:Publish</c>.</summary>
public sealed record PublishOptions
{
    /// <summary>False takes <c>/pub</c> and <c>/sign</c> by POST alone: a link or an image then stores nothing. JSONP cannot publish without it.</summary>
    [Description("whether /pub and /sign are taken by GET too, as JSONP needs")]
    public bool ByGet { get; set; } = true;
}
