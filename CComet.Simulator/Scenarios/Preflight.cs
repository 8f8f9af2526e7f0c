using System.Globalization;
using System.Net.Sockets;
using CComet.Simulator.Figures;
using CComet.Simulator.Wire;

namespace CComet.Simulator.Scenarios;

/// <summary>Whether a run can be had at all, found out before it begins.</summary>
internal static class Preflight
{
    /// <summary>What the runtime, its threads and the report need besides connections.</summary>
    private const int OwnFiles = 150;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Refuses more connections than this process may open.</summary>
    public static void CheckOpenFiles(int connections, long? limit)
    {
        if (limit is { } files && connections + OwnFiles > files)
            throw new UsageException($"{connections} connections do not fit: this process may open {files} files, and needs {OwnFiles} for itself. Raise the limit (ulimit -n) or ask for fewer.");
    }

    /// <summary>The limit of this process; null when it is not known or there is none.</summary>
    public static long? OpenFilesLimit()
    {
        if (!File.Exists("/proc/self/limits")) return null;
        var line = File.ReadLines("/proc/self/limits").FirstOrDefault(l => l.StartsWith("Max open files", StringComparison.Ordinal));
        var soft = line?.Split(' ', StringSplitOptions.RemoveEmptyEntries).ElementAtOrDefault(3);
        return long.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) ? limit : null;
    }

    /// <summary>Refuses a pid that is no process, where processes can be looked at.</summary>
    public static void CheckServerPid(int? pid)
    {
        if (pid is { } number && OperatingSystem.IsLinux() && ProcessReading.Read(number) is null) throw new UsageException($"--server-pid: there is no process {number} that may be looked at.");
    }

    /// <summary>Asks the server whether it lives.</summary>
    public static async Task CheckReachableAsync(Target target, CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(Patience);
        try
        {
            using var link = await Link.ConnectAsync(target.EndPoint, null, patience.Token);
            using var cut = patience.Token.Register(link.Dispose);
            var answer = new FirstAnswer(link);
            answer.Ask(target);
            await link.PumpAsync(answer).ContinueWith(static _ => { }, TaskScheduler.Default);

            // Whatever it answers, it speaks HTTP.
            if (!answer.HasCome) throw new NoServerException($"{target.Url} does not answer as an HTTP server does.");
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            cancel.ThrowIfCancellationRequested();
            throw new NoServerException($"{target.Url} does not answer{(e is SocketException s ? $" ({s.SocketErrorCode})" : $" within {Patience.TotalSeconds} s")}.");
        }
    }

    /// <summary>Takes the head of one response, and ends the connection.</summary>
    private sealed class FirstAnswer(Link link) : ILinkReceiver, IHttpSink
    {
        private HttpResponseParser? _parser;

        public bool HasCome { get; private set; }

        public void Ask(Target target)
        {
            var request = new RequestText(stackalloc byte[RequestText.MaxLength]);
            request.Add("GET "u8);
            request.Add(target.Base);
            request.Add("/health/live"u8);
            request.Add(target.RequestEnd);
            request.Add("\r\n"u8);
            link.Send(request.Written);
        }

        public void Receive(ReadOnlySpan<byte> bytes) => (_parser ??= new HttpResponseParser(this)).StreamLoop(bytes);

        public void Head(HttpHead head)
        {
            HasCome = true;
            link.Dispose();
        }

        public void Body(ReadOnlySpan<byte> piece)
        {
            // The head is enough.
        }

        public void End()
        {
            // The head is enough.
        }
    }
}
