using CComet.Web.Hosting.Settings;
using Microsoft.Extensions.Configuration;

namespace CComet.Web.Tests.Hosting.Settings;

/// <summary>What is taken as a setting, what is refused, and what the refusal says.</summary>
public sealed class SettingsReaderTests
{
    [Theory]
    [InlineData("CComet:Poll:Timeout=abc", "CComet:Poll:Timeout=abc: must be a duration, hours:minutes:seconds such as 00:00:28.")]
    [InlineData("CComet:Poll:Timeout=00:00:00", "CComet:Poll:Timeout=00:00:00: must be 0.1 s to 10 min.")]
    [InlineData("CComet:Poll:Timeout=20", "CComet:Poll:Timeout=20: is read as 20.00:00:00, which is 20 days; did you mean 00:00:20?")]
    [InlineData("CComet:History:MaxAge=48:00:00", "CComet:History:MaxAge=48:00:00: is read as 48.00:00:00, which is 48 days; did you mean 2.00:00:00?")]
    [InlineData("CComet:History:MaxAge=7", "CComet:History:MaxAge=7: is read as 7.00:00:00, which is 7 days; did you mean 00:00:07?")]
    [InlineData("CComet:Store:Kind=Foo", "CComet:Store:Kind=Foo: must be one of Memory, Sqlite, Redis.")]
    [InlineData("CComet:Store:Kind=1", "CComet:Store:Kind=1: must be one of Memory, Sqlite, Redis.")]
    [InlineData("CComet:Store:Path=", "CComet:Store:Path: must not be empty.")]
    [InlineData("CComet:Store:Durability=Some", "CComet:Store:Durability=Some: must be one of Normal, Full.")]
    [InlineData("CComet:Store:Remember=00:00:01", "CComet:Store:Remember=00:00:01: must be 1 min to 3,650 days.")]
    [InlineData("CComet:History:MaxMessages=0", "CComet:History:MaxMessages=0: must be 1 to 10,000,000.")]
    [InlineData("CComet:History:MaxMessages=many", "CComet:History:MaxMessages=many: must be a whole number, 1 to 10,000,000.")]
    [InlineData("CComet:History:MaxMessages=", "CComet:History:MaxMessages=: must be a whole number, 1 to 10,000,000.")]
    [InlineData("CComet:History:MaxBytes=99999999999999999999", "CComet:History:MaxBytes=99999999999999999999: must be a whole number, 1 to 1 TiB.")]
    [InlineData("CComet:Limits:MessageBytes=-1", "CComet:Limits:MessageBytes=-1: must be 1 to 16 MiB.")]
    [InlineData("CComet:Limits:MessageBytes=5000000000", "CComet:Limits:MessageBytes=5000000000: must be a whole number, 1 to 16 MiB.")]
    [InlineData("CComet:Limits:Subscribers=1.5", "CComet:Limits:Subscribers=1.5: must be a whole number, 1 to 10,000,000.")]
    [InlineData("CComet:Auth:Mode=Closed", "CComet:Auth:Mode=Closed: must be one of Open, Token.")]
    [InlineData("CComet:Cors:Enabled=perhaps", "CComet:Cors:Enabled=perhaps: must be true or false.")]
    [InlineData("CComet:Parking:Enabled=maybe", "CComet:Parking:Enabled=maybe: must be true or false.")]
    [InlineData("CComet:Parking:Enabled=", "CComet:Parking:Enabled=: must be true or false.")]
    [InlineData("CComet:Cors:Origins=a.example/", "CComet:Cors:Origins=a.example/: an origin is written scheme://host or scheme://host:port, such as https://example.org.")]
    [InlineData("CComet:Cors:Origins:0=", "CComet:Cors:Origins:0=: is an empty element of a list.")]
    [InlineData("CComet:WebSocket:Origins= , ", "CComet:WebSocket:Origins= , : is no list: it has no element.")]
    public void Reader_refuses_a_value_that_cannot_hold_and_says_what_was_read(string setting, string message) =>
        Assert.Equal(message, Assert.Throws<StartException>(() => Read([setting])).Message);

    [Theory]
    [InlineData("CComet:Poll:Timeot=x", "CComet:Poll:Timeot is no setting; did you mean CComet:Poll:Timeout?")]
    [InlineData("CComet:Strore:Kind=x", "CComet:Strore:Kind is no setting; did you mean CComet:Store:Kind?")]
    [InlineData("CComet:Heartbeat=x", "CComet:Heartbeat is no setting; did you mean CComet:Stream:Heartbeat?")]
    [InlineData("CComet:Poll:Timeout:Seconds=x", "CComet:Poll:Timeout:Seconds is no setting; did you mean CComet:Poll:Timeout?")]
    [InlineData("CComet:Cors:Origins:first=x", "CComet:Cors:Origins:first is no setting; did you mean CComet:Cors:Origins?")]
    [InlineData("CComet:Colour=x", "CComet:Colour is no setting; see --help.")]
    [InlineData("CComet:Cors=https://a.example", "CComet:Cors has settings, and is none itself; see --help.")]
    public void Reader_refuses_a_key_that_is_no_setting_and_names_the_nearest(string setting, string message) =>
        Assert.Equal(message, Assert.Throws<StartException>(() => Read([setting])).Message);

