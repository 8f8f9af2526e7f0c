namespace CComet.Http;

/// <summary>Decides which pages' requests are answered. CORS alone hides an answer, and leaves the form that publishes, the script that reads and the WebSocket.</summary>
internal interface IOriginPolicy
{
    /// <summary>Whether pages of every origin may call: then nothing has to be checked.</summary>
    bool IsOpen { get; }

    /// <summary>Refuses a request that a browser sends for a page that may not call.</summary>
    /// <exception cref="Dialects.Native.WireException">403.</exception>
    void Check(in PageOrigin page);

    /// <summary>Whether a browser's cookie counts in the request of a page that may call: not where pages of all origins may.</summary>
    bool TakesCookies(in PageOrigin page);

    /// <summary>Refuses a WebSocket for a page that may not open one.</summary>
    /// <exception cref="Dialects.Native.WireException">403.</exception>
    void CheckSocket(in PageOrigin page);
}
