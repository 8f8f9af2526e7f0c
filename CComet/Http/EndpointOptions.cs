using System.ComponentModel;

namespace CComet.Http;

/// <summary>The options of what <c>MapCComet()</c> maps; settings under <c>CComet</c>. They are read once, when it maps.</summary>
[Settings("CComet")]
public sealed record EndpointOptions
{
    /// <summary>Answers as JSONP.</summary>
    public JsonpOptions Jsonp { get; set; } = new();

    /// <summary>Publishing and signing in.</summary>
    public PublishOptions Publish { get; set; } = new();
}

/// <summary>The settings under <c>CComet:Jsonp</c>.</summary>
public sealed record JsonpOptions
{
    /// <summary>False refuses every request with a <c>callback</c> with 403: answers are then read by no page that CORS does not let in.</summary>
    [Description("whether callback= is answered by JSONP, which a page of any origin can read")]
    public bool Enabled { get; set; } = true;
}

/// <summary>The settings under <c>CComet:Publish</c>.</summary>
public sealed record PublishOptions
{
    /// <summary>False takes <c>/pub</c> and <c>/sign</c> by POST alone, and answers GET with 405: a link or an image then stores nothing. JSONP cannot publish without it.</summary>
    [Description("whether /pub and /sign are taken by GET too, as JSONP needs")]
    public bool ByGet { get; set; } = true;
}
