using System.Globalization;
using System.Text;
using CComet.Http.Requests;
using CComet.Kestrel.Parking;
using CComet.Messages;

namespace CComet.Web.Tests.Kestrel.Parking;

/// <summary>What is read of a query at once is what the parameters' own rules read of it; what is not is left to them.</summary>
public sealed class PlainQueryTests
{
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(28);

    private readonly KnownNames _names = new();

    [Theory]
    [InlineData("channel=a")]
    [InlineData("channel=a.b-c_d~e:1&cursor=Ab-_9:12")]
    [InlineData("cursor=e:0&channel=a&wait=5")]
    [InlineData("channel=a&seqid=7")]
    [InlineData("channel=a&epoch=e&seqid=7&wait=0")]
    [InlineData("channel=a&seqid=9223372036854775807")]
    public void Usual_queries_are_read_at_once(string query) => Assert.True(PlainQuery.TryRead(Encoding.ASCII.GetBytes(query), _names, out _, out _));

    [Theory]
    [InlineData("")]
    [InlineData("channel")]
    [InlineData("channel=")]
    [InlineData("cursor=e:1")]
    [InlineData("channel=a&channel=b")]
    [InlineData("channel=%61")]
    [InlineData("channel=a+b")]
    [InlineData("channel=a&cursor=e:1&seqid=1")]
    [InlineData("channel=a&cursor=e")]
    [InlineData("channel=a&cursor=:1")]
    [InlineData("channel=a&cursor=e:")]
    [InlineData("channel=a&cursor=e:x")]
    [InlineData("channel=a&cursor=e:1:2")]
    [InlineData("channel=a&seqid=9223372036854775808")]
    [InlineData("channel=a&seqid=-1")]
    [InlineData("channel=a&wait=2.5")]
    [InlineData("channel=a&wait=99999999999")]
    [InlineData("channel=a&callback=f")]
    [InlineData("channel=a&_=1")]
    [InlineData("channel=a&&wait=1")]
    public void Others_are_left_to_the_general_rules(string query) => Assert.False(PlainQuery.TryRead(Encoding.ASCII.GetBytes(query), _names, out _, out _));

    [Fact]
    public void A_name_too_long_is_left_to_them()
    {
        Assert.True(PlainQuery.TryRead(Encoding.ASCII.GetBytes($"channel={new string('a', Names.MaxLength)}"), _names, out _, out _));
        Assert.False(PlainQuery.TryRead(Encoding.ASCII.GetBytes($"channel={new string('a', Names.MaxLength + 1)}"), _names, out _, out _));
    }

    [Fact]
    public void A_name_that_is_repeated_is_the_same_text()
    {
        Assert.Same(_names.Find("lobby"u8), _names.Find("lobby"u8));
        Assert.Equal("lobby2", _names.Find("lobby2"u8));
    }

    [Fact]
    public void What_is_read_at_once_means_what_the_general_rules_say()
    {
        var seed = Environment.GetEnvironmentVariable("CCOMET_SEED") is { } given ? int.Parse(given, CultureInfo.InvariantCulture) : Random.Shared.Next();
        var random = new Random(seed);
        string[] names = ["channel", "channel", "cursor", "seqid", "epoch", "wait", "sname", "_"], values = ["a", "e:1", "12", "0", "28", "29", "e:", "x:9223372036854775807", "", "%61", "1.5", "a:b:3", "007"];
        var plain = 0;
        for (var run = 0; run < 20_000; run++)
        {
            var query = string.Join('&', Enumerable.Range(0, random.Next(1, 5)).Select(_ => $"{names[random.Next(names.Length)]}={values[random.Next(values.Length)]}"));
            var bytes = Encoding.ASCII.GetBytes(query);
            if (!PlainQuery.TryRead(bytes, _names, out var start, out var seconds)) continue;
            plain++;
            var parameters = new Parameters(most: 16);
            UrlEncoded.Parse(bytes, parameters);
            parameters.ThrowIfRefused();
            var said = SubscribeParameters.Read(parameters);
            Assert.True(said.Sname is null && said.Starts.Single() == start, $"CCOMET_SEED={seed}, {query}: {start}, {said.Starts[0]}");
            var wait = seconds is { } s && s < Most.TotalSeconds ? TimeSpan.FromSeconds(s) : Most;
            Assert.True(SubscribeParameters.ReadWait(parameters, Most) == wait, $"CCOMET_SEED={seed}, {query}: {wait}");
        }

        Assert.True(plain > 100, $"CCOMET_SEED={seed}: {plain}");
    }
}
