using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Clients.Samples;

/// <summary><c>samples/MauiConsole</c>, run by the command of its README, and used as a phone uses it.</summary>
public sealed class MauiConsoleTests
{
    private static readonly Sample Console = new("MauiConsole");

    [Fact]
    public async Task View_shows_each_message_once_over_suspensions_a_killed_server_and_a_killed_application()
    {
        await using var server = await KilledServer.StartAsync();
        var first = Start(server);
        await using (first)
        {
            await SaysAsync(first, "[open]", 1);
            await first.WriteLineAsync("hello");
            await ShowsAsync(first, 1);
            await first.WriteLineAsync("/suspend");
            await SaysAsync(first, "[suspended]", 1);
            for (var i = 0; i < 3; i++) await server.PublishAsync("lobby", $"away {i}");
            await first.WriteLineAsync("/resume");
            await ShowsAsync(first, 4);

            // Without a pause between them, as when a user switches applications.
            await first.WriteLineAsync("/suspend");
            await first.WriteLineAsync("/resume");
            await SaysAsync(first, "[open]", 3);
            await server.KillAsync();
            await server.StartAgainAsync();
            Assert.Equal(4, await server.PublishAsync("lobby", "restarted"));
            await ShowsAsync(first, 5);
            await first.UntilAsync(() => File.ReadAllText(CursorOf(server)).EndsWith(":5\n", StringComparison.Ordinal), "The cursor");
        }

        // Disposing of the program has killed it.
        await server.PublishAsync("lobby", "ended");
        await using var second = Start(server);
        await ShowsAsync(second, 1);
        await second.WriteLineAsync("/quit");
        await second.SucceedAsync();

        Assert.Equal(["hello", "away 0", "away 1", "away 2", "restarted", "ended"], Shown(first).Concat(Shown(second)));
        Assert.Equal("", first.Complaints + second.Complaints);
    }

    [Fact]
    public async Task View_shows_a_gap_in_its_place()
    {
        await using var server = await KilledServer.StartAsync("--CComet:History:MaxMessages=2");
        await using var view = Start(server);
        await SaysAsync(view, "[open]", 1);
        await view.WriteLineAsync("0");
        await ShowsAsync(view, 1);
        await view.WriteLineAsync("/suspend");
        await SaysAsync(view, "[suspended]", 1);
        for (var i = 1; i <= 4; i++) await server.PublishAsync("lobby", $"{i}");
        await view.WriteLineAsync("/resume");
        await ShowsAsync(view, 4);
        Assert.Equal(["0", "(Messages 1 to 2 are lost.)", "3", "4"], Shown(view));
    }

    private static RunningProgram Start(KilledServer server) =>
        RunningProgram.Start("dotnet", "dotnet-sdk-10.0", server.Folder, [Console.Program, .. Console.Arguments("dotnet run --project samples/MauiConsole", server.Url)]);

    private static string CursorOf(KilledServer server) => Path.Combine(server.Folder, "lobby.cursor");

    private static Task ShowsAsync(RunningProgram view, int count) => view.UntilAsync(() => Shown(view).Count() >= count, $"{count} messages");

    private static Task SaysAsync(RunningProgram view, string status, int times) => view.UntilAsync(() => view.Lines.Count(line => line == status) >= times, status);

    private static IEnumerable<string> Shown(RunningProgram view) => view.Lines.Where(line => !line.StartsWith('['));
}
