using CComet.Operations;
using CComet.Subscriptions;

namespace CComet.Http;

/// <summary>A request that waits, as the polls of the dialects see it: one of the web server, or one of a connection below it.</summary>
internal interface IWaitingRequest : IResponseOutput
{
    /// <summary>The function that the answer calls; null for plain JSON.</summary>
    string? Callback { get; }

    /// <summary>Gives tickets.</summary>
    AccessOperations Access { get; }

    /// <summary>Whether an answer has begun.</summary>
    bool HasBegun { get; }

    /// <summary>Whether its client has gone.</summary>
    bool IsGone { get; }

    /// <summary>Signals a subscriber when its client has gone, until what it returns is disposed of, or another takes its place.</summary>
    CancellationTokenRegistration OnGone(Subscriber subscriber);

    /// <summary>Drops what it holds and does not need while it is parked. Called before each wait.</summary>
    void Park();

    /// <summary>Waits; ends early when the client has gone.</summary>
    Task DelayAsync(TimeSpan time);

    /// <summary>Ends it, answered or not.</summary>
    /// <param name="failure">What it failed with, which is told if nothing was; null for none.</param>
    /// <param name="form">How its dialect tells it.</param>
    ValueTask EndAsync(Exception? failure, RequestForm form);
}
