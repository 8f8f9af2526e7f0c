using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using CComet.Conformance.Server;

namespace CComet.Conformance.Playing;

/// <summary>An SDK's adapter: a program that is given commands and tells events, a line of JSON each.</summary>
internal sealed class AdapterProcess : IDisposable
{
    private const int MostErrors = 40;

    private readonly Process _process;
    private readonly Changes _changes;
    private readonly List<JsonObject> _events = [];
    private readonly Queue<string> _errors = [];
    private readonly Task _reading;

    private AdapterProcess(Process process, Changes changes)
    {
        (_process, _changes) = (process, changes);
        _reading = Task.WhenAll(Task.Run(ReadAsync), Task.Run(ReadErrorsAsync));
    }

    /// <summary>All events so far. Read under the gate.</summary>
    public IReadOnlyList<JsonObject> Events => _events;

    /// <summary>The last lines that it wrote to standard error. Read under the gate.</summary>
    public IReadOnlyCollection<string> Errors => _errors;

    /// <summary>Whether it will tell no more events. Read under the gate.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Why what it tells cannot be read; null as long as it can. Read under the gate.</summary>
    public string? Fault { get; private set; }

    /// <summary>Starts it.</summary>
    public static AdapterProcess Start(IReadOnlyList<string> command, string folder, Changes changes)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return new AdapterProcess(Process.Start(start)!, changes);
    }

    /// <summary>Gives a command. A process that has ended takes none, and what it told says why.</summary>
    public async Task SendAsync(JsonObject command)
    {
        try
        {
            await _process.StandardInput.WriteLineAsync(Json.Write(command));
            await _process.StandardInput.FlushAsync();
        }
        catch (IOException)
        {
            // The play waits for an event that does not come, and finds that the process is over.
        }
    }

    /// <summary>Waits until it has ended.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> ExitAsync(CancellationToken token)
    {
        await _process.WaitForExitAsync(token);
        await _reading.WaitAsync(token);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        try
        {
            if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has ended meanwhile.
        }

        _process.Dispose();
    }

    private async Task ReadAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            JsonObject? told = null;
            try
            {
                told = JsonNode.Parse(line) as JsonObject;
            }
            catch (JsonException)
            {
                // It is reported as what it is.
            }

            lock (_changes.Gate)
            {
                if (told?["is"] is JsonValue kind && kind.TryGetValue<string>(out _)) _events.Add(told);
                else Fault ??= $"The adapter wrote a line that is no event: {line[..Math.Min(line.Length, 300)]}";
                _changes.Tell();
            }
        }

        lock (_changes.Gate)
        {
            IsOver = true;
            _changes.Tell();
        }
    }

    private async Task ReadErrorsAsync()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            lock (_changes.Gate)
            {
                _errors.Enqueue(line);
                if (_errors.Count > MostErrors) _errors.Dequeue();
            }
        }
    }
}
