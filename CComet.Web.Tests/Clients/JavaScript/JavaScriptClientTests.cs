using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Net.Http.Json;
using System.Text.Json;
using CComet.Web.Tests.EndToEnd.Browser;
using CComet.Web.Tests.Support;
using Xunit.Abstractions;

namespace CComet.Web.Tests.Clients.JavaScript;

/// <summary>The client for npm: its package, and what it does on Node when connections and servers break.</summary>
public sealed class JavaScriptClientTests(JavaScriptPackage package, ITestOutputHelper output) : IClassFixture<JavaScriptPackage>
{
    private static readonly string[] Sqlite =
    [
        "--CComet:Store:Kind=Sqlite", "--CComet:History:MaxMessages=100000", "--CComet:Poll:Timeout=00:00:00.3", "--CComet:Stream:Heartbeat=00:00:00.1",
    ];

    [Fact]
    public async Task Unit_tests_pass()
    {
        var told = await JavaScriptPackage.RunAsync(JavaScriptPackage.Source, "node", "--test", "test/client.test.mjs", "test/parsers.test.mjs");
        output.WriteLine(string.Join('\n', told.Split('\n').Where(line => line.StartsWith("# ", StringComparison.Ordinal))));
        Assert.Contains("# fail 0", told, StringComparison.Ordinal);
        Assert.DoesNotContain("# pass 0\n", told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bundle_that_the_server_ships_is_built_of_the_source()
    {
        var built = Path.Combine(package.Folder, "ccomet.js");
        await JavaScriptPackage.RunAsync(JavaScriptPackage.Source, "node", "build.mjs", "bundle", built);

        foreach (var file in (string[])["ccomet.js", "ccomet.d.ts"])
        {
            var fresh = await File.ReadAllBytesAsync(Path.Combine(package.Folder, file));
            var shipped = await File.ReadAllBytesAsync(Path.Combine(Chromium.Root, "CComet.Web", "wwwroot", "js", file));
            Assert.True(
                fresh.SequenceEqual(shipped),
                $"CComet.Web/wwwroot/js/{file} is not what clients/js builds: npm run build --prefix clients/js");
        }
    }

    [Fact]
    public async Task Package_is_in_order()
    {
        await JavaScriptPackage.RunAsync(JavaScriptPackage.Source, JavaScriptPackage.Tool("publint"), package.Archive, "--strict");
        await JavaScriptPackage.RunAsync(JavaScriptPackage.Source, JavaScriptPackage.Tool("attw"), package.Archive);
    }

    [Theory]
    [InlineData("core", "export { connect } from 'ccomet'", 6_000)]
    [InlineData("all transports", "export { connect, jsonp, sse, websocket } from 'ccomet'", 10 * 1024)]
    [InlineData("core and tabs", "export { connect, tabs } from 'ccomet'", 11 * 1024)]
    [InlineData("all", "export * from 'ccomet'", 12 * 1024)]
    public async Task Package_is_small(string what, string use, int limit)
    {
        var entry = Path.Combine(package.Consumer, $"{limit}.mjs");
        await File.WriteAllTextAsync(entry, use);
        await JavaScriptPackage.RunAsync(package.Consumer, JavaScriptPackage.Tool("esbuild"), entry, "--bundle", "--minify", "--format=esm", "--target=es2022", $"--outfile={entry}.out", "--log-level=warning");
        using var compressed = new MemoryStream();
        await using (var gzip = new GZipStream(compressed, CompressionLevel.SmallestSize, leaveOpen: true)) await gzip.WriteAsync(await File.ReadAllBytesAsync($"{entry}.out"));
        output.WriteLine($"{what}: {compressed.Length} bytes gzipped");

        Assert.InRange(compressed.Length, 1_000, limit);
    }

    [Fact]
    public async Task Strict_consumer_compiles()
    {
        await File.WriteAllTextAsync(Path.Combine(package.Consumer, "use.ts"), """
            import { connect, CCometError, GapError, sse, tabs, type Message } from 'ccomet';
            import { CComet } from 'ccomet/page';

            const c = connect('https://push.example', { token: async () => 'a.b.c', transport: sse, tabs, headers: { 'X-A': '1' }, signal: AbortSignal.timeout(1) });
            let saved: string | undefined;
            for await (const m of c.subscribe<{ text: string }>('lobby', { from: saved ?? 'start' })) { console.log(m.msg.text.length); saved = m.cursor; }
            const receipt = await c.publish('lobby', { text: 'hi' });
            const room = c.subscribe('lobby', { onGap: gap => console.log(gap.from.toFixed(), gap.to?.toFixed(), gap.cursor) });
            const stop: () => void = room.on('message', (message: Message) => console.log(message.seqid));
            room.once('error', error => console.log(error instanceof CCometError, error instanceof GapError, error.status));
            room.addEventListener('message', stop);
            await room.opened;
            console.log(receipt.seqid, receipt.duplicate ?? false, room.cursor?.length, room.state === 'open');
            new CComet({ channel: 'lobby', tabs: true }).close();
            c.close();

            // @ts-expect-error there is no such transport
            connect('/', { transport: 'pigeon' });
            // @ts-expect-error tabs are an import
            connect('/', { tabs: true });
            // @ts-expect-error there is no such event
            room.on('massage', () => {});
            // @ts-expect-error a channel is a text
            c.subscribe(5);
            """);
        await File.WriteAllTextAsync(Path.Combine(package.Consumer, "use.cts"), """
            import ccomet = require('ccomet');

            ccomet.connect('https://push.example').close();
            """);
        foreach (var module in (string[])["nodenext", "esnext"])
        {
            var resolution = module == "esnext" ? "bundler" : "nodenext";
            string[] files = module == "esnext" ? ["use.ts"] : ["use.ts", "use.cts"];
            await JavaScriptPackage.RunAsync(
                package.Consumer, JavaScriptPackage.Tool("tsc"), ["--noEmit", "--strict", "--target", "es2022", "--module", module, "--moduleResolution", resolution, "--lib", "es2023,dom", .. files]);
        }
    }

    [Theory]
    [InlineData("documented.mjs", "import { connect } from 'ccomet'")]
    [InlineData("documented.cjs", "const { connect } = require('ccomet')")]
    public async Task Documented_lines_work_as_they_stand(string file, string import)
    {
        await using var server = await LiveServer.StartAsync();
        await server.PublishAsync("lobby", new { text = "first" });
        await File.WriteAllTextAsync(Path.Combine(package.Consumer, file), $$"""
            {{import}}
            const main = async () => {
              let saved, both = 0
              const seen = () => { if (++both === 2) c.close() }
              const fetchToken = async () => null, show = msg => { console.log(msg.text); if (msg.text === 'hi') seen() }
              const c = connect('{{server.Url}}', { token: () => fetchToken() })
              setTimeout(async () => {
            await c.publish('lobby', { text: 'hi' })                     // makes its own id, retries safely, gives the receipt
                seen()
              })
            for await (const m of c.subscribe('lobby', { from: saved ?? 'start' })) { show(m.msg); saved = m.cursor }
            c.close()
              console.log(saved.split(':')[1])
            }
            main()
            """);

        Assert.Equal("first\nhi\n2\n", await JavaScriptPackage.RunAsync(package.Consumer, "node", file));
    }

    [Theory]
    [InlineData("stream", 100)]
    [InlineData("poll", 100)]

    // After each cut the server has a client of server-sent events wait for one to two seconds.
    [InlineData("sse", 10)]
    public async Task Nothing_is_lost_or_repeated_over_cuts(string transport, int cuts)
    {
        const int Seed = 20;
        var random = new Random(Seed);
        await using var server = await LiveServer.StartAsync("CComet:History:MaxMessages=100000", "CComet:History:MaxBytes=100000000");
        await using var relay = new Relay(server.Port, Enumerable.Range(0, cuts).Select(_ => random.Next(1, 2_000)));
        var count = 0;
        await server.PublishAsync("a", "0");
        await using var client = Follow(relay.Url, transport, 1_000_000);
        for (var cut = 1; cut <= cuts; cut++)
        {
            // More than an answer that is cut lets through.
            for (var i = 0; i < 5; i++) await server.PublishAsync("a", new string('☄', random.Next(150, 250)));
            count += 5;
            var wanted = cut;
            await Eventually.TrueAsync(() => client.HasExited || relay.Cuts >= wanted, $"Cut {wanted}");
            Assert.False(client.HasExited, client.Complaints);
        }

        for (var i = 0; i < 10; i++) await server.PublishAsync("a", $"{++count}");
        await ExpectAsync(client, count, $"{cuts} cuts, seed {Seed}");
    }

    [Fact]
    public async Task Nothing_is_lost_or_repeated_when_a_server_on_sqlite_is_killed()
    {
        var folder = Directory.CreateTempSubdirectory("ccomet-js-");
        string[] settings = [.. Sqlite, $"--CComet:Store:Path={Path.Combine(folder.FullName, "ccomet.db")}", "--CComet:Auth:Mode=Open"];
        var server = await ServerProgram.StartAsync("http", settings);
        var port = server.Port;
        try
        {
            using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
            var last = await PublishAsync(http, 1);
            await using var client = Follow($"http://127.0.0.1:{port}", "stream", 1_000_000);
            for (var round = 0; round < 3; round++)
            {
                last = await PublishAsync(http, 50);
                await Eventually.TrueAsync(() => client.HasExited || client.Lines.Count > last / 2, "It follows");

                // Disposing of the process kills it.
                await server.DisposeAsync();
                server = await ServerProgram.StartAsync("http", [$"--urls=http://127.0.0.1:{port}", .. settings]);
            }

            last = await PublishAsync(http, 50);
            await ExpectAsync(client, (int)last, "3 kills");
        }
        finally
        {
            await server.DisposeAsync();
        }

        folder.Delete(recursive: true);
    }

    private static RunningProgram Follow(string url, string transport, int last) =>
        RunningProgram.Start("node", "nodejs", JavaScriptPackage.Source, "test/follow.mjs", url, "a", transport, last.ToString(CultureInfo.InvariantCulture));

    private static async Task<long> PublishAsync(HttpClient http, int count)
    {
        var seqid = 0L;
        for (var i = 0; i < count; i++)
        {
            using var answer = await http.PostAsJsonAsync("/pub", new { channel = "a", msg = "☄" });
            answer.EnsureSuccessStatusCode();
            seqid = (await answer.Content.ReadFromJsonAsync<JsonElement>())[0].GetProperty("seqid").GetInt64();
        }

        return seqid;
    }

    private async Task ExpectAsync(RunningProgram client, int last, string what)
    {
        await Eventually.TrueAsync(() => client.HasExited || client.Lines.Count > last, $"{last + 1} messages after {what}");
        Assert.False(client.HasExited, client.Complaints);
        Assert.Equal(Enumerable.Range(0, last + 1).Select(i => $"{i}"), client.Lines);
        output.WriteLine($"{client.Lines.Count} messages, {what}: 0 lost, 0 repeated");
    }
}

/// <summary>The package as npm makes it, and a project that has it installed.</summary>
public sealed class JavaScriptPackage : IAsyncLifetime
{
    public static string Source { get; } = Path.Combine(Chromium.Root, "clients", "js");

    public string Folder { get; } = Directory.CreateTempSubdirectory("ccomet-npm-").FullName;

    public string Archive { get; private set; } = "";

    public string Consumer => Path.Combine(Folder, "consumer");

    public static string Tool(string name) => Path.Combine(Source, "node_modules", ".bin", name);

    /// <summary>Runs a program to its good end, and gives what it printed.</summary>
    public static async Task<string> RunAsync(string folder, string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var complaints = process.StandardError.ReadToEndAsync();
        var told = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} failed: {told} {await complaints}");
        return told;
    }

    public async Task InitializeAsync()
    {
        Assert.True(Directory.Exists(Path.Combine(Source, "node_modules")), "clients/js has no node_modules: npm ci --prefix clients/js");
        Assert.True(Directory.Exists(Path.Combine(Source, "dist")), "clients/js has no dist: npm run build --prefix clients/js");

        // Not built again: other tests run what was built.
        var packed = await RunAsync(Source, "npm", "pack", "--ignore-scripts", "--json", "--silent", "--pack-destination", Folder);
        Archive = Path.Combine(Folder, JsonDocument.Parse(packed[packed.IndexOf('[', StringComparison.Ordinal)..]).RootElement[0].GetProperty("filename").GetString()!);
        Directory.CreateDirectory(Consumer);
        await File.WriteAllTextAsync(Path.Combine(Consumer, "package.json"), """{ "name": "consumer", "private": true, "type": "module" }""");
        await RunAsync(Consumer, "npm", "install", "--offline", "--no-audit", "--no-fund", Archive);
    }

    public Task DisposeAsync()
    {
        Directory.Delete(Folder, recursive: true);
        return Task.CompletedTask;
    }
}