    [Fact]
    public void Reader_names_everything_that_is_wrong_at_once()
    {
        var message = Assert.Throws<StartException>(() => Read(["CComet:Poll:Timeot=x", "CComet:Store:Kind=x"])).Message;
        Assert.Contains("CComet:Poll:Timeot", message, StringComparison.Ordinal);
        Assert.Contains("CComet:Store:Kind", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Reader_does_not_repeat_a_text_that_may_hold_a_password()
    {
        var message = Assert.Throws<StartException>(() => Read(["CComet:Store:Redsi=host,password=s3cret", "CComet:Store:Redis="])).Message;
        Assert.DoesNotContain("s3cret", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://a.example,https://b.example", "CComet:Cors:Origins=https://a.example,https://b.example")]
    [InlineData("https://a.example,https://b.example", "CComet:Cors:Origins= https://a.example , https://b.example,")]
    [InlineData("https://a.example,https://b.example", "CComet:Cors:Origins:0=https://a.example", "CComet:Cors:Origins:1=https://b.example")]
    [InlineData("https://a.example,https://b.example", "ccomet:cors:origins:10=https://b.example", "ccomet:cors:origins:9=https://a.example")]
    [InlineData("https://a.example,https://b.example", "CComet:Cors:Origins:0=https://a.example,https://b.example")]
    [InlineData("https://a.example", "CComet:Cors:Origins=https://a.example")]
    [InlineData("", "CComet:Cors:Origins=")]
    [InlineData("")]
    public void List_is_read_whichever_way_it_is_written(string elements, params string[] settings) => Assert.Equal(elements, Origins(settings));

    [Fact]
    public void List_written_as_one_text_replaces_what_less_important_sources_give()
    {
        string[] file = ["CComet:Cors:Origins:0=https://a.example", "CComet:Cors:Origins:1=https://b.example"];
        Assert.Equal("https://c.example", Origins(file, ["CComet:Cors:Origins=https://c.example"]));
        Assert.Equal("", Origins(file, ["CComet:Cors:Origins="]));
        Assert.Equal("https://a.example,https://b.example", Origins(["CComet:Cors:Origins=https://c.example"], file));
    }

    [Fact]
    public void List_of_a_file_is_read_and_an_empty_one_is_empty()
    {
        Assert.Equal("https://a.example", OriginsOfFile("""{"CComet":{"Cors":{"Origins":["https://a.example"]}}}"""));
        Assert.Equal("https://a.example", OriginsOfFile("""{"CComet":{"Cors":{"Origins":"https://a.example"}}}"""));
        Assert.Equal("", OriginsOfFile("""{"CComet":{"Cors":{"Origins":[]}}}"""));
        Assert.Equal("", OriginsOfFile("""{"CComet":{"Cors":{"Origins":null},"Poll":{},"Store":null}}"""));
    }

    [Theory]
    [InlineData("https://A.Example", "https://a.example")]
    [InlineData("https://a.example:443", "https://a.example")]
    [InlineData("http://a.example:443", "http://a.example:443")]
    [InlineData("HTTP://a.example:80", "http://a.example")]
    [InlineData("http://[::1]:5000", "http://[::1]:5000")]
    [InlineData("https://bücher.example", "https://xn--bcher-kva.example")]
    [InlineData("capacitor://localhost", "capacitor://localhost")]
    public void Origin_is_taken_as_browsers_send_it(string written, string sent) => Assert.Equal(sent, Origins([$"CComet:Cors:Origins={written}"]));

    [Theory]
    [InlineData("https://a.example/", "did you mean https://a.example?")]
    [InlineData("https://a.example:8443/path?q", "did you mean https://a.example:8443?")]
    [InlineData("https://user@a.example", "did you mean https://a.example?")]
    [InlineData("a.example", "scheme://host")]
    [InlineData("https://", "scheme://host")]
    [InlineData("https://a.example:port", "scheme://host")]
    [InlineData("*", "leave the list empty for all")]
    [InlineData("https://*.a.example", "no wildcard")]
    [InlineData("null", "cannot be listed")]
    public void Origin_that_no_browser_sends_is_refused(string origin, string reason)
    {
        foreach (var setting in (string[])["CComet:Cors:Origins", "CComet:WebSocket:Origins"])
        {
            var message = Assert.Throws<StartException>(() => Read([$"{setting}={origin}"])).Message;
            Assert.StartsWith($"{setting}={origin}: ", message, StringComparison.Ordinal);
            Assert.Contains(reason, message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("Open", "CComet:Auth:Mode=open")]
    [InlineData("Token", "CComet:Auth:Mode=Token")]
    [InlineData("", "CComet:Auth:Mode=")]
    public void Mode_that_is_not_stated_is_none(string mode, params string[] settings) => Assert.Equal(mode, Read(settings)["Auth:Mode"] ?? "");

    [Fact]
    public void Reader_gives_every_value_of_the_catalogue_back_as_its_default_is_written()
    {
        var settings = SettingsCatalogue.Server.All.Where(s => !s.IsList && s.Default.Length > 0).ToArray();
        var read = Read([.. settings.Select(s => $"{s.Name}={s.Default}")]);
        Assert.Equal(settings.Select(s => s.Default), settings.Select(s => read[s.Name["CComet:".Length..]]));
    }

    private static IConfigurationSection Read(params string[][] sources)
    {
        var configuration = new ConfigurationBuilder();
        foreach (var source in sources) configuration.AddInMemoryCollection(source.Select(s => s.Split('=', 2)).Select(s => KeyValuePair.Create(s[0], (string?)s[1])));
        return SettingsReader.Read(configuration.Build(), SettingsCatalogue.Server);
    }

    private static string Origins(params string[][] sources) => string.Join(',', Read(sources).GetSection("Cors:Origins").Get<string[]>() ?? []);

    private static string OriginsOfFile(string json)
    {
        using var file = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(json));
        return string.Join(',', SettingsReader.Read(new ConfigurationBuilder().AddJsonStream(file).Build(), SettingsCatalogue.Server).GetSection("Cors:Origins").Get<string[]>() ?? []);
    }
}
