namespace JwtChat;

/// <summary>The push server, as this application knows it: the section <c>Push</c> of its settings.</summary>
internal sealed record PushSettings
{
    /// <summary>Where the server is, for the page and for this application: an origin, without a slash at its end.</summary>
    public string Url { get; init; } = "";

    /// <summary>The <c>iss</c> of the tokens, which the server has in <c>ValidIssuers</c>.</summary>
    public string Issuer { get; init; } = "";

    /// <summary>The <c>aud</c> of the tokens, which the server has in <c>ValidAudiences</c>.</summary>
    public string Audience { get; init; } = "";

    /// <summary>How long a token holds. Rights that are taken away go on for as long.</summary>
    public TimeSpan TokenLife { get; init; }

    /// <summary>The key that the server has in <c>SigningKeys</c>: 32 bytes or more, in base64.</summary>
    public string Key { get; init; } = "";
}
