using System.CommandLine;
using CComet.Simulator.Clients;
using CComet.Simulator.Scenarios;

namespace CComet.Simulator.Commands;

/// <summary>The options that every scenario has.</summary>
internal sealed class CommonOptions
{
    private readonly Option<string> _url = new("--url") { Description = "The server, such as http://127.0.0.1:5000", Required = true };
    private readonly Option<int> _size = Bounded.Count("--size", 64, 21, 60_000, "Bytes of a message's text, its time stamp of 21 included");
    private readonly Option<int> _seed = Bounded.Count("--seed", 1, 0, int.MaxValue, "Decides all that is random");
    private readonly Option<TimeSpan> _drain = Bounded.Time("--drain", "10s", "How long nothing may come at the end before what is missing is called lost");
    private readonly Option<bool> _json = new("--json") { Description = "Print one JSON object with every figure, and nothing else" };
    private readonly Option<string?> _report = new("--report") { Description = "Write a page with the figures and plots to this file", HelpName = "file.html" };
    private readonly Option<bool> _ownsHost = new("--i-own-this-host") { Description = "Try a server that is not on this machine" };
    private readonly Option<TransportKind> _transport = new("--transport")
    {
        Description = "poll, jsonp, sse, stream (JSON lines) or ws",
        HelpName = "transport",
        DefaultValueFactory = _ => TransportKind.Sse,
        CustomParser = result =>
        {
            if (result.Tokens is [var token] && Enum.TryParse<TransportKind>(token.Value, ignoreCase: true, out var kind) && !char.IsAsciiDigit(token.Value[0])) return kind;
            result.AddError("--transport: give poll, jsonp, sse, stream or ws.");
            return default;
        },
    };

    private readonly Option<int?> _serverPid = new("--server-pid")
    {
        Description = "The server's process, to tell its memory and processor time (Linux)",
        HelpName = "pid",
        CustomParser = result =>
        {
            if (result.Tokens is [var token] && int.TryParse(token.Value, out var pid) && pid > 0) return pid;
            result.AddError("--server-pid: give the number of a process.");
            return null;
        },
    };

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_url, _transport, _size, _seed, _drain, _json, _report, _serverPid, _ownsHost]) command.Options.Add(option);
    }

    /// <summary>What was given, or stands without being given.</summary>
    public Settings Read(ParseResult given, string commandLine) => new()
    {
        Url = given.GetValue(_url)!,
        Transport = given.GetValue(_transport),
        Size = given.GetValue(_size),
        Seed = given.GetValue(_seed),
        Drain = given.GetValue(_drain),
        Json = given.GetValue(_json),
        Report = given.GetValue(_report),
        ServerPid = given.GetValue(_serverPid),
        OwnsHost = given.GetValue(_ownsHost),
        CommandLine = commandLine,
    };
}
