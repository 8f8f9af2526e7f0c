namespace CComet.Client.Connections;

/// <summary>The times of the state machine. Only tests change them.</summary>
internal sealed record Timings
{
    /// <summary>Gets the upper bound of the first pause; it doubles with each failure.</summary>
    public TimeSpan RetryMin { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>Gets the upper bound of every pause that the server did not ask for.</summary>
    public TimeSpan RetryMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Gets how long a stream may be silent before it is taken as dead; the server gives a sign of life every 15 s.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(40);

    /// <summary>Gets how long the first byte of a stream may take before something on the way is taken to collect the stream.</summary>
    public TimeSpan FirstByte { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Gets after how long of long polls the stream is tried again.</summary>
    public TimeSpan StreamAgain { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Gets how long a long poll may take; the server holds it for 28 s.</summary>
    public TimeSpan Poll { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Gets how long any other request may take.</summary>
    public TimeSpan Request { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Gets how long the token function may take.</summary>
    public TimeSpan Token { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Gets the shortest time between two renewals of a stream.</summary>
    public TimeSpan MinRenewal { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Gets how long subscriptions are waited for that share a request.</summary>
    public TimeSpan Coalesce { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>Gets how long a subscription may hold back the others of its connection.</summary>
    public TimeSpan Stall { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Gets the longest pause that a server may ask for as a number of seconds.</summary>
    public TimeSpan MaxPause { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Gets the longest pause that a server may ask for as a date, which a clock that is set wrong stretches.</summary>
    public TimeSpan MaxPauseToDate { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Gets a random number of 0 to 1, thread-safe.</summary>
    public Func<double> Random { get; init; } = Jitter.Next;
}
