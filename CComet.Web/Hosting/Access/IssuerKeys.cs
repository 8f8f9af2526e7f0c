using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace CComet.Web.Hosting.Access;

/// <summary>The keys that an issuer publishes: fetched at the start, again every hour, and when a token's key is not among them.</summary>
/// <remarks>
/// One fetch runs at a time, and every token that needs it waits for it. What is known stays in use while the issuer cannot be
/// reached. The manager of Microsoft.IdentityModel fetches behind the caller's back, so that the first tokens of a new key would be
/// refused, and only when it is asked, which a server that remembers what it has verified seldom does.
/// </remarks>
/// <param name="address">Where the issuer describes itself: its discovery document.</param>
/// <param name="documents">Reads a document, with a bound on its size and on the time.</param>
/// <param name="renewal">How often the keys are fetched without a reason.</param>
/// <param name="minInterval">How long after a fetch for an unknown key the next such may begin.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Told when the issuer cannot be reached any more, and when it can again.</param>
internal sealed partial class IssuerKeys(string address, IDocumentRetriever documents, TimeSpan renewal, TimeSpan minInterval, TimeProvider time, ILogger logger)
{
    /// <summary>How often keys are fetched without a reason, where the settings do not say: <c>AutomaticRefreshInterval</c> of the scheme.</summary>
    public static readonly TimeSpan DefaultRenewal = TimeSpan.FromHours(1);

    /// <summary>How long a fetch that failed stands before the next.</summary>
    public static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private OpenIdConnectConfiguration? _known;
    private Task? _fetch;
    private Exception? _failure;
    private long? _triedAt;
    private long? _fetchedAt;
    private long? _askedAt;

    /// <summary>Called when other keys, or another name of the issuer, have come.</summary>
    public Action? Changed { get; init; }

    /// <summary>Where the issuer describes itself.</summary>
    public string Address => address;

    /// <summary>What is known of the issuer; null before the first fetch that succeeded.</summary>
    public OpenIdConnectConfiguration? Known
    {
        get => Volatile.Read(ref _known);
        init => _known = value;
    }

    /// <summary>Returns what is known, and fetches it first when nothing is.</summary>
    /// <exception cref="AccessUnavailableException">The issuer cannot be reached.</exception>
    public async ValueTask<OpenIdConnectConfiguration> GetAsync(CancellationToken cancellation)
    {
        if (Known is { } known) return known;
        if (BeginFetch(() => !IsWithin(_triedAt, RetryInterval)) is { } fetch) await fetch.WaitAsync(cancellation);
        return Known ?? throw new AccessUnavailableException("The keys of the token's issuer cannot be reached now.", _failure);
    }

    /// <summary>Fetches the keys because a token's is not among them, unless that was done within the interval.</summary>
    /// <param name="used">Those that the token's is not among.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <returns>Whether there are others now.</returns>
    public async ValueTask<bool> RenewAsync(OpenIdConnectConfiguration? used, CancellationToken cancellation)
    {
        if (!ReferenceEquals(used, Known)) return true;
        var fetch = BeginFetch(() =>
        {
            if (IsWithin(_askedAt, _failure is null ? minInterval : RetryInterval)) return false;
            _askedAt = time.GetTimestamp();
            return true;
        });
        if (fetch is not null) await fetch.WaitAsync(cancellation);
        return !ReferenceEquals(used, Known);
    }

    /// <summary>Fetches the keys when it is time to.</summary>
    public async Task RefreshAsync()
    {
        if (BeginFetch(() => !IsWithin(_fetchedAt, renewal) && !IsWithin(_triedAt, RetryInterval)) is { } fetch) await fetch;
    }

    /// <summary>Returns the fetch that runs, or begins one where it is due; null where it is not.</summary>
    /// <remarks>What a fetch writes is read by <paramref name="isDue"/> alone, which is not asked while one runs.</remarks>
    private Task? BeginFetch(Func<bool> isDue)
    {
        lock (_lock)
        {
            if (_fetch is { IsCompleted: false }) return _fetch;
            if (!isDue()) return null;
            _triedAt = time.GetTimestamp();
            return _fetch = Task.Run(FetchAsync);
        }
    }

    /// <summary>Fetches. A failure is kept, and told when it is the first.</summary>
    private async Task FetchAsync()
    {
        try
        {
            var fetched = await OpenIdConnectConfigurationRetriever.GetAsync(address, documents, CancellationToken.None);
            if (string.IsNullOrEmpty(fetched.Issuer)) throw new InvalidDataException("the document names no issuer");
            if (fetched.SigningKeys.Count == 0) throw new InvalidDataException("the issuer has no key");
            if (_failure is not null) LogReached(logger, address);
            _failure = null;
            _fetchedAt = time.GetTimestamp();
            var before = Known;
            if (before is not null && Describe(before).SetEquals(Describe(fetched))) return;
            Volatile.Write(ref _known, fetched);
            LogKeys(logger, fetched.SigningKeys.Count, address);
            if (before is not null) Changed?.Invoke();
        }
        catch (Exception e)
        {
            // Said once for each time that it cannot be reached.
            if (_failure is null) LogUnreachable(logger, address, e.GetBaseException().Message, Known is null ? "until it can, its tokens are refused with 503" : "the keys that are known go on");
            _failure = e;
        }
    }

    private bool IsWithin(long? since, TimeSpan interval) => since is { } at && time.GetElapsedTime(at) < interval;

    private static HashSet<string> Describe(OpenIdConnectConfiguration known) =>
        [known.Issuer, .. known.SigningKeys.Select(key => $"{key.KeyId} {(key.CanComputeJwkThumbprint() ? Convert.ToHexString(key.ComputeJwkThumbprint()) : "")}")];

    [LoggerMessage(Level = LogLevel.Information, Message = "Has {Count} keys of {Address}")]
    private static partial void LogKeys(ILogger logger, int count, string address);

    [LoggerMessage(Level = LogLevel.Information, Message = "Reached {Address} again")]
    private static partial void LogReached(ILogger logger, string address);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Cannot read the keys of {Address}: {Reason}; {Consequence}")]
    private static partial void LogUnreachable(ILogger logger, string address, string reason, string consequence);
}
