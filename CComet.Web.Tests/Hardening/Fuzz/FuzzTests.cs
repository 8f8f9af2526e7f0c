using System.Diagnostics;
using System.Globalization;
using System.Text;
using CComet.Dialects.Native;
using CComet.Web.Hosting;
using CComet.Web.Hosting.Settings;
using CComet.Web.Tests.Docs;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Xunit.Abstractions;

namespace CComet.Web.Tests.Hardening.Fuzz;

/// <summary>
/// Generated requests, frames and settings: never a 5xx, never silence, every answer in the form of the contract, memory in proportion to
/// what was sent, and a server that works as before. <c>CCOMET_FUZZ_RUNS</c> sets how many cases there are in all (a million take about
/// ten minutes on two cores); they print their seed, which <c>CCOMET_FUZZ_SEED</c> replays.
/// </summary>
[Collection(Alone.Name)]
public sealed class FuzzTests(ITestOutputHelper output)
{
    private const int UsualCases = 6_000;

    /// <summary>The usual cases are the same every time.</summary>
    private const int UsualSeed = 20141125;

    private const int Lanes = 64;
    private const int MaxPipelined = 6;

    /// <summary>How many times a run tells how it goes.</summary>
    private const int Reports = 20;

    private static readonly string[] Quick =
    [
        "CComet:Poll:Timeout=00:00:00.1", "CComet:Limits:Channels=200", "CComet:Limits:IdleChannel=00:00:01", "CComet:Limits:IdsPerChannel=1000",
        "CComet:History:MaxMessages=50", "CComet:History:MaxBytes=16384",
    ];

    private readonly int _cases = Environment.GetEnvironmentVariable("CCOMET_FUZZ_RUNS") is { } runs ? int.Parse(runs, CultureInfo.InvariantCulture) : UsualCases;
    private readonly int _seed = SeedOf(Environment.GetEnvironmentVariable("CCOMET_FUZZ_SEED"), Environment.GetEnvironmentVariable("CCOMET_FUZZ_RUNS") is not null);
    private int _done;
    private int _total;

    [Fact]
    public async Task Requests_are_answered_and_never_with_a_5xx()
    {
        await using var server = await LiveServer.StartAsync(Quick);
        await RunAsync(_cases * 6 / 10, (first, last) => RequestsAsync(server.Port, first, last));
        await StillWorksAsync(server);
    }

    [Fact]
    public async Task Frames_are_answered_or_end_the_connection_by_the_protocol()
    {
        await using var server = await LiveServer.StartAsync(Quick);
        await RunAsync(_cases / 10, async (first, last) =>
        {
            for (var i = first; i < last; i++) await FramesAsync(server.Port, i);
        });
        await StillWorksAsync(server);
    }

    [Fact]
    public void Request_allocates_in_proportion_to_what_was_sent()
    {
        // Once before what is counted, for what is made once in a process; then a case over the bound is asked again, for what a pool
        // or a list made for all that follow.
        const int PerByte = 64;
        const int Beside = 32 << 10;
        using var factory = new CCometFactory(Quick);
        var call = new DirectCall(factory);
        Report(_cases / 4);
        for (var i = 0; i < _cases / 4; i++, Count(_cases / 4))
        {
            var request = RequestGenerator.Storing(new Random(unchecked(_seed + i)));
            var coding = request.Header("Content-Encoding");
            var sent = request.Query.Length + (coding is null ? request.Body.Length : WireLimits.MaxBodyBytes(new LimitOptions()));
            var last = default(DirectCall.Result);
            var isBounded = false;
            for (var time = 0; time < 3 && !isBounded; time++)
            {
                last = call.Ask(request.Path, request.Query, request.Method == "POST" ? request.Body : null, request.Header("Content-Type"), coding);
                isBounded = last.Allocated <= ((long)sent * PerByte) + (3L * last.Answer.Bytes.Length) + Beside;
            }

            Assert.True(isBounded, Replay(i, $"{last.Allocated} bytes were allocated for {sent}", Encoding.Latin1.GetBytes($"{request.Query}\n{coding}\n{Encoding.Latin1.GetString(request.Body)}")));
            Assert.True(last.Answer.Status < 500, Replay(i, $"The status is {last.Answer.Status}", request.Body));
        }
    }

