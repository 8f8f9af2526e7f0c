using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using CComet.Webhooks;
using Microsoft.Extensions.Options;

namespace CComet.Web.Hosting.Webhooks;

/// <summary>Posts to the webhooks of the settings by HTTP, with the headers of Standard Webhooks.</summary>
/// <remarks>The address may hold a password. It is in no log line; the loggers of the HTTP client, which would write it, are removed.</remarks>
internal sealed class WebhookSender : IWebhookSender
{
    private const string Key = "CComet:Hooks";

    private readonly IHttpClientFactory _clients;
    private readonly TimeProvider _time;
    private readonly Dictionary<string, Target> _targets;

    public WebhookSender(IHttpClientFactory clients, IOptions<HubOptions> options, TimeProvider time)
    {
        (_clients, _time) = (clients, time);
        _targets = options.Value.Hooks.ToDictionary(hook => hook.Name, Target.Create, StringComparer.Ordinal);
    }

    /// <summary>Adds it, where the settings have webhooks.</summary>
    /// <param name="services">The services of the server.</param>
    /// <param name="settings">The section <c>CComet</c>.</param>
    /// <param name="environment">The environment: in Development every address may be posted to.</param>
    /// <exception cref="StartException">A webhook has an address that may not be posted to.</exception>
    public static void Register(IServiceCollection services, IConfiguration settings, IHostEnvironment environment)
    {
        var hooks = settings.GetSection("Hooks").Get<List<WebhookOptions>>() ?? [];
        if (hooks.Count == 0) return;
        services.AddSingleton<IWebhookSender, WebhookSender>();
        for (var i = 0; i < hooks.Count; i++)
        {
            var hook = hooks[i];
            if (hook.Networks.Select(NetworkList.FindProblem).FirstOrDefault(problem => problem is not null) is { } problem)
                throw new StartException($"{Key}:{i}:Networks: {problem}");
            var connector = new WebhookConnector(hook.Networks, environment.IsDevelopment());
            if (Uri.TryCreate(hook.Url, UriKind.Absolute, out var url) && IPAddress.TryParse(url.DnsSafeHost, out var address) && !connector.Allows(address))
                throw new StartException($"{Key}:{i}:Url: its address {address} is not public; list it in {Key}:{i}:Networks to post to it.");
            services.AddApplicationClient(ClientOf(hook.Name), configureHandler: handler =>
            {
                handler.ConnectCallback = (context, cancellation) => connector.ConnectAsync(context.DnsEndPoint, cancellation);
                handler.MaxResponseDrainSize = 16 << 10;
            });
        }
    }

    /// <inheritdoc/>
    public async Task<WebhookAnswer> SendAsync(WebhookOptions hook, WebhookPost post, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(WebhookRunner.SendTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellation);
        try
        {
            var target = _targets[hook.Name];
            var time = _time.GetUtcNow().ToUnixTimeSeconds();
            using var request = new HttpRequestMessage(HttpMethod.Post, target.Address) { Content = new GuardedContent(post) };
            request.Headers.Authorization = target.Credentials;
            request.Headers.UserAgent.Add(new ProductInfoHeaderValue("CComet", null));
            request.Headers.Add("webhook-id", post.Id);
            request.Headers.Add("webhook-timestamp", time.ToString(CultureInfo.InvariantCulture));
            request.Headers.Add("webhook-signature", WebhookSignature.Sign(target.Keys, post.Id, time, post.Body.Span));
            using var client = _clients.CreateClient(ClientOf(hook.Name));

            // Its body says nothing more.
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            return response.IsSuccessStatusCode ? default : new WebhookAnswer($"it answered {(int)response.StatusCode}", ReadRetryAfter(response.Headers.RetryAfter));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new WebhookAnswer($"it did not answer within {WebhookRunner.SendTimeout.TotalSeconds:0} s");
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Whatever it is, it is tried again, and ends nothing else.
            return new WebhookAnswer(Describe(e));
        }
    }

    /// <summary>Says what went wrong, without the name of the host, which the messages of .NET have.</summary>
    private static string Describe(Exception e) => e switch
    {
        WebhookAddressException or LeaseOverException => e.Message,
        HttpRequestException { InnerException: WebhookAddressException or LeaseOverException } => e.InnerException.Message,
        HttpRequestException http => $"it cannot be reached ({http.HttpRequestError})",
        _ => $"its connection failed ({e.GetType().Name})",
    };

    private static string ClientOf(string hook) => $"CComet.Hooks.{hook}";

    private TimeSpan? ReadRetryAfter(RetryConditionHeaderValue? header) => header?.Delta ?? (header?.Date is { } at ? at - _time.GetUtcNow() : null);

    /// <summary>Where a webhook is posted to, and what signs.</summary>
    private sealed record Target(Uri Address, AuthenticationHeaderValue? Credentials, IReadOnlyList<byte[]> Keys)
    {
        public static Target Create(WebhookOptions hook)
        {
            var (address, credentials) = UrlCredentials.Split(hook.Url);
            return new Target(address, credentials, [.. hook.Secret.Select(secret => WebhookSignature.ReadKey(secret)!)]);
        }
    }

    /// <summary>The body. Nothing of it is written once the lease of the node is over.</summary>
    private sealed class GuardedContent : HttpContent
    {
        private readonly WebhookPost _post;

        public GuardedContent(WebhookPost post)
        {
            _post = post;
            Headers.ContentType = new MediaTypeHeaderValue("application/json", "utf-8");
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            if (!_post.MayStart()) throw new LeaseOverException();
            await stream.WriteAsync(_post.Body, cancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = _post.Body.Length;
            return true;
        }
    }

    private sealed class LeaseOverException() : Exception("this node's lease was over before the post began");
}
