using System.Text;
using CComet.Access;
using CComet.Web.Hosting.Settings;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace CComet.Web.Tests.Hosting.Settings;

/// <summary>A setting that is a list of records, such as the rules of access: how it is written, and what is refused of it.</summary>
public sealed class RecordListTests
{
    private const string Who = "CComet:Auth:Rules:0:Who=user";
    private const string Verbs = "CComet:Auth:Rules:0:Verbs=publish";
    private const string Channels = "CComet:Auth:Rules:0:Channels=room.*";

    [Theory]
    [InlineData("user|publish,subscribe|room.*,lobby", Who, "CComet:Auth:Rules:0:Verbs=publish,subscribe", "CComet:Auth:Rules:0:Channels= room.* , lobby")]
    [InlineData("user|publish,subscribe|room.*", Who, "CComet:Auth:Rules:0:Verbs:0=publish", "CComet:Auth:Rules:0:Verbs:1=subscribe", "CComet:Auth:Rules:0:Channels:0=room.*")]
    [InlineData("user|publish|room.*", "ccomet:auth:rules:0:who=user", "CCOMET:AUTH:RULES:0:VERBS:0=publish", Channels)]
    [InlineData("user|publish|room.*;anonymous|subscribe|news", Who, Verbs, Channels, "CComet:Auth:Rules:1:Who=anonymous", "CComet:Auth:Rules:1:Verbs=subscribe", "CComet:Auth:Rules:1:Channels=news")]
    [InlineData("", "CComet:Auth:Rules=")]
    [InlineData("")]
    public void Records_are_read_member_by_member(string rules, params string[] settings) => Assert.Equal(rules, Rules(settings));

    [Theory]
    [InlineData("""[{"Who":"user","Verbs":["publish","subscribe"],"Channels":["inbox.{sub}"]},{"Who":"anonymous","Verbs":"subscribe","Channels":["news"]}]""", "user|publish,subscribe|inbox.{sub};anonymous|subscribe|news")]
    [InlineData("[]", "")]
    [InlineData("null", "")]
    public void Records_of_a_file_are_read(string json, string rules)
    {
        using var file = new MemoryStream(Encoding.UTF8.GetBytes($"{{\"CComet\":{{\"Auth\":{{\"Rules\":{json}}}}}}}"));
        Assert.Equal(rules, Write(SettingsReader.Read(new ConfigurationBuilder().AddJsonStream(file).Build(), SettingsCatalogue.Server)));
    }

    [Theory]
    [InlineData("CComet:Auth:Rules:0:Whoo=user", "CComet:Auth:Rules:0:Whoo is no setting; did you mean CComet:Auth:Rules:0:Who?")]
    [InlineData("CComet:Auth:Rules:0:Verb=publish", "CComet:Auth:Rules:0:Verb is no setting; did you mean CComet:Auth:Rules:0:Verbs?")]
    [InlineData("CComet:Auth:Rules:0:Patterns=*", "CComet:Auth:Rules:0:Patterns is no setting; see --help.")]
    [InlineData("CComet:Auth:Rules:0:Who:0=user", "CComet:Auth:Rules:0:Who:0 is no setting; did you mean CComet:Auth:Rules:0:Who?")]
    [InlineData("CComet:Auth:Rules:0=user", "CComet:Auth:Rules:0 is no setting; did you mean CComet:Auth:Rules:0:Who?")]
    [InlineData("CComet:Auth:Rules:first:Who=user", "CComet:Auth:Rules:first:Who is no setting; did you mean CComet:Auth:Rules?")]
    [InlineData("CComet:Auth:Rules=user", "CComet:Auth:Rules: is a list of records; write CComet:Auth:Rules:0:Who=…, CComet:Auth:Rules:0:Verbs=…, CComet:Auth:Rules:0:Channels=….")]
    [InlineData("CComet:Auth:Rules:0:Verbs:0=", "CComet:Auth:Rules:0:Verbs:0: is an empty element of a list.")]
    [InlineData("CComet:Auth:Rules:1:Who=user", "CComet:Auth:Rules:0 is missing: elements are numbered from 0, and one source has to give all of them.")]
    public void Key_or_text_that_is_no_member_is_refused_by_its_full_name(string setting, string message) =>
        Assert.Equal(message, Assert.Throws<StartException>(() => Rules([setting])).Message);

