using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using CComet.Web.Tests.Contract.Faults;
using CComet.Web.Tests.Support;
using TwoNodes = CComet.Web.Tests.EndToEnd.Deploy.TwoNodes;

namespace CComet.Web.Tests.Clients.Java;

/// <summary>The Java client: its own tests, and its programs against real servers that are killed, behind a proxy that cuts.</summary>
public sealed class JavaClientTests(JavaBuild build) : IClassFixture<JavaBuild>
{
    private const int Cuts = 100;

    [Fact]
    public void Build_and_its_tests_succeed()
    {
        Assert.True(build.ExitCode == 0, build.Output);
        Assert.Contains("OK (", build.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Jar_is_of_Java_8_and_brings_its_rules_and_licence()
    {
        using var jar = ZipFile.OpenRead(build.Jar);
        Assert.NotNull(jar.GetEntry("META-INF/proguard/ccomet.pro"));
        Assert.NotNull(jar.GetEntry("META-INF/LICENSE"));
        var classes = jar.Entries.Where(e => e.FullName.EndsWith(".class", StringComparison.Ordinal)).ToArray();
        Assert.NotEmpty(classes);
        Assert.All(classes, entry =>
        {
            Assert.StartsWith("io/ccomet/", entry.FullName, StringComparison.Ordinal);
            using var stream = entry.Open();
            var head = new byte[8];
            stream.ReadExactly(head);
            Assert.Equal(52, head[7]);
        });
    }

    [Fact]
    public void Android_sample_compiles_against_the_stubs() =>
        Assert.Equal(["ChatActivity.class", "PushService.class"], Directory.GetFiles(Path.Combine(build.Target, "sample-android"), "*.class", SearchOption.AllDirectories)
            .Select(Path.GetFileName).Where(name => !name!.Contains('$', StringComparison.Ordinal) && name != "Push.class").Order(StringComparer.Ordinal));

    [Fact]
    public async Task Program_of_Java_8_uses_the_jar_by_the_documented_lines()
    {
        await using var server = await LiveServer.StartAsync();
        await using var program = build.Start("Documented", server.Url);
        await program.SucceedAsync();

        // The loop was left before the last message's cursor was saved, so the listener hears it again.
        Assert.Equal(["first", "last", "heard last", "2 false"], program.Lines);
    }

    [Fact]
    public async Task Console_sample_goes_on_where_it_was()
    {
        await using var server = await LiveServer.StartAsync();
        for (var i = 0; i < 2; i++)
        {
            await using (var publishing = build.Start("Console", server.Url, "room", $"hello {i}"))
            {
                await publishing.SucceedAsync();
                Assert.Equal([$"{i}"], publishing.Lines);
            }

            await using var following = build.Start("Console", server.Url, "room");
            await Eventually.TrueAsync(() => following.HasExited || following.Lines.Count > 0, "It prints what was published");
            var cursor = Path.Combine(build.Folder, "room.cursor");
            await Eventually.TrueAsync(() => following.HasExited || (File.Exists(cursor) && File.ReadAllText(cursor).EndsWith($":{i + 1}\n", StringComparison.Ordinal)), "It saves the cursor");
            Assert.Equal([$"hello {i}"], following.Lines);
        }
    }

    [Fact]
    public async Task Follower_and_publisher_lose_and_repeat_nothing_over_a_hundred_cuts_and_kills_of_a_SQLite_server()
    {
        const int Messages = 2_000;
        const int Kills = 3;
        const int Seed = 20;
        var folder = Directory.CreateTempSubdirectory("ccomet-java-kill-");
        string[] settings = ["--CComet:Store:Kind=Sqlite", $"--CComet:Store:Path={Path.Combine(folder.FullName, "ccomet.db")}", "--CComet:Stream:Heartbeat=00:00:00.5", "--CComet:History:MaxMessages=1000000", "--Serilog:MinimumLevel:Default=Warning", "--Serilog:MinimumLevel:Override:Microsoft.Hosting.Lifetime=Information"];
        var server = await ServerProgram.StartAsync("http", settings);
        var port = server.Port;
        try
        {
            await using var proxy = new FaultProxy(_ => port, new Random(Seed)) { MostFaults = Cuts };
            var url = $"http://127.0.0.1:{proxy.Port}";
            await using var following = build.Start("Follow", url, "killed", $"{Messages}");
            await using var publishing = build.Start("Publish", url, "killed", $"{Messages}");
            for (var kill = 1; kill <= Kills; kill++)
            {
                var goal = kill * Messages / (Kills + 1);
                await ReachAsync(publishing, goal);
                Assert.False(publishing.HasExited, publishing.Complaints);

                // Disposing of the process kills it, in the middle of whatever it does.
                await server.DisposeAsync();
                server = await ServerProgram.StartAsync("http", [$"--urls=http://127.0.0.1:{port}", .. settings]);
            }

            await ReachAsync(publishing, Messages);
            await publishing.SucceedAsync();
            await ReachAsync(following, Messages + 2);
            await following.SucceedAsync();
            Check(Messages, following, publishing);
            Assert.True(proxy.Connections >= Cuts, $"Only {proxy.Connections} connections were made.");
        }
        finally
        {
            await server.DisposeAsync();
        }

        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Follower_and_publisher_lose_and_repeat_nothing_when_one_of_two_nodes_is_killed()
    {
        const int Messages = 1_000;
        await using var nodes = await TwoNodes.StartAsync("CComet__Stream__Heartbeat=00:00:00.5");
        var url = $"http://127.0.0.1:{nodes.Port}";
        await using var following = build.Start("Follow", url, "nodes", $"{Messages}");
        await using var publishing = build.Start("Publish", url, "nodes", $"{Messages}");
        await ReachAsync(publishing, Messages / 4);
        await ReachAsync(following, Messages / 8);
        Assert.False(publishing.HasExited, publishing.Complaints);
        await nodes.KillAsync("node-1");
        await ReachAsync(publishing, Messages);
        await publishing.SucceedAsync();
        await ReachAsync(following, Messages + 2);
        await following.SucceedAsync();
        Check(Messages, following, publishing);
    }

    [Fact]
    public async Task Memory_is_level_over_an_hour_of_traffic()
    {
        // 100 MB in a heap of 24 MB.
        const int Requests = 100;
        const int MessagesOfARequest = 1_000;
        await using var server = await LiveServer.StartAsync(0, new CCometFactory("CComet:History:MaxMessages=1000000", "CComet:History:MaxBytes=1000000000", "CComet:Limits:ChannelMemoryBytes=1000000000"));
        await using var following = build.StartWith(["-Xmx24m", "-XX:+UseSerialGC"], "Follow", server.Url, "much", $"{Requests * MessagesOfARequest}", "quiet");
        using var http = new HttpClient();
        var text = new string('x', 1_000);
        for (var i = 0; i < Requests; i++)
        {
            using var body = new StringContent(JsonSerializer.Serialize(Enumerable.Repeat(new { msg = text }, MessagesOfARequest)), Encoding.UTF8, "application/json");
            using var answer = await http.PostAsync(new Uri($"{server.Url}/pub?channel=much"), body);
            Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        }

        await following.SucceedAsync();
        Assert.Equal([$"came {Requests * MessagesOfARequest}", "nothing is left"], following.Lines);
    }

    /// <summary>Waits until a program has printed so many lines; each may take its time.</summary>
    private static async Task ReachAsync(RunningProgram program, int lines)
    {
        while (!program.HasExited && program.Lines.Count < lines)
        {
            var before = program.Lines.Count;
            await Eventually.TrueAsync(() => program.HasExited || program.Lines.Count > before || program.Lines.Count >= lines, $"Line {before + 1} of {lines}");
        }
    }

    /// <summary>Each message came once, in order and as it was published; the stopped client left no thread and no socket.</summary>
    private static void Check(int messages, RunningProgram following, RunningProgram publishing)
    {
        Assert.Equal(Enumerable.Range(0, messages).Select(i => i.ToString(CultureInfo.InvariantCulture)), publishing.Lines);
        Assert.Equal(Enumerable.Range(0, messages).Select(i => $"{i} m{i}").Concat([$"came {messages}", "nothing is left"]), following.Lines);
    }
}
