using CComet.Client.Connections;

namespace CComet.Client;

/// <summary>How the client reaches the server. Read once, when the client is made.</summary>
public class CCometClientOptions
{
    /// <summary>Gets or sets the function that gives the token (a JWT, without <c>Bearer</c>), or null for none; null (the default) where the server asks for no token.</summary>
    /// <remarks>
    /// <para>It is asked at every connect and publish for which no token is at hand. A token is kept until 75 % of its life are over, as its claims <c>exp</c> and <c>iat</c> tell;
    /// one whose <c>exp</c> cannot be read is not kept. It is asked again when the server answers 401, once, and before the server ends a stream whose token expires.</para>
    /// <para>One call at a time, on any thread. When it throws, or takes more than 15 s, the attempt is repeated like one that the network failed.</para>
    /// </remarks>
    public Func<CancellationToken, Task<string?>>? Token { get; set; }

    /// <summary>Gets headers that every request has.</summary>
    public IDictionary<string, string> Headers { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Gets or sets the name that messages are published by, 1 to 200 characters; null (the default) for none.</summary>
    public string? Sname { get; set; }

    /// <summary>Gets or sets what gives the <see cref="HttpClient"/> of each request; null (the default) uses one that the client owns.</summary>
    /// <remarks>
    /// It is never disposed of, so that <c>IHttpClientFactory.CreateClient</c> and a shared client both fit. Its <see cref="HttpClient.Timeout"/> must be above the 28 s that the
    /// server holds a long poll; the client has timers of its own, so <see cref="Timeout.InfiniteTimeSpan"/> is right.
    /// </remarks>
    public Func<HttpClient>? HttpClientFactory { get; set; }

    /// <summary>Gets or sets the clock; <see cref="TimeProvider.System"/> by default.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>Gets or sets how many messages a subscription holds that its loop has not taken yet, 1 to 65,536; 256 by default. They are also bounded by 4 MiB of JSON, or one message if that is larger.</summary>
    /// <remarks>When it is full the client stops reading from the connection. A subscription that stays full for 2 s gets a connection of its own, so that it does not hold back the other channels.</remarks>
    public int BufferSize { get; set; } = 256;

    /// <summary>Gets or sets the longest message, in bytes of its JSON text, 1 KiB to 512 MiB; 8 MiB by default. A longer one ends the subscriptions of its connection with a <see cref="CCometException"/>.</summary>
    public int MaxMessageBytes { get; set; } = 8 * 1024 * 1024;

    /// <summary>Gets or sets what is told of each attempt that failed and is repeated; null (the default) for nothing.</summary>
    /// <remarks>Called on any thread, also at the same time. It must return soon and must not wait for the client. What it throws is ignored.</remarks>
    public Action<CCometRetry>? OnRetry { get; set; }

    /// <summary>Gets or sets the times of the state machine, for tests.</summary>
    internal Timings Timings { get; set; } = new();

    /// <summary>Gets or sets whether it receives by long polls alone, for tests.</summary>
    internal bool IsPolling { get; set; }

    /// <summary>Copies the options, so that a later change has no effect, and checks them.</summary>
    internal CCometClientOptions Copy()
    {
        if (Sname is not null) Check.Name(Sname, nameof(Sname));
        Check.NotNull(TimeProvider, nameof(TimeProvider));
        if (BufferSize is < 1 or > 65_536) throw new ArgumentOutOfRangeException(nameof(BufferSize), BufferSize, "BufferSize: is not between 1 and 65,536.");
        if (MaxMessageBytes is < 1024 or > 512 * 1024 * 1024) throw new ArgumentOutOfRangeException(nameof(MaxMessageBytes), MaxMessageBytes, "MaxMessageBytes: is not between 1 KiB and 512 MiB.");
        var copy = new CCometClientOptions
        {
            Token = Token,
            Sname = Sname,
            HttpClientFactory = HttpClientFactory,
            TimeProvider = TimeProvider,
            BufferSize = BufferSize,
            MaxMessageBytes = MaxMessageBytes,
            OnRetry = OnRetry,
            Timings = Timings,
            IsPolling = IsPolling,
        };
        foreach (var header in Headers) copy.Headers[header.Key] = header.Value;
        return copy;
    }
}
