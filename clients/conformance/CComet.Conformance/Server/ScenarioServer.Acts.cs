using CComet.Conformance.Scenarios;

namespace CComet.Conformance.Server;

/// <content>Does the steps of a play.</content>
internal sealed partial class ScenarioServer
{
    /// <summary>Does one step; those that are not the server's are none for it.</summary>
    public async Task DoAsync(Act act, CancellationToken token)
    {
        if (act.Away == true) GoAway();
        else if (act.Back is { } milliseconds) await ComeBackAsync(milliseconds, token);
        else if (act.Cut == true) await CommandAsync(new Command("cut"), token);
        else if (act.Heartbeat == true) await CommandAsync(new Command("heartbeat"), token);
        else if (act.Replace == true) await CommandAsync(new Command("replace"), token);
        else if (act.Close is not null) await CommandAsync(new Command("close", Channel: act.Close), token);
        else if (act.Bye is not null) await CommandAsync(new Command("bye", Bye: act.Bye), token);
        else if (act.Tell is not null) await CommandAsync(new Command("tell", act.Tell), token);
        else lock (_changes.Gate) Change(act);
    }

    private void Change(Act act)
    {
        if (act.Append is not null) Append(act.Append);
        foreach (var (channel, first) in act.Trim ?? new Dictionary<string, long>()) Log(channel).Trim(first);
        foreach (var (channel, epoch) in act.Reset ?? new Dictionary<string, string>()) Log(channel).Reset(epoch);
        if (act.Accept is not null) _accepts = act.Accept;
        if (act.Next is not null) Queue(_next, act.Next);
        if (act.NextPublish is not null) Queue(_nextPublish, act.NextPublish);
        _changes.Tell();
    }

    /// <summary>Waits until a subscriber is held, and no other is still being told, and has the command done on each.</summary>
    private Task CommandAsync(Command command, CancellationToken token) => _changes.UntilAsync(
        () =>
        {
            if (_open.Count == 0 || !_open.TrueForAll(one => one.IsHeld)) return false;
            Note($"-- {command.Name}");
            if (command.Channel is not null) _closed.Add(command.Channel);
            foreach (var one in _open)
            {
                one.Commands.Enqueue(command);
                one.IsHeld = false;
            }

            _changes.Tell();
            return true;
        },
        token);

    /// <summary>Ends as a server that is killed: its connections are reset, and who comes is refused.</summary>
    private void GoAway()
    {
        lock (_changes.Gate)
        {
            Note("-- away");
            _listener.Close();
            foreach (var connection in _connections) connection.Abort();
            _changes.Tell();
        }
    }

    /// <summary>Comes back on the same port. A client that is refused tells nobody, so this alone is a matter of time: for how long it is, nothing depends on it.</summary>
    private async Task ComeBackAsync(int milliseconds, CancellationToken token)
    {
        await Task.Delay(milliseconds, token);
        lock (_changes.Gate)
        {
            Note("-- back");
            Accept(_listener, ServeAsync);
        }
    }
}
