using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using CComet.Web.Tests.Hardening.Fuzz;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit.Abstractions;

namespace CComet.Web.Tests.Kestrel.Parking;

/// <summary>
/// Two servers of the same settings and content, of which one parks connections, give the same answers to the same bytes. <c>CCOMET_PARKING_RUNS</c>
/// sets how many connections there are; they print their seed, which <c>CCOMET_SEED</c> replays.
/// </summary>
[Collection(Beside)]
public partial class ParkingDifferenceTests(ITestOutputHelper output) : IAsyncLifetime
{
    /// <summary>The collection of these tests: one at a time, beside others, for most of what they do is to wait.</summary>
    public const string Beside = "Differences of parking";

    private const int UsualCases = 2_000;

    /// <summary>So many connections have the same servers: each stream that is compared leaves a message in them.</summary>
    private const int CasesOfServers = 2_500;
    private const int Lanes = 16;
    private const int MaxPipelined = 6;
    private const int MaxShown = 5;
    private const int Messages = 6;
    private const string NoEnd = "\n(no end within a minute)";

    /// <summary>How it refuses what is no request; not where it has seen the end while it read the body before.</summary>
    private const string NotUnderstood = "HTTP/1.1 400 Bad Request\nConnection: close\nContent-Length: 0\n\n";
    internal const string End = "\n(the end)";
    private const string Last = "GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

    private static readonly string[] CommonSettings = ["CComet:Poll:Timeout=00:00:00.3", "CComet:Limits:IdleChannel=01:00:00"];

    private readonly ConcurrentQueue<string> _differences = [];
    private LiveServer _plain = null!;
    private LiveServer _parking = null!;
    private int _reached;
    private int _answers;

    /// <summary>Settings of both servers.</summary>
    protected virtual string[] Settings => [];

    /// <summary>How many connections there are, in hundredths of what is usual.</summary>
    protected virtual int Share => 100;

    /// <summary>What is asked for, and where.</summary>
    private protected virtual ParkingWire Wire => ParkingWire.Native;

    /// <summary>A caller that may do what it asks for, and whose requests can be parked.</summary>
    private protected virtual ParkingCaller Good => ParkingCaller.Anonymous;

    /// <summary>The server without parking.</summary>
    protected LiveServer PlainServer => _plain;

    /// <summary>A caller of any kind.</summary>
    private protected virtual ParkingCaller NextCaller(Random random) => Good;

    /// <summary>Does what has to be done with a server before it is asked.</summary>
    private protected virtual Task PrepareAsync(LiveServer server) => Task.CompletedTask;

    /// <summary>Sets of both servers what is no setting.</summary>
    protected virtual void Register(IServiceCollection services)
    {
    }

    public async Task InitializeAsync()
    {
        _plain = await LiveServer.StartAsync(0, new CCometFactory([.. CommonSettings, .. Settings, "CComet:Parking:Enabled=false"]) { OnServices = Register });
        _parking = await LiveServer.StartAsync(0, new CCometFactory([.. CommonSettings, .. Settings, "CComet:Parking:Enabled=true"]) { OnServices = Register, OnRequest = _ => Interlocked.Increment(ref _reached) });
        foreach (var server in (LiveServer[])[_plain, _parking])
        {
            await PrepareAsync(server);
            for (var lane = 0; lane < Lanes; lane++)
            {
                foreach (var channel in ChannelsOf(lane))
                {
                    for (var i = 0; i < Messages; i++) await PublishAsync(server, channel, $"{i}");
                }
            }
        }
    }

    public async Task DisposeAsync()
    {
        await _plain.DisposeAsync();
        await _parking.DisposeAsync();
    }

    [Fact]
    public async Task Server_that_parks_gives_the_answers_of_one_that_does_not()
    {
        if (!OperatingSystem.IsLinux()) return;
        var cases = Environment.GetEnvironmentVariable("CCOMET_PARKING_RUNS") is { } runs ? int.Parse(runs, CultureInfo.InvariantCulture) : UsualCases * Share / 100;
        var seed = Environment.GetEnvironmentVariable("CCOMET_SEED") is { } given ? int.Parse(given, CultureInfo.InvariantCulture) : Random.Shared.Next() / 2;
        output.WriteLine($"{cases} connections from seed {seed}");
        var before = _reached;
        for (var first = 0; first < cases && _differences.Count < MaxShown; first += CasesOfServers)
        {
            if (first > 0)
            {
                await DisposeAsync();
                await InitializeAsync();
            }

            await Parallel.ForAsync(0, Lanes, new ParallelOptions { MaxDegreeOfParallelism = Lanes }, async (lane, _) =>
            {
                var channels = ChannelsOf(lane);
                for (var i = first + lane; i < Math.Min(cases, first + CasesOfServers) && _differences.Count < MaxShown; i += Lanes) await CompareAsync(Script.Make(new Random(seed + i), channels, Wire, NextCaller, Good), channels, $"CCOMET_SEED={seed + i}, connection {i}");
            });
        }

        output.WriteLine($"{_answers} answers, of which {_reached - before} came from the web server");
        Check();

        // That it parked at all.
        Assert.True(_answers - (_reached - before) > _answers / 6, $"{_reached - before} of {_answers} requests came to the web server.");
    }

