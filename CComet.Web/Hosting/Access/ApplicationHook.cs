using System.Net.Http.Headers;
using System.Threading.RateLimiting;
using CComet.Access;
using CComet.Diagnostics;
using Microsoft.Extensions.Options;

namespace CComet.Web.Hosting.Access;

/// <summary>Asks the application at <c>CComet:Auth:Hook:Url</c>, and remembers what it answered.</summary>
/// <remarks>
/// <para>
/// A question is asked once: equal ones that come meanwhile wait for the same answer, and later ones get it as long as it holds. Questions
/// under way are bounded, and so are those that wait for a place.
/// </para>
/// <para>
/// There is no retry: it would multiply the load of an application that is in trouble already, and make the client wait twice. The
/// client is refused with 503 and told when to come back; the same question is not asked again for a moment, so that clients that come
/// back at once do not all reach the application.
/// </para>
/// <para>The address may hold a password. It is in no exception, log line or answer; the loggers of the HTTP client, which would write it, are removed.</para>
/// </remarks>
internal sealed partial class ApplicationHook : IAccessHook, IDisposable
{
    /// <summary>The name of its HTTP client.</summary>
    public const string ClientName = "CComet.Auth.Hook";

    /// <summary>The longest answer that is read, in bytes.</summary>
    public const int MaxAnswerBytes = 16 << 10;

    private const string NoAnswer = "Whether you may cannot be decided now: the application gives no answer.";
    private const string TooBusy = "Whether you may cannot be decided now: too much is asked of the application.";

    /// <summary>How long a question that got no answer is not asked again.</summary>
    public static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(1);

    private readonly IHttpClientFactory _clients;
    private readonly HookOptions _options;
    private readonly Uri _address;
    private readonly AuthenticationHeaderValue? _credentials;
    private readonly HubMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<ApplicationHook> _logger;
    private readonly ConcurrencyLimiter _places;
    private readonly HookAnswers<Entry> _answers;
    private readonly Func<Entry, bool> _holds;

    public ApplicationHook(IHttpClientFactory clients, IOptions<HubOptions> options, HubMetrics metrics, TimeProvider time, ILogger<ApplicationHook> logger)
    {
        (_clients, _options, _metrics, _time, _logger) = (clients, options.Value.Auth.Hook, metrics, time, logger);
        (_address, _credentials) = UrlCredentials.Split(_options.Url);
        _places = new ConcurrencyLimiter(new ConcurrencyLimiterOptions { PermitLimit = _options.MaxConcurrent, QueueLimit = _options.MaxWaiting, QueueProcessingOrder = QueueProcessingOrder.OldestFirst });
        _answers = new HookAnswers<Entry>(_options.CacheEntries);
        _holds = entry => !entry.Answer.IsCompleted || _time.GetTimestamp() < entry.Until;
    }

    /// <summary>Adds it, where the settings name an address.</summary>
    /// <param name="services">The services of the server.</param>
    /// <param name="settings">The section <c>CComet</c>.</param>
    public static void Register(IServiceCollection services, IConfiguration settings)
    {
        if (string.IsNullOrEmpty(settings["Auth:Hook:Url"])) return;
        services.AddSingleton<IAccessHook, ApplicationHook>();
        services.AddApplicationClient(ClientName, client => client.MaxResponseContentBufferSize = MaxAnswerBytes);
    }

    /// <inheritdoc/>
    public ValueTask<AccessDecision> AskAsync(CallerContext caller, ChannelRight right, string channel, CancellationToken cancellation)
    {
        var question = HookQuestion.Create(caller, right, channel);
        var (entry, isNew) = _answers.GetOrAdd(question, _holds, static () => new Entry());
        if (isNew) _ = AnswerAsync(entry, HookRequest.Create(caller, right, channel));
        return entry.Answer.IsCompletedSuccessfully ? ValueTask.FromResult(DecisionOf(entry.Answer.Result)) : new(AwaitAsync(entry, cancellation));
    }

    public void Dispose() => _places.Dispose();