    [Fact]
    public void Source_that_counts_most_gives_the_list_whole()
    {
        string[] file = [Who, Verbs, "CComet:Auth:Rules:0:Channels:0=a", "CComet:Auth:Rules:0:Channels:1=b", "CComet:Auth:Rules:1:Who=anonymous"];
        string[] environment = ["CComet:Auth:Rules:0:Who=anonymous", "CComet:Auth:Rules:0:Verbs:0=subscribe", "CComet:Auth:Rules:0:Channels:0=c"];
        Assert.Equal("anonymous|subscribe|c", Rules(file, environment));
        Assert.Equal("", Rules(file, ["CComet:Auth:Rules="]));
        Assert.Equal("anonymous|subscribe|c", Rules(["CComet:Auth:Rules="], environment));
    }

    [Fact]
    public void Rule_that_two_sources_give_in_part_is_refused()
    {
        var message = Assert.Throws<StartException>(() => Rules([Who, Verbs, Channels], ["CComet:Auth:Rules:1:Who=user"])).Message;
        Assert.StartsWith("CComet:Auth:Rules:0 is missing", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("CComet:Auth:Rules:0:Who: 'admin' must be anonymous or user.", "CComet:Auth:Rules:0:Who=admin", Verbs, Channels)]
    [InlineData("CComet:Auth:Rules:0:Who: 'User' must be anonymous or user.", "CComet:Auth:Rules:0:Who=User", Verbs, Channels)]
    [InlineData("CComet:Auth:Rules:0:Who: is missing, and must be anonymous or user.", Verbs, Channels)]
    [InlineData("CComet:Auth:Rules:0:Verbs: 'write' is none of subscribe, publish, presence, admin, sname.", Who, "CComet:Auth:Rules:0:Verbs=publish,write", Channels)]
    [InlineData("CComet:Auth:Rules:0:Verbs: is missing; name one or more of subscribe, publish, presence, admin, sname.", Who, Channels)]
    [InlineData("CComet:Auth:Rules:0:Channels: is missing; name one or more patterns of channels, such as room.*, or * for all.", Who, Verbs)]
    [InlineData("CComet:Auth:Rules:0:Channels: a pattern has no control characters.", Who, Verbs, "CComet:Auth:Rules:0:Channels=a\u0001")]
    [InlineData("CComet:Auth:Rules:0:Channels: 'inbox.{sub}' has {sub}, but a caller that is anonymous has no name; such a rule is one of user.", "CComet:Auth:Rules:0:Who=anonymous", Verbs, "CComet:Auth:Rules:0:Channels=inbox.{sub}")]
    public void Rule_that_cannot_hold_is_refused_in_one_line(string message, params string[] settings) => Assert.Equal([message], Problems(settings));

    [Theory]
    [InlineData("ftp://127.0.0.1/may")]
    [InlineData("/may")]
    [InlineData("127.0.0.1:3000")]
    [InlineData("http://")]
    public void Hook_without_an_absolute_address_is_refused_without_repeating_it(string url)
    {
        var problem = Assert.Single(Problems($"CComet:Auth:Hook:Url={url}"));
        Assert.StartsWith("CComet:Auth:Hook:Url: ", problem, StringComparison.Ordinal);
        Assert.DoesNotContain($"{url}'", problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData]
    [InlineData(Who, "CComet:Auth:Rules:0:Verbs=subscribe,publish,presence,admin,sname", "CComet:Auth:Rules:0:Channels=inbox.{sub},*")]
    [InlineData("CComet:Auth:Hook:Url=https://shop:s3cret@shop.example/may?x=1")]
    public void Settings_that_can_hold_are_taken(params string[] settings) => Assert.Empty(Problems(settings));

    private static IEnumerable<string> Problems(params string[] settings)
    {
        var options = new HubOptions();
        Read([settings]).Bind(options);
        return new AuthOptionsValidator().Validate(Options.DefaultName, options).Failures ?? [];
    }

    private static string Rules(params string[][] sources) => Write(Read(sources));

    private static string Write(IConfiguration settings) =>
        string.Join(';', (settings.GetSection("Auth").Get<AuthOptions>() ?? new AuthOptions()).Rules.Select(rule => $"{rule.Who}|{string.Join(',', rule.Verbs)}|{string.Join(',', rule.Channels)}"));

    private static IConfigurationSection Read(string[][] sources)
    {
        var configuration = new ConfigurationBuilder();
        foreach (var source in sources) configuration.AddInMemoryCollection(source.Select(s => s.Split('=', 2)).Select(s => KeyValuePair.Create(s[0], (string?)s[1])));
        return SettingsReader.Read(configuration.Build(), SettingsCatalogue.Server);
    }
}
