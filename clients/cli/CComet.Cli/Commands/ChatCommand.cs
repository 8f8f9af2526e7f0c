using System.CommandLine;
using CComet.Client;

namespace CComet.Cli.Commands;

/// <summary><c>chat</c>: writes a channel's messages, and publishes each line of the input.</summary>
internal static class ChatCommand
{
    public static Command Build(CliConsole console)
    {
        var channel = new Argument<string>("channel") { Description = "The channel" };
        var sname = new Option<string>("--sname") { Description = "The name to go by", DefaultValueFactory = _ => Environment.UserName };
        var from = new Option<string>("--from") { Description = "Where to begin: start, now, or a cursor", DefaultValueFactory = _ => "now" };
        var command = new Command("chat", "Talks in a channel: writes its messages, and publishes each line of the input until that ends.") { channel, sname, from };
        var server = new ServerOptions();
        server.AddTo(command);
        command.SetAction(async (given, cancellation) =>
        {
            if (!CCometCursor.TryParse(given.GetValue(from), out var cursor)) throw new CliException($"--from: '{given.GetValue(from)}' is none of start, now and epoch:seqid.", ExitCodes.Usage);
            var (name, own) = (given.GetValue(channel)!, given.GetValue(sname)!);
            await using var client = server.Client(given, console, own);
            await using var subscription = client.Subscribe(name, new SubscribeOptions
            {
                From = cursor,
                OnGap = gap =>
                {
                    console.Note($"ccomet: messages are lost before {gap.Cursor}.");
                    return Task.CompletedTask;
                },
            });
            await subscription.Opened.WaitAsync(cancellation);
            var last = -1L;
            CCometReceipt? published = null;
            using var seen = new SemaphoreSlim(0);
            var reading = Task.Run(
                async () =>
                {
                    await foreach (var message in subscription.WithCancellation(cancellation))
                    {
                        if (console.IsTerminal) console.Markup($"[grey]{message.Time.ToLocalTime():HH:mm:ss}[/] [{(message.Sname == own ? "green" : "blue")}]{message.Sname ?? "-"}[/] {message.Text}");
                        else console.Line($"{message.Sname ?? "-"}: {message.Text}");
                        Volatile.Write(ref last, message.Seqid);
                        seen.Release();
                    }
                },
                cancellation);

            // A terminal's read does not end by a token.
            while (await Task.Run(console.Input.ReadLine, cancellation).WaitAsync(cancellation) is { } line)
            {
                if (line.Length == 0) continue;
                if (reading.IsCompleted) break;
                published = await client.PublishAsync(name, line, cancellation);
            }

            // What was published last is written before the end.
            while (published is not null && Volatile.Read(ref last) < published.Seqid && !reading.IsCompleted) await Task.WhenAny(seen.WaitAsync(cancellation), reading);
            if (reading.IsFaulted) await reading;

            return ExitCodes.Done;
        });
        return command;
    }
}