    private static async Task<AccessDecision> AwaitAsync(Entry entry, CancellationToken cancellation) => DecisionOf(await entry.Answer.WaitAsync(cancellation));

    private static AccessDecision DecisionOf(in Outcome outcome) => outcome.Problem is null ? outcome.Decision : throw new AccessUnavailableException(outcome.Problem);

    /// <summary>Asks, and gives the entry its answer in any case. It does not end with the client that asked first: others may wait for it.</summary>
    private async Task AnswerAsync(Entry entry, HookRequest request)
    {
        var outcome = new Outcome(default, NoAnswer, PauseAfterFailure);
        var began = _time.GetTimestamp();
        try
        {
            using var timeout = new CancellationTokenSource(_options.Timeout, _time);
            using var place = await _places.AcquireAsync(1, timeout.Token);
            if (place.IsAcquired) outcome = await SendAsync(request, timeout.Token);
            else outcome = Fail($"{_options.MaxWaiting} questions wait (CComet:Auth:Hook:MaxWaiting)", TooBusy);
        }
        catch (OperationCanceledException)
        {
            outcome = Fail("it did not answer in time (CComet:Auth:Hook:Timeout)");
        }
        catch (HttpRequestException e)
        {
            // Not its message, which has the name of the host.
            outcome = Fail(e.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded ? $"its answer is longer than {MaxAnswerBytes} bytes" : $"it cannot be reached ({e.HttpRequestError})");
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            outcome = Fail(e.GetType().Name);
        }
        finally
        {
            _metrics.HookAnswered(outcome.Problem is null ? outcome.Decision.IsAllowed : null, _time.GetElapsedTime(began));
            entry.Complete(outcome, _time.GetTimestamp() + (long)(outcome.Holds.TotalSeconds * _time.TimestampFrequency));
        }
    }

    private async Task<Outcome> SendAsync(HookRequest question, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _address) { Content = JsonContent.Create(question, HookJson.Default.HookRequest) };
        request.Headers.Authorization = _credentials;
        request.Headers.Accept.ParseAdd("application/json");
        using var client = _clients.CreateClient(ClientName);
        using var response = await client.SendAsync(request, cancellation);
        if (!response.IsSuccessStatusCode) return Fail($"it answered {(int)response.StatusCode}");
        if (HookReply.Parse(await response.Content.ReadAsByteArrayAsync(cancellation)) is not { } reply) return Fail("""its answer is not of the form {"allow":true|false,"reason":"…","cacheSeconds":60}""");
        var holds = reply.CacheSeconds is { } seconds ? TimeSpan.FromSeconds(Math.Min(seconds, _options.MaxCache.TotalSeconds)) : _options.DefaultCache;
        return new Outcome(reply.Decide(), null, holds < _options.MaxCache ? holds : _options.MaxCache);
    }

    private Outcome Fail(string reason, string problem = NoAnswer)
    {
        LogNoAnswer(_logger, reason);
        return new Outcome(default, problem, PauseAfterFailure);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The application (CComet:Auth:Hook:Url) gives no answer: {Reason}. What it was asked about is refused with 503")]
    private static partial void LogNoAnswer(ILogger logger, string reason);

    /// <summary>How a question ended.</summary>
    /// <param name="Decision">The answer.</param>
    /// <param name="Problem">What the client is told when there is none.</param>
    /// <param name="Holds">How long it holds.</param>
    private readonly record struct Outcome(AccessDecision Decision, string? Problem, TimeSpan Holds);

    /// <summary>A question that was asked.</summary>
    private sealed class Entry
    {
        private readonly TaskCompletionSource<Outcome> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>The answer, once it is there.</summary>
        public Task<Outcome> Answer => _answer.Task;

        /// <summary>The timestamp until which the answer holds. It is set before <see cref="Answer"/> completes.</summary>
        public long Until { get; private set; }

        public void Complete(in Outcome outcome, long until)
        {
            Until = until;
            _answer.SetResult(outcome);
        }
    }
}
