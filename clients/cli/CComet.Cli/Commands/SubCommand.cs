using System.CommandLine;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using CComet.Client;

namespace CComet.Cli.Commands;

/// <summary><c>sub</c>: writes the messages of channels.</summary>
internal static class SubCommand
{
    private const string Text = "text";
    private const string NdJson = "ndjson";
    private const int Buffer = 256;

    public static Command Build(CliConsole console)
    {
        var channels = new Argument<string[]>("channel") { Description = "The channels", Arity = ArgumentArity.OneOrMore };
        var from = new Option<string>("--from") { Description = "Where to begin: start, now, or a cursor (of one channel)", DefaultValueFactory = _ => "now" };
        var since = Durations.Option("--since", "Begin at the start, but pass over messages that are older than this");
        var count = new Option<int?>("--count", "-n") { Description = "End after so many messages" };
        var format = new Option<string?>("--format") { Description = "text (the message alone, behind its channel if there are several) or ndjson; by default ndjson where the output is no terminal" };
        format.AcceptOnlyFromAmong(Text, NdJson);
        var untilIdle = Durations.Option("--until-idle", "End when no message has come for this long");
        var strict = new Option<bool>("--strict") { Description = "Exit with 3 when messages are lost; else that is a note, and a line of type GAP or RESET in ndjson" };
        var json = new Option<bool>("--json") { Description = "The same as --format ndjson" };
        var command = new Command("sub", "Subscribes to channels and writes their messages.") { channels, from, since, count, format, untilIdle, strict, json };
        var server = new ServerOptions();
        server.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(count) is <= 0) result.AddError("--count: is not above 0.");
        });
        command.SetAction(async (given, cancellation) =>
        {
            var names = given.GetValue(channels)!;
            if (names.Distinct(StringComparer.Ordinal).Count() < names.Length) throw new CliException("channel: names one channel more than once.", ExitCodes.Usage);
            var isText = given.GetValue(format) is { } told ? told == Text : !given.GetValue(json) && console.IsTerminal;
            var run = new Run(console, isText, names.Length > 1)
            {
                From = Begin(given.GetValue(from)!, given.GetValue(since), names.Length),
                Since = given.GetValue(since) is { } age ? TimeProvider.System.GetUtcNow() - age : null,
                Count = given.GetValue(count) ?? int.MaxValue,
                UntilIdle = given.GetValue(untilIdle) ?? Timeout.InfiniteTimeSpan,
                IsStrict = given.GetValue(strict),
            };
            await using var client = server.Client(given, console);
            return await run.RunAsync(client, names, cancellation);
        });
        return command;
    }

    private static CCometCursor Begin(string text, TimeSpan? since, int channels)
    {
        if (!CCometCursor.TryParse(text, out var cursor)) throw new CliException($"--from: '{text}' is none of start, now and epoch:seqid.", ExitCodes.Usage);
        if (cursor.Epoch is not null && channels > 1) throw new CliException("--from: a cursor is that of one channel.", ExitCodes.Usage);
        return since is null ? cursor : cursor.Epoch is null ? CCometCursor.Start : throw new CliException("--since: does not go with a cursor.", ExitCodes.Usage);
    }

    private sealed class Run(CliConsole console, bool isText, bool isNamed)
    {
        private readonly Channel<object> _merged = Channel.CreateBounded<object>(Buffer);

        public required CCometCursor From { get; init; }

        public DateTimeOffset? Since { get; init; }

        public int Count { get; init; }

        public TimeSpan UntilIdle { get; init; }

        public bool IsStrict { get; init; }

        public async Task<int> RunAsync(CCometClient client, string[] channels, CancellationToken cancellation)
        {
            using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var reading = Task.WhenAll(channels.Select(channel => ReadAsync(client, channel, over.Token)));
            _ = reading.ContinueWith(ended => _merged.Writer.TryComplete(ended.Exception?.InnerException), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            try
            {
                return await WriteAsync(cancellation);
            }
            finally
            {
                await over.CancelAsync();
                await Task.WhenAny(reading);
            }
        }

        private async Task<int> WriteAsync(CancellationToken cancellation)
        {
            var written = 0;
            while (true)
            {
                if (!_merged.Reader.TryRead(out var item))
                {
                    try
                    {
                        if (!await _merged.Reader.WaitToReadAsync(cancellation).AsTask().WaitAsync(UntilIdle, cancellation)) return ExitCodes.Done;
                    }
                    catch (TimeoutException)
                    {
                        return ExitCodes.Done;
                    }

                    continue;
                }

                if (item is CCometGap gap)
                {
                    Write(gap);
                    if (IsStrict) return ExitCodes.Negative;
                    continue;
                }

                var message = (CCometMessage)item;
                if (message.Time < Since) continue;
                Write(message);
                if (++written >= Count) return ExitCodes.Done;
            }
        }

        private async Task ReadAsync(CCometClient client, string channel, CancellationToken over)
        {
            var options = new SubscribeOptions { From = From, OnGap = async gap => await _merged.Writer.WriteAsync(gap, over) };
            await foreach (var message in client.SubscribeAsync(channel, options, over)) await _merged.Writer.WriteAsync(message, over);
        }

        private void Write(CCometGap gap)
        {
            console.Note(gap.IsReset ? $"ccomet: {gap.Channel}: the log began anew; messages may be lost. It goes on from {gap.Cursor}." : $"ccomet: {gap.Channel}: messages {gap.From} to {gap.To} are lost. It goes on from {gap.Cursor}.");
            if (isText) return;
            var line = new JsonObject { ["type"] = gap.IsReset ? "RESET" : "GAP", ["channel"] = gap.Channel, ["from"] = gap.From };
            if (gap.To is { } to) line["to"] = to;
            line["cursor"] = gap.Cursor.ToString();
            console.Json(line);
        }

        private void Write(CCometMessage message)
        {
            if (!isText)
            {
                console.Json(MessageJson.Of(message));
            }
            else if (console.IsTerminal)
            {
                console.Markup($"[grey]{message.Time.ToLocalTime():HH:mm:ss}[/]{(isNamed ? $" {message.Channel}" : "")} [blue]{message.Sname ?? "-"}[/] {message.Text}");
            }
            else
            {
                console.Line(isNamed ? $"{message.Channel} {message.Text}" : message.Text);
            }
        }
    }
}

/// <summary>A message as a line of JSON.</summary>
internal static class MessageJson
{
    public static JsonObject Of(CCometMessage message)
    {
        var line = new JsonObject { ["type"] = message.Type, ["channel"] = message.Channel };
        if (message.Sname is not null) line["sname"] = message.Sname;
        if (message.Msg.ValueKind != System.Text.Json.JsonValueKind.Undefined) line["msg"] = JsonNode.Parse(message.Msg.GetRawText());
        line["seqid"] = message.Seqid;
        line["time"] = message.Time.ToUnixTimeMilliseconds();
        line["cursor"] = message.Cursor.ToString();
        return line;
    }
}
