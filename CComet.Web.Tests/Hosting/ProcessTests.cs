using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Hosting;

/// <summary>The server as a process: what it says when it cannot start, what it logs, and how it stops.</summary>
public sealed class ProcessTests
{
    [Theory]
    [InlineData("Poll:Timeout", "abc")]
    [InlineData("Poll:Timeot", "00:00:20")]
    public async Task Setting_that_cannot_hold_stops_the_start_with_one_clear_line(string setting, string value)
    {
        await using var server = ServerProcess.Start($"--CComet:{setting}={value}");
        Assert.Equal(1, await server.ExitAsync());
        var line = Assert.Single(server.Errors);
        Assert.StartsWith("CComet cannot start: ", line, StringComparison.Ordinal);
        Assert.Contains(setting.Split(':')[1], line, StringComparison.Ordinal);
        Assert.DoesNotContain(server.Output, l => l.Contains("   at ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Redis_that_is_not_described_well_stops_the_start_with_one_clear_line()
    {
        await using var server = ServerProcess.Start("--CComet:Store:Kind=Redis", "--CComet:Store:Redis=nowhere,whatever=7");
        Assert.NotEqual(0, await server.ExitAsync());
        Assert.Contains("Store:Redis", Assert.Single(server.Errors), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_as_delivered_keeps_its_messages_in_a_file_below_its_folder_and_has_them_after_a_restart()
    {
        var folder = Directory.CreateTempSubdirectory("ccomet-default-");
        File.Copy(Path.Combine(Path.GetDirectoryName(typeof(Program).Assembly.Location)!, "appsettings.json"), Path.Combine(folder.FullName, "appsettings.json"));
        var settings = new[] { "--CComet:Store:Kind=Sqlite", $"--contentRoot={folder.FullName}" };
        for (var seqid = 0; seqid < 2; seqid++)
        {
            await using var server = ServerProcess.Start(settings);
            using var http = await server.ClientAsync();
            Assert.Equal(seqid, (await http.PublishAsync("c", $"{seqid}")).GetProperty("seqid").GetInt64());
            Assert.True(File.Exists(Path.Combine(folder.FullName, "data", "ccomet.db")));
            server.Terminate();
            Assert.Equal(0, await server.ExitAsync());
        }

        Assert.DoesNotContain(Directory.GetFiles(Path.Combine(folder.FullName, "data")), f => f.EndsWith("-wal", StringComparison.Ordinal));
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Log_has_the_path_of_a_request_and_nothing_of_what_was_said()
    {
        const string Secret = "s3cret";
        await using var server = ServerProcess.Start();
        using var http = await server.ClientAsync();
        await http.PublishAsync($"c-{Secret}", Secret, ("sname", Secret), ("id", Secret));
        await http.AskAsync($"/pub?channel=c&{Secret}", Asking.Body(Secret, "text/plain"));
        await http.AskAsync("/pub", Asking.Body($$"""{"channel":"{{Secret}}","msg":"{{Secret}}","sname":"{{Secret}}\u0000"}"""));
        await http.AskAsync($"/sign?channel={Secret}&sname={Secret}");
        await http.AskAsync($"/sub?channel={Secret}&seqid=0&epoch={Secret}");
        await http.AskAsync($"/sub?channel={Secret}&seqid={Secret}&callback={Secret}..");
        await http.AskAsync($"/sub?channel={Secret}&seqid=77");
        await http.AskAsync("/nowhere/last");
        await Eventually.TrueAsync(() => server.Output.Any(l => l.Contains("/nowhere/last", StringComparison.Ordinal)), "Logging of the last request");
        Assert.Contains(server.Output, l => l.Contains("/pub", StringComparison.Ordinal));
        Assert.DoesNotContain(server.Output.Concat(server.Errors), l => l.Contains(Secret, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Every_request_has_one_line_whichever_way_it_is_written()
    {
        await using var server = ServerProcess.Start();
        using var http = await server.ClientAsync();

        // As they stand: HttpClient would write them plainly. On one connection, on which a request's line is written before the next is read.
        using var raw = await RawHttp.ConnectAsync(http.BaseAddress!.Port);
        foreach (var path in new[] { "/sub", "/SUB", "/sub/", "/%73ub", "/pub", "/nowhere/first", "/nowhere/last" }) await raw.GetAsync($"{path}?wait=0");
        await Eventually.TrueAsync(() => server.Output.Any(l => l.Contains("/nowhere/last", StringComparison.Ordinal)), "Logging of the last request");
        Assert.Equal(
            ["/sub 400", "/SUB 404", "/sub/ 404", "/%73ub 404", "/pub 400", "/nowhere/first 404", "/nowhere/last 404"],
            server.Output.Where(l => l.Contains(" HTTP ", StringComparison.Ordinal)).Select(l => l.Split(' ')).Select(w => $"{w[^6]} {w[^4]}"));
    }

    [Fact]
    public async Task Line_break_in_a_path_does_not_make_a_line_of_the_log()
    {
        await using var server = ServerProcess.Start();
        using var http = await server.ClientAsync();
        await http.AskAsync("/a%0D%0A12:00:00.000%20INF%20forged%1B%5B31m");
        await http.AskAsync("/nowhere/last");
        await Eventually.TrueAsync(() => server.Output.Any(l => l.Contains("/nowhere/last", StringComparison.Ordinal)), "Logging of the last request");
        Assert.DoesNotContain(server.Output, l => l.StartsWith("12:00:00.000 INF forged", StringComparison.Ordinal) || l.Contains('\x1b', StringComparison.Ordinal));
    }

    [Fact]
    public async Task Settings_come_from_the_command_line_and_the_chat_page_is_announced()
    {
        await using var server = ServerProcess.Start("--CComet:Limits:MessageBytes=3");
        using var http = await server.ClientAsync();
        (await http.AskAsync("/pub?channel=c&msg=1234")).AssertProblem(413, "msg");
        await Eventually.TrueAsync(() => server.Output.Any(l => l.Contains("/chat.html", StringComparison.Ordinal)), "Announcing of the chat page");
    }

    [Fact]
    public async Task Server_told_to_stop_answers_its_parked_polls_and_exits_with_0()
    {
        if (OperatingSystem.IsWindows()) return;

        // Nothing but the end of the server can end these polls.
        await using var server = ServerProcess.Start("--CComet:Poll:Timeout=00:10:00");
        using var http = await server.ClientAsync();
        await http.PublishAsync("c", "m");
        var polls = Enumerable.Range(0, 20).Select(i => http.AskAsync($"/sub?channel=c&seqid=1&sname={i}")).ToArray();

        // Each of them stands in its place once a second of the same name has taken it.
        var newer = Enumerable.Range(0, 20).Select(i => http.AskAsync($"/sub?channel=c&seqid=1&sname={i}")).ToArray();
        var replaced = await Task.WhenAll(polls.Zip(newer, async (a, b) => await await Task.WhenAny(a, b)));
        Assert.All(replaced, answer => Assert.Equal(409, answer.Status));

        server.Terminate();
        foreach (var answer in (await Task.WhenAll(polls.Concat(newer))).Where(a => a.Status != 409)) Assert.Empty(answer.Elements);
        Assert.Equal(0, await server.ExitAsync());
        Assert.Empty(server.Errors);
    }
}
