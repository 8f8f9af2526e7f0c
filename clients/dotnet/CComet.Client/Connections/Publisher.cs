using System.Text.Encodings.Web;
using System.Text.Json;
using CComet.Client.Wire;

namespace CComet.Client.Connections;

/// <summary>Publishes until it is acknowledged or refused, or the time is over. The message's id makes that it is stored once.</summary>
internal sealed class Publisher(ServerApi api)
{
    private static readonly JsonWriterOptions Writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Publishes.</summary>
    /// <exception cref="CCometException">It was refused, or not acknowledged in time.</exception>
    /// <exception cref="OperationCanceledException">The caller, or the end of the client, canceled it.</exception>
    public async Task<CCometReceipt> PublishAsync(string channel, CCometPayload payload, PublishOptions options, CancellationToken cancellation)
    {
        var body = Write(channel, payload, options.Sname ?? api.Options.Sname, options.Id ?? Guid.NewGuid().ToString("N"));
        var begun = api.Time.GetTimestamp();
        var backoff = new Backoff(api.Timings);
        var isFreshTried = false;
        while (true)
        {
            CCometException failure;
            using (var watchdog = new Watchdog(api.Time, cancellation))
            {
                try
                {
                    var left = options.Timeout - api.Time.GetElapsedTime(begun);
                    if (left <= TimeSpan.Zero) throw new CCometException("The message was not sent in time.") { IsHopeless = true };
                    watchdog.Expect(left < api.Timings.Request ? left : api.Timings.Request);
                    var token = await api.Tokens.GetAsync(watchdog.Token).ConfigureAwait(false);
                    return await api.PublishAsync(channel, body, token, watchdog.Token).ConfigureAwait(false);
                }
                catch (Exception) when (cancellation.IsCancellationRequested)
                {
                    cancellation.ThrowIfCancellationRequested();
                    throw;
                }
                catch (Exception e)
                {
                    failure = watchdog.HasFired ? new CCometException("The server did not answer in time.", innerException: e) : ServerApi.Unreachable(e);
                }
            }

            if (failure.Status == 401 && api.Tokens.CanRenew && !isFreshTried)
            {
                isFreshTried = true;
                api.Tokens.Drop(failure.Token);
                continue;
            }

            var pause = backoff.Next(failure.RetryAfter);
            if (failure.IsFinal || api.Time.GetElapsedTime(begun) + pause >= options.Timeout) throw failure;
            Tell(failure, pause);
            await api.Time.PauseAsync(pause, cancellation).ConfigureAwait(false);
            cancellation.ThrowIfCancellationRequested();
        }
    }

    private static byte[] Write(string channel, CCometPayload payload, string? sname, string id)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Writing))
        {
            writer.WriteStartObject();
            writer.WriteString("channel", channel);
            writer.WritePropertyName("msg");
            writer.WriteRawValue(payload.Json.Span, skipInputValidation: true);
            if (sname is not null) writer.WriteString("sname", sname);
            writer.WriteString("id", id);
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    private void Tell(CCometException failure, TimeSpan pause)
    {
        try
        {
            api.Options.OnRetry?.Invoke(new CCometRetry(failure, pause));
        }
        catch (Exception)
        {
            // Documented: what the callback throws is ignored.
        }
    }
}
