using System.Text;
using System.Text.RegularExpressions;
using CComet.Messages;
using CComet.Operations;
using CComet.Web.Hosting.Icomet;
using CComet.Web.Tests.Hardening.Fuzz;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit.Abstractions;

namespace CComet.Web.Tests.Kestrel.Parking;

/// <summary>The same at the address of icomet's subscribers.</summary>
[Collection(ParkingDifferenceTests.Beside)]
public class ParkingIcometDifferenceTests(ITestOutputHelper output) : ParkingDifferenceTests(output)
{
    private static readonly IcometWire Open = new(static _ => "");

    protected override int Share => 40;

    /// <summary>Read once for each server, so that each has a port of its own.</summary>
    protected override string[] Settings => [$"CComet:Icomet:Front=http://127.0.0.1:{Ports.Take()}", "CComet:PathBase=/push"];

    private protected override ParkingWire Wire => Open;

    private protected override ParkingCaller NextCaller(Random random) => random.Once(4) ? new ParkingCaller([.. random.Once(2) ? ParkingPages.Next(random) : [], .. random.Once(2) ? ParkingProxies.Next(random) : []]) : Good;
}

/// <summary>The same where a subscriber needs a token, and the server's own address others.</summary>
[Collection(ParkingDifferenceTests.Beside)]
public sealed class ParkingIcometTokenDifferenceTests : ParkingIcometDifferenceTests
{
    private readonly IcometWire _wire;

    public ParkingIcometTokenDifferenceTests(ITestOutputHelper output)
        : base(output) => _wire = new IcometWire(TokenOf);

    protected override int Share => 20;

    protected override string[] Settings => [.. TokenServer.Settings, .. base.Settings, "CComet:Icomet:Auth=token", "CComet:Cors:Origins:0=https://page.example"];

    private protected override ParkingWire Wire => _wire;

    /// <summary>Both servers are given the same key before they need one, so that both know the same tokens.</summary>
    private protected override async Task PrepareAsync(LiveServer server) =>
        await server.Hub.AppendAsync([new NewMessage(Names.PrivatePrefix + "keys", MessageType.Msg, null, JsonString.Quote(Convert.ToBase64String(new byte[32])))], CancellationToken.None);

    /// <summary>Headers that mean something on the server's own address, and nothing here.</summary>
    private protected override ParkingCaller NextCaller(Random random) => random.Once(4) ? new ParkingCaller([random.Pick("Authorization: Bearer x", "Authorization: Basic YTpi", "Cookie: __Host-ccomet=x", "Cookie: a=\"b", "Origin: https://page.example", "Origin: https://other.example")]) : Good;

    private string TokenOf(string channel) => "&token=" + PlainServer.Services.GetRequiredService<ChannelTokens>().CreateAsync(channel, TimeSpan.FromHours(1), CancellationToken.None).AsTask().Result;
}

/// <summary>Requests in the dialect of icomet.</summary>
/// <param name="token">Gives what is behind the query for a channel.</param>
internal sealed partial class IcometWire(Func<string, string> token) : ParkingWire
{
    private static readonly string[] Paths = ["/sub", "/sub", "/sub", "/poll", "/stream", "/sse", "/iframe"];

    private static readonly string[] OddPaths = ["/SUB", "/sub/", "//sub", "/./sub", "/s%75b", "/poll%00", "http://localhost/sub", "*", "/subscribe", "/pub", "/push", "/push/sub", "/ping", "/psub", "/nowhere", "/stream;x", "/iframe/"];

    private static readonly string[] Seqs = ["", "", "&seq=0", "&seq=1", "&seq=1", "&seq=3", "&seq=6", "&seq=7", "&seq=99", "&seq=-1", "&seq=x", "&seq=", "&seq=1&seq=2", "&seq=%31", "&seq=%2B2", "&seq=+2", "&seq=1.5", "&seq=99999999999999999999"];

    private static readonly string[] Noops = ["", "", "", "&noop=5", "&noop=-3", "&noop=", "&noop=x", "&noop=9223372036854775807"];

    private static readonly string[] Calls = ["&cb=f", "&cb=icomet_cb_0", "&cb=a.b$", "&cb=f&_=1&callback=cb"];

    private static readonly string[] Others =
    [
        "&_=1", "&callback=cb", "&callback=1", "&token=", "&token=whatever", "&x=1", "&&", "&cb=", "&cb=1", "&cb=f&cb=g", "&cb=a-b", "&cname=b", "&CNAME=b", "&%63name=b", "&content=m", "&expires=1", "&channel=b", "&seqid=0", "&wait=0", "&_=%00", "&_=\u00fc", "&_=\u0001", "#f", "&=", "&noop=1&noop=2", "&cname",
        "&token=a&token=b", "&_=\"<>", "&ticket=t", "&token=%FF", "&seq%00=1", "&a=%FF", "&_=+", "&amp;x",
    ];

    /// <summary>What a stream begins with is its head: some tell nothing before something is published.</summary>
    public override Regex StreamStart => Head();

    public override int PortOf(LiveServer server) => new Uri(server.Services.GetRequiredService<IcometSettings>().Front).Port;

    /// <summary>In a channel to which nothing is published.</summary>
    public override string Waiting(string channel) => $"/sub?cname={channel}.quiet{token($"{channel}.quiet")}";

    public override string Cut(string target, string channel)
    {
        var path = target[..target.IndexOf('?', StringComparison.Ordinal)].Replace("/subscribe", "/poll", StringComparison.Ordinal);
        return $"{path}?cname={channel}&seq=1{(target.Contains("callback", StringComparison.Ordinal) ? "&cb=f" : "")}{token(channel)}";
    }

    public override byte[] Next(Random random, string[] channels, Func<Random, ParkingCaller>? caller)
    {
        var channel = random.Pick<string>(channels);
        var query = new StringBuilder();
        query.Append(random.Once(15) ? random.Pick("cname=", "cname=%00", "cname=%ff", "cname=b", "cname=$x", "cname=r%C3%BCm", "cname=" + new string('n', 201), "x=1") : $"cname={channel}").Append(random.Pick<string>(Seqs)).Append(random.Pick<string>(Noops));
        if (random.Once(4)) query.Append(random.Pick<string>(Calls));
        if (random.Once(6)) query.Append(random.Pick<string>(Others));
        if (!random.Once(12)) query.Append(token(random.Once(20) ? "other" : channel));
        return ParkingRequests.Frame(random, random.Once(12) ? random.Pick<string>(OddPaths) : random.Pick<string>(Paths), query, caller);
    }

    public override bool NamesOther(string text) => OtherName().IsMatch(text);

    public override int ChannelsOf(string start) => 1;

    public override string EndOf(string start) => start.Contains("text/event-stream", StringComparison.Ordinal) ? "\n\n" : "\n";

    [GeneratedRegex("^HTTP/1\\.1 200 OK\n(?:[^\n]+\n)*?X-Accel-Buffering: no\n(?:[^\n]+\n)*\n", RegexOptions.Multiline)]
    private static partial Regex Head();

    [GeneratedRegex("name=(?!lane)")]
    private static partial Regex OtherName();
}
