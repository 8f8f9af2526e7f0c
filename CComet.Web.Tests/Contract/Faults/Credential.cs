using System.Text.Json;
using System.Text.Json.Nodes;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Contract.Faults;

/// <summary>How a subscriber shows that it may.</summary>
public enum Carrier
{
    /// <summary>A token in the header of each request; a stream is opened again when it ends.</summary>
    Bearer,

    /// <summary>A token in the first frame of a WebSocket, and a newer one in place.</summary>
    Frame,

    /// <summary>A token in the header of a WebSocket; the next one is opened before the last is closed.</summary>
    Reopened,

    /// <summary>Tickets, each given by the answer or the stream that the one before opened.</summary>
    Ticket,
}

/// <summary>
/// The credentials of one subscriber, on a clock that the run sets forward. They expire: some are renewed in time, some too late, and
/// some not before they are refused, as the seed says.
/// </summary>
public sealed class Credential(int seed, SkippingTime time, Carrier carrier)
{
    /// <summary>How many credentials a subscriber must have gone by.</summary>
    public const int MinRefreshes = 20;

    private const string User = "me";
    private const int TokenSeconds = 30;
    private const int TicketSeconds = 20;

    private readonly Random _random = new(seed);
    private string? _token;
    private DateTimeOffset _renewAt;
    private string? _accepted;
    private volatile int _refreshes;

    public Carrier Carrier => carrier;

    /// <summary>How many new credentials were taken by the server.</summary>
    public int Refreshes => _refreshes;

    /// <summary>How many were refused, as they had expired.</summary>
    public int Refusals { get; private set; }

    /// <summary>Whether there were enough of them.</summary>
    public bool IsDone => Refreshes >= MinRefreshes;

    /// <summary>The latest ticket; null when a first one is to be got.</summary>
    public string? Ticket { get; private set; }

    /// <summary>The body that asks for a ticket.</summary>
    public string TicketRequest => new JsonObject { ["channels"] = new JsonArray($"run{seed}"), ["verb"] = "subscribe", ["ttl"] = TicketSeconds }.ToJsonString();

    /// <summary>Whether the next token is due.</summary>
    public bool IsDue => _token is null || time.GetUtcNow() >= _renewAt;

    /// <summary>The token to show now.</summary>
    public string Token()
    {
        if (!IsDue) return _token!;
        var now = time.GetUtcNow();

        // A clock may differ by 30 seconds: what is renewed later than that is refused first.
        _renewAt = now.AddSeconds(TokenSeconds + _random.Next(-15, 60));
        return _token = Sign(now, TokenSeconds, User, "ccomet:subscribe");
    }

    /// <summary>A new token for tickets, which expire with it.</summary>
    public string NewToken() => Sign(time.GetUtcNow(), _random.Next(TicketSeconds, 10 * TicketSeconds), User, "ccomet:subscribe");

    /// <summary>A token of the publishers.</summary>
    public string PublisherToken() => Sign(time.GetUtcNow(), 3600, "publisher", "ccomet:publish");

    /// <summary>Takes the next ticket.</summary>
    public void Take(JsonElement ticket) => Ticket = ticket.GetProperty("ticket").GetString()!;

    /// <summary>Whether a client with a newer ticket opens its stream again by it, though nothing has ended it.</summary>
    public bool IsToReopen() => _random.Next(2) == 0;

    /// <summary>The server has taken what was shown last.</summary>
    public void Accept()
    {
        var shown = carrier == Carrier.Ticket ? Ticket : _token;
        if (_accepted == shown) return;
        if (_accepted is not null) _refreshes++;
        _accepted = shown;
    }

    /// <summary>The server has refused what was shown last: the next is a new one.</summary>
    public void Refuse(int status)
    {
        if (status != 401) throw new PromiseBrokenException($"a credential was refused by {status}");
        Refusals++;
        (_token, Ticket) = (null, null);
    }

    /// <summary>Sets the clock forward.</summary>
    public void PassTime(Random random) => time.Skip(TimeSpan.FromSeconds(random.Next(5, 30)));

    private static string Sign(DateTimeOffset now, int seconds, string user, string claim) =>
        new TestToken(now).With("sub", user).With("ccomet:subscribe", null).With(claim, "run*").With("exp", now.AddSeconds(seconds).ToUnixTimeSeconds()).Sign(TokenServer.Key);
}