    [Fact]
    public async Task Settings_hold_or_are_refused_by_their_name()
    {
        var appsettings = Path.Combine(Documents.Root, "CComet.Web", "appsettings.json");
        var cases = _cases / 20;
        Report(cases);
        for (var i = 0; i < cases; i++, Count(cases))
        {
            var arguments = SettingGenerator.Make(new Random(unchecked(_seed + i)));
            try
            {
                CheckSettings(new ConfigurationBuilder().AddJsonFile(appsettings).AddCommandLine(arguments).Build());

                // Now and then by a whole server, which takes longer.
                if (i % 50 == 0) await StartAsync(arguments);
            }
            catch (Exception e) when (e is not StartException and not OptionsValidationException || !IsNamed(arguments, e.Message))
            {
                throw new InvalidOperationException(Replay(i, e.Message, Encoding.Latin1.GetBytes(string.Join('\n', arguments))), e);
            }
            catch (Exception e) when (e is StartException or OptionsValidationException)
            {
                // Refused by its name.
            }
        }
    }

    /// <summary>Checks settings as the start does: what the reader lets through must be fit for the records.</summary>
    private static void CheckSettings(IConfigurationRoot configuration)
    {
        var settings = SettingsReader.Read(configuration, SettingsCatalogue.Server);
        ThrowIfFailed<HubOptions>(new HubOptionsValidator().Validate(null, settings.Get<HubOptions>()!));
        settings.GetSection("Store").Get<StoreOptions>();
        ThrowIfFailed<ServerOptions>(new ServerOptionsValidator().Validate(null, settings.Get<ServerOptions>()!));
    }

    private static void ThrowIfFailed<T>(ValidateOptionsResult result)
    {
        if (result.Failed) throw new OptionsValidationException("", typeof(T), result.Failures);
    }

    private static async Task StartAsync(string[] arguments)
    {
        await using var server = await LiveServer.StartAsync([.. arguments.Select(a => a[2..]), "CComet:Store:Kind=Memory"]);
        Assert.Equal(200, (await server.Http.AskAsync("/health/ready")).Status);
    }

    private static bool IsNamed(string[] arguments, string text) => arguments.Any(a => text.Contains(NameOf(a), StringComparison.OrdinalIgnoreCase));

    private static int SeedOf(string? given, bool isLong) => given is not null ? int.Parse(given, CultureInfo.InvariantCulture) : isLong ? Random.Shared.Next() : UsualSeed;

    /// <summary>The last part of a setting's name.</summary>
    private static string NameOf(string argument) => argument[..argument.IndexOf('=', StringComparison.Ordinal)].Split(':').Last(part => part is not "0");

    /// <summary>Runs the cases in lanes beside each other; each case has its own chance, so that it is the same in whatever lane.</summary>
    private async Task RunAsync(int cases, Func<int, int, Task> lane)
    {
        Report(cases);
        _total = cases;
        await Parallel.ForAsync(0, Lanes, new ParallelOptions { MaxDegreeOfParallelism = Lanes }, async (i, _) =>
            await lane((int)((long)cases * i / Lanes), (int)((long)cases * (i + 1) / Lanes)));
    }

    private async Task RequestsAsync(int port, int first, int last)
    {
        FuzzConnection? connection = null;
        byte[] before = [];
        try
        {
            for (var i = first; i < last;)
            {
                if (connection is null) before = [];
                connection ??= await FuzzConnection.OpenAsync(port);
                var random = new Random(unchecked(_seed + i));
                if (random.Once(6))
                {
                    connection.Dispose();
                    connection = null;
                    await MutatedAsync(port, random, i++);
                    Count(_total);
                    continue;
                }

                // Some of them are sent one behind the other, before the first is answered.
                var requests = new List<(FuzzRequest Request, byte[] Bytes)>();
                for (var most = random.Once(4) ? random.Next(MaxPipelined) + 1 : 1; requests.Count < most && i + requests.Count < last;)
                {
                    var own = requests.Count == 0 ? random : new Random(unchecked(_seed + i + requests.Count));
                    var request = RequestGenerator.Any(own);
                    requests.Add((request, request.Bytes(own)));
                }

                if (!await AskAsync(connection, before, requests, i))
                {
                    connection.Dispose();
                    connection = null;
                }

                before = requests[^1].Bytes;
                for (var n = 0; n < requests.Count; n++) Count(_total);
                i += requests.Count;
            }
        }
        finally
        {
            connection?.Dispose();
        }
    }