    [Theory]
    [InlineData("/sub?channel={0}&seqid=0&wait=0", true)]
    [InlineData("/sub?channel={0}&wait=0.02", false)]
    [InlineData("/sse?channel={0}&seqid=3", false)]
    [InlineData("/stream?channel={0}&seqid=3", false)]
    [InlineData("/sub?channel={0}&channel=b&seqid=0&seqid=0&wait=0", true)]
    [InlineData("/sub?channel={0}&seqid=4&callback=f&wait=0.02", true)]
    [InlineData("/stream?channel={0}&seqid=3&sname=s", false)]
    [InlineData("/subscribe?channel={0}&seqid=4&callback=f&wait=0.02", true)]
    public async Task Head_that_is_cut_anywhere_is_answered_as_by_the_web_server(string target, bool ends)
    {
        if (!OperatingSystem.IsLinux()) return;
        await Parallel.ForAsync(0, Lanes, new ParallelOptions { MaxDegreeOfParallelism = Lanes }, async (lane, _) =>
        {
            var channels = ChannelsOf(lane);
            var head = Encoding.Latin1.GetBytes($"GET {Wire.Cut(string.Format(CultureInfo.InvariantCulture, target, channels[0]), channels[0])} HTTP/1.1\r\nHost: {Good.Host}\r\nAccept: */*\r\n{string.Concat(Good.Lines.Select(line => line + "\r\n"))}\r\n");
            for (var at = 1 + lane; at < head.Length && _differences.Count < MaxShown; at += Lanes)
            {
                await CompareAsync(new Script([head[..at], [.. head[at..], .. Encoding.Latin1.GetBytes(Last)]], EndsSending: false, IsWhole: true, Wire), channels, $"cut at {at}");
                if (ends) await CompareAsync(new Script([head[..at]], EndsSending: true, IsWhole: true, Wire), channels, $"ended at {at}");
            }
        });
        Check();
    }

    private static async Task PublishAsync(LiveServer server, string channel, string text) => await server.Operations.PublishTrustedAsync([HubFixture.NewMessage(channel, text)], CancellationToken.None);

    private static string[] ChannelsOf(int lane) => [$"lane{lane}a", $"lane{lane}b"];

    private void Check() => Assert.True(_differences.IsEmpty, string.Join("\n========\n", _differences.Take(MaxShown)));

    private async Task CompareAsync(Script script, string[] channels, string what)
    {
        // Both at once: most of the time goes into waits that the protocol asks for.
        var (askingPlain, askingParking) = (AskAsync(_plain, script, channels, what), AskAsync(_parking, script, channels, what));
        await Task.WhenAll(askingPlain, askingParking);
        var (plain, parking) = (await askingPlain, await askingParking);
        Interlocked.Add(ref _answers, AnswerStart().Count(plain));
        if (!AreSame(plain, parking, script.EndsSending, Wire)) _differences.Enqueue($"{what}{(script.EndsSending ? ", half-closed" : "")}:\n{string.Join("|\n|", script.Pieces.Select(Encoding.Latin1.GetString))}\n---- without parking\n{plain}\n---- with parking\n{parking}");
    }

    /// <summary>Whether two servers have done the same.</summary>
    /// <remarks>
    /// The web server alone answers a client that ends its side for as long as it has not seen that end, which is chance. One that parks answers what
    /// came with that end: at least what the other has answered. How much of a stream such a client is sent is chance with both.
    /// </remarks>
    internal static bool AreSame(string plain, string parking, bool endsSending, ParkingWire wire)
    {
        if (plain == parking) return !plain.EndsWith(NoEnd, StringComparison.Ordinal);
        if (!endsSending || !plain.EndsWith(End, StringComparison.Ordinal) || !parking.EndsWith(End, StringComparison.Ordinal)) return false;
        var given = GivenUp().Match(plain) is { Success: true } gone ? plain[..gone.Index] : plain[..^End.Length];
        if (wire.StreamStart.Match(given) is { Success: true } start) given = given[..(start.Index + start.Length)];
        if (given.EndsWith(NotUnderstood, StringComparison.Ordinal)) given = given[..^NotUnderstood.Length];
        return parking.StartsWith(given, StringComparison.Ordinal);
    }

