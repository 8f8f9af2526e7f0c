namespace CComet.Webhooks;

/// <summary>Posts events to the addresses of webhooks.</summary>
internal interface IWebhookSender
{
    /// <summary>Posts once. It completes within <see cref="WebhookRunner.SendTimeout"/>.</summary>
    /// <param name="hook">The webhook.</param>
    /// <param name="post">What is posted.</param>
    /// <param name="cancellation">Gives it up.</param>
    Task<WebhookAnswer> SendAsync(WebhookOptions hook, WebhookPost post, CancellationToken cancellation);
}

/// <summary>What is posted to a webhook.</summary>
/// <param name="Id">The same for each try of the same events.</param>
/// <param name="Body">A JSON object in UTF-8.</param>
/// <param name="MayStart">Whether it may still be begun: the lease could have run out while the process stood still. To be asked just before the first byte of the body.</param>
internal sealed record WebhookPost(string Id, ReadOnlyMemory<byte> Body, Func<bool> MayStart);

/// <summary>What became of a post.</summary>
/// <param name="Problem">Why it was not taken, for the log; null when it was.</param>
/// <param name="RetryAfter">When the address wants the next try; null for no wish.</param>
internal readonly record struct WebhookAnswer(string? Problem, TimeSpan? RetryAfter = null);