    /// <summary>Asks, and checks every answer; false when the connection can take no more.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="before">The last request on it, which a failure may be due to.</param>
    /// <param name="requests">What is asked.</param>
    /// <param name="number">The number of the first case.</param>
    private async Task<bool> AskAsync(FuzzConnection connection, byte[] before, List<(FuzzRequest Request, byte[] Bytes)> requests, int number)
    {
        byte[] sent = [.. requests.SelectMany(r => r.Bytes)];
        try
        {
            var wasTaken = await connection.SendAsync(sent);
            for (var i = 0; i < requests.Count; i++)
            {
                var answer = await connection.AnswerAsync(requests[i].Request.Method == "HEAD");

                // A server that refuses a request and ends the connection may do so before it has read what comes behind.
                if (answer is null && wasTaken && requests.Count == 1) throw new InvalidDataException("There is no answer.");
                if (answer is null) return false;
                FuzzCheck.Answer(answer);
                if (answer.IsLast) return false;
            }

            return true;
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{Replay(number, e.Message, sent)}\nbehind\n{Shown(before)}", e);
        }
    }

    /// <summary>A request whose end cannot be told any more: what comes back, if anything does, must still be an answer.</summary>
    private async Task MutatedAsync(int port, Random random, int number)
    {
        var request = RequestGenerator.Any(random);
        var bytes = random.Mutate(request.Bytes(random));
        using var connection = await FuzzConnection.OpenAsync(port);
        try
        {
            await connection.SendAsync(bytes);
            connection.EndSending();
            var isHead = Encoding.Latin1.GetString(bytes).TrimStart().StartsWith("HEAD ", StringComparison.Ordinal);
            while (await connection.AnswerAsync(isHead) is { } answer)
            {
                FuzzCheck.Answer(answer);
                if (answer.IsLast) break;
                isHead = false;
            }
        }
        catch (Exception e) when (e is not EndOfStreamException)
        {
            throw new InvalidOperationException(Replay(number, e.Message, bytes), e);
        }
        catch (EndOfStreamException)
        {
            // The end of the request may have been taken for the client's going.
        }
    }

    private async Task FramesAsync(int port, int number)
    {
        var random = new Random(unchecked(_seed + number));
        var isGood = random.Once(2);
        var (frames, messages) = isGood ? FrameGenerator.Good(random) : (FrameGenerator.Bad(random), 0);
        var handshake = Encoding.ASCII.GetBytes($"GET /ws?channel={random.Pick("a", "b")}{random.Pick("", "&seqid=0", "&lastEventId=e:1")} HTTP/1.1\r\nHost: localhost\r\n{string.Concat(RawSocket.Upgrade.Select(h => h + "\r\n"))}\r\n");
        using var connection = await FuzzConnection.OpenAsync(port);
        try
        {
            // The frames may lie in the same packet as the handshake.
            await connection.SendAsync([.. handshake, .. frames]);
            var answer = await connection.AnswerAsync(isHead: false) ?? throw new InvalidDataException("There is no answer.");
            FuzzCheck.Answer(answer);
            if (answer.Status != 101) throw new InvalidDataException($"The status is {answer.Status}.");
            if (!isGood) connection.EndSending();
            var (texts, code) = FuzzCheck.Frames(await connection.RestAsync());

            // The cursor, and a receipt or a refusal for each message.
            if (isGood && (texts < messages + 1 || code is not (1000 or 1005))) throw new InvalidDataException($"{texts} frames came for {messages} messages, and the close code is {code}.");
        }
        catch (Exception e)
        {
            throw new InvalidOperationException(Replay(number, e.Message, frames), e);
        }

        Count(_total);
    }

    private static async Task StillWorksAsync(LiveServer server)
    {
        await Eventually.TrueAsync(() => server.Hub.SubscriberCount == 0, "Freeing of every subscriber");
        var receipt = await server.PublishAsync("a", "still here");
        Assert.Equal("still here", Assert.Single((await server.Http.PeekAsync("a", ("seqid", $"{receipt.GetProperty("seqid")}"))).Elements).GetProperty("msg").GetString());
        Assert.Equal(200, (await server.Http.AskAsync("/health/ready")).Status);
    }

    private void Report(int cases) => output.WriteLine($"{cases} cases from seed {_seed}");

    /// <summary>Counts a case, and tells now and then how much memory the process has: a long run shows whether it grows.</summary>
    private void Count(int cases)
    {
        var done = Interlocked.Increment(ref _done);
        if (done % Math.Max(1, cases / Reports) != 0) return;
        using var process = Process.GetCurrentProcess();
        output.WriteLine($"{done} cases: RSS {process.WorkingSet64 >> 20} MiB, heap {GC.GetTotalMemory(forceFullCollection: false) >> 20} MiB");
    }

    private string Replay(int number, string what, byte[] sent) =>
        $"{what}. Case {number}; replay with CCOMET_FUZZ_SEED={_seed} CCOMET_FUZZ_RUNS={_cases}:\n{Shown(sent)}";

    private static string Shown(byte[] sent) => Encoding.Latin1.GetString(sent, 0, Math.Min(sent.Length, 4_000));
}