    /// <summary>Sends a script and returns everything that comes, up to the end of the connection or of what is compared of a stream, without what differs between any two servers.</summary>
    private async Task<string> AskAsync(LiveServer server, Script script, string[] channels, string what)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var got = new StringBuilder();
        try
        {
            await socket.ConnectAsync("127.0.0.1", Wire.PortOf(server), deadline.Token);
            socket.LingerState = new LingerOption(true, 0);
            await SendAsync(socket, script, deadline.Token);
            var buffer = new byte[16 << 10];
            string? mark = null;
            var (following, begun) = (0, "");
            while (await socket.ReceiveAsync(buffer, deadline.Token) is > 0 and var count)
            {
                got.Append(Encoding.Latin1.GetString(buffer, 0, count));
                var text = got.ToString();
                if (script.EndsSending) continue;

                // Where one chunk ends and the next begins may be anywhere, so it is looked for in what they hold.
                var plain = Plain(text);
                if (mark is null && Wire.StreamStart.Match(plain) is { Success: true } start)
                {
                    // What bytes of chance follow is not known: its beginning alone is compared.
                    if (!script.IsWhole || script.NamesOther) return $"{plain[..(start.Index + start.Length)]}\n(a stream)";
                    mark = $"the end of {what}";
                    begun = start.Value;
                    following = Wire.ChannelsOf(begun);
                    foreach (var channel in channels) await PublishAsync(server, channel, mark);
                }

                if (mark is not null && (text.EndsWith("\n\r\n", StringComparison.Ordinal) || text.EndsWith(Wire.EndOf(begun), StringComparison.Ordinal)) && Regex.Count(plain, Regex.Escape(mark + "\"")) >= following)
                    return $"{(following > 1 ? ByChannel(plain) : plain)}\n(a stream)";
            }
        }
        catch (SocketException)
        {
            // Closed by a reset.
        }
        catch (OperationCanceledException)
        {
            var ends = got.ToString()[Math.Max(0, got.Length - 20)..];
            return $"{Plain(got.ToString())}\n{ends.Replace("\r", "\\r", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)}{NoEnd}";
        }

