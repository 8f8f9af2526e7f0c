using System.Diagnostics;
using CComet.Conformance.Playing;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Clients.Conformance;

/// <summary>The suite notices a client that is wrong: the reference, made wrong on purpose in one way at a time.</summary>
public sealed class BrokenClientTests
{
    /// <summary>For how long an event is waited for that a wrong client never tells. A play that is only slow ends at the same step.</summary>
    private static readonly TimeSpan ShortPatience = TimeSpan.FromSeconds(10);

    /// <summary>What is told when an event did not come.</summary>
    private const string Hangs = "Nothing came of this in time: ";

    /// <summary>What is wrong, a scenario that fails for it, over which transport, and a part of what is told then.</summary>
    public static TheoryData<string, string, string, string> Broken => new()
    {
        { "drops-after-cut", "cut-at-any-byte", "stream", Hangs + "await 82 messages of s1" },
        { "repeats", "duplicates-are-dropped", "stream", "expected {\"is\":\"message\",\"channel\":\"a\",\"cursor\":\"e1:5\"" },
        { "forgets-its-place", "from-now-keeps-its-place", "poll", Hangs + "await 2 messages of s1" },
        { "ignores-gap", "gap-in-the-middle", "websocket", "expected {\"is\":\"gap\",\"from\":3" },
        { "ignores-reset", "restart-with-a-new-epoch", "stream", Hangs + "await 5 messages of s1" },
        { "tells-a-gap-at-the-start", "gap-at-the-start", "sse", "expected {\"is\":\"message\",\"channel\":\"a\",\"cursor\":\"e1:5\"" },
        { "ignores-retry-after", "503-with-retry-after", "poll", "earlier than it was told to" },
        { "ignores-retry-after", "publish-503-then-stored", "auto", "earlier than it was told to" },
        { "ignores-bye-retry", "bye-with-retry", "poll", "earlier than it was told to" },
        { "ignores-bye-retry", "sse-retry-field", "sse", "earlier than it was told to" },
        { "follows-redirect", "redirect-to-another-host", "stream", "shown its token to another host" },
        { "follows-redirect", "publish-is-redirected", "auto", "shown its token to another host" },
        { "comes-back-after-close", "closed-channel", "sse", "asks for the channel a again, which was closed" },
        { "comes-back-after-close", "closed-channel-among-others", "websocket", Hangs + "await ended of s1" },
        { "retries-a-refusal", "403-with-its-reason", "stream", Hangs + "await ended of s1" },
        { "keeps-its-token", "401-once", "websocket", Hangs + "await 2 messages of s1" },
        { "breaks-before-it-makes", "token-is-renewed", "stream", "ended its connection before it had the next one" },
        { "token-in-the-address", "401-once", "sse", "A token is in the address" },
        { "waits-for-ever", "silent-stream", "sse", Hangs + "await 6 messages of s1" },
        { "splits-characters", "split-characters", "stream", "expected {\"is\":\"message\"" },
        { "shows-what-it-does-not-know", "what-a-later-version-adds", "websocket", "\"type\":\"WEATHER\"" },
        { "new-id-for-each-try", "publish-is-cut", "auto", "expected {\"is\":\"receipt\",\"seqid\":0,\"duplicate\":true}" },
        { "publishes-once", "publish-503-then-stored", "auto", "expected {\"is\":\"receipt\"" },
        { "keeps-its-connection", "unsubscribe-closes", "stream", Hangs + "await exactly 0 connections" },
        { "never-ends", "messages-in-order", "stream", Hangs + "the adapter ends by itself" },
        { "one-connection-a-channel", "many-channels", "stream", Hangs + "await exactly 1 connections" },
    };

    /// <summary>All plays, begun together: most of what they do is to wait for what does not come.</summary>
    private static readonly Lazy<Dictionary<(string, string, string), Task<IReadOnlyList<Result>>>> Plays = new(() =>
    {
        var places = new SemaphoreSlim(6);
        return Broken.ToDictionary(row => ((string)row[0], (string)row[1], (string)row[2]), row => PlayAsync(places, (string)row[0], (string)row[1], (string)row[2], (string)row[3]));
    });

    [Theory]
    [MemberData(nameof(Broken))]
    public async Task Suite_notices_the_error_and_names_it(string error, string scenario, string transport, string told)
    {
        var result = Assert.Single(await Plays.Value[(error, scenario, transport)]);
        Assert.Equal(Verdict.Failed, result.Verdict);
        Assert.Contains(told, result.Difference, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_error_that_the_reference_can_be_given_is_noticed_somewhere()
    {
        var command = Sdks.AdapterOf($"{Sdks.Reference} --broken list");
        using var process = Process.Start(new ProcessStartInfo(command.Command[0], command.Command.Skip(1)) { WorkingDirectory = command.Folder, RedirectStandardOutput = true })!;
        var lines = (await process.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await process.WaitForExitAsync();
        Assert.Equal(lines.Select(line => line.Split(':')[0]).Order(StringComparer.Ordinal), Broken.Select(row => (string)row[0]).Distinct().Order(StringComparer.Ordinal));
    }

    private static async Task<IReadOnlyList<Result>> PlayAsync(SemaphoreSlim places, string error, string scenario, string transport, string told)
    {
        await places.WaitAsync();
        try
        {
            var only = Sdks.Scenarios.Where(s => s.Name == scenario).ToList();
            var patience = told.StartsWith(Hangs, StringComparison.Ordinal) ? ShortPatience : Patience.Limit;
            return await Suite.RunAsync(only, Sdks.AdapterOf($"{Sdks.Reference} --broken {error}"), transport, patience);
        }
        finally
        {
            places.Release();
        }
    }
}