        return Plain(got.ToString()) + End;
    }

    private static async Task SendAsync(Socket socket, Script script, CancellationToken deadline)
    {
        try
        {
            foreach (var piece in script.Pieces)
            {
                // The end comes with the last of them, so that it has come when that one is looked at.
                if (script.EndsSending && piece == script.Pieces[^1]) RawHttp.Cork(socket);
                await socket.SendAsync(piece, deadline);
            }

            if (script.EndsSending) socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // It was refused before all was sent; the refusal can be read.
        }
    }

    /// <summary>The answers with their headers in order, their bodies put together, and nothing of what differs between two servers or two moments.</summary>
    internal static string Plain(string text)
    {
        var plain = new StringBuilder();
        for (var at = 0; at < text.Length;)
        {
            // The body of a callback has no line end, and answers are looked for where lines begin.
            if (plain.Length > 0 && plain[^1] != '\n') plain.Append('\n');
            var headEnd = text.IndexOf("\r\n\r\n", at, StringComparison.Ordinal);
            if (!text.AsSpan(at).StartsWith("HTTP/1.1 ") || headEnd < 0)
            {
                plain.Append("(no answer) ").Append(text, at, text.Length - at);
                break;
            }

            var lines = text[at..headEnd].Split("\r\n");
            var headers = lines[1..].Where(l => !l.StartsWith("Date: ", StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToArray();
            plain.Append(lines[0]).Append('\n').AppendJoin('\n', headers).Append("\n\n");
            at = headEnd + 4;
            if (headers.Contains("Transfer-Encoding: chunked"))
            {
                at = TakeChunks(text, at, plain);
            }
            else if (headers.FirstOrDefault(h => h.StartsWith("Content-Length: ", StringComparison.Ordinal)) is { } length && !text.AsSpan(at).StartsWith("HTTP/1.1 "))
            {
                var bytes = Math.Min(text.Length - at, int.Parse(length[16..], CultureInfo.InvariantCulture));
                plain.Append(text, at, bytes);
                at += bytes;
            }
            else if (headers.Contains("Connection: close") && !headers.Any(h => h.StartsWith("Content-Length: ", StringComparison.Ordinal)))
            {
                // Of HTTP/1.0: it ends with the connection.
                plain.Append(text, at, text.Length - at);
                at = text.Length;
            }
        }

        return Retry().Replace(Ticket().Replace(Time().Replace(Epoch().Replace(plain.ToString(), "EPOCH"), "\"time\":0"), "\"ticket\":\"\""), "retry: 0");
    }

    /// <summary>What was told of each channel, apart: which of them comes first, and which event has the id of all, depends on the moment.</summary>
    private static string ByChannel(string plain)
    {
        var lines = plain.Split('\n').Where(line => line.Length > 0 && !line.StartsWith("id: ", StringComparison.Ordinal)).ToLookup(line => line.StartsWith("data: ", StringComparison.Ordinal) || line[0] == '{');
        return string.Join('\n', lines[false].Concat(lines[true].OrderBy(line => Channel().Match(line).Value, StringComparer.Ordinal)));
    }

    private static int TakeChunks(string text, int at, StringBuilder plain)
    {
        while (at < text.Length)
        {
            var lineEnd = text.IndexOf("\r\n", at, StringComparison.Ordinal);
            if (lineEnd < 0 || !int.TryParse(text.AsSpan(at, lineEnd - at), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var size)) return at;
            at = lineEnd + 2;
            var taken = Math.Min(size, text.Length - at);
            plain.Append(text, at, taken);
            at = Math.Min(text.Length, at + taken + 2);
            if (size == 0) break;
        }

        return at;
    }

    [GeneratedRegex("(?<![a-z0-9])[a-z0-9]{10}(?=[:\"])")]
    private static partial Regex Epoch();

    [GeneratedRegex("\"time\":[0-9]+")]
    private static partial Regex Time();

    [GeneratedRegex("retry: [0-9]+")]
    private static partial Regex Retry();

    [GeneratedRegex("^HTTP/1.1 [2-9]", RegexOptions.Multiline)]
    private static partial Regex AnswerStart();

    /// <summary>How the web server ends a poll whose client it takes for gone.</summary>
    [GeneratedRegex("^HTTP/1.1 200 OK\n([^\n]+\n)*?Content-Length: 0\n", RegexOptions.Multiline)]
    private static partial Regex GivenUp();

    [GeneratedRegex("\"ticket\":\"[^\"]*\",\"expires\":[0-9]+")]
    private static partial Regex Ticket();

    [GeneratedRegex("\"channel\":\"[^\"]*\"")]
    private static partial Regex Channel();

    /// <summary>What a client sends on one connection.</summary>
    /// <param name="Pieces">What it sends, each in a packet of its own.</param>
    /// <param name="EndsSending">Whether it then ends its side.</param>
    /// <param name="IsWhole">Whether the requests were made on purpose, so that a stream is one of a channel that is known.</param>
    /// <param name="Wire">What they ask for.</param>
    private sealed record Script(IReadOnlyList<byte[]> Pieces, bool EndsSending, bool IsWhole, ParkingWire Wire)
    {
        /// <summary>Whether a stream may be one of a channel that all lanes share.</summary>
        public bool NamesOther { get; } = Encoding.Latin1.GetString([.. Pieces.SelectMany(p => p)]) is var text && (Wire.NamesOther(text) || text.Contains('#', StringComparison.Ordinal));

        public static Script Make(Random random, string[] channels, ParkingWire wire, Func<Random, ParkingCaller> caller, ParkingCaller good)
        {
            var request = wire.Next(random, channels, caller);
            var last = Encoding.Latin1.GetBytes(Last);
            switch (random.Next(10))
            {
                case 0:
                    return new Script([[.. random.Mutate(request), .. last]], EndsSending: false, IsWhole: false, wire);
                case 1:
                    return new Script([request[..random.Next(1, request.Length)]], EndsSending: true, IsWhole: true, wire);
                case 2:
                    return new Script([[.. Enumerable.Range(0, random.Next(MaxPipelined)).SelectMany(_ => wire.Next(random, channels, caller)), .. request, .. last]], EndsSending: false, IsWhole: true, wire);
                case 3:
                    var poll = Encoding.Latin1.GetBytes($"GET {wire.Waiting(channels[0])} HTTP/1.1\r\nHost: {good.Host}\r\n{string.Concat(good.Lines.Select(line => line + "\r\n"))}\r\n");
                    return new Script([poll, [.. request, .. last]], EndsSending: false, IsWhole: true, wire);
                case 4:
                    return new Script([.. request.Concat(last).Select(b => (byte[])[b])], EndsSending: false, IsWhole: true, wire);
                case 5:
                    return new Script([request], EndsSending: true, IsWhole: true, wire);
                case 6:
                    // In three pieces, cut anywhere, behind another request.
                    byte[] all = [.. wire.Next(random, channels, null), .. request, .. last];
                    var (cut, next) = (random.Next(1, all.Length - 1), random.Next(1, all.Length - 1));
                    if (cut > next) (cut, next) = (next, cut);
                    return new Script([.. ((byte[][])[all[..cut], all[cut..next], all[next..]]).Where(piece => piece.Length > 0)], EndsSending: false, IsWhole: true, wire);
                case 7:
                    // Behind a request that is answered, and with the end in its packet.
                    return new Script([[.. wire.Next(random, channels, null), .. random.Mutate(request)]], EndsSending: true, IsWhole: false, wire);
                default:
                    return new Script([[.. request, .. last]], EndsSending: false, IsWhole: true, wire);
            }
        }
    }
}
