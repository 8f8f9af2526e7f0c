using CComet.Web.Hosting;
using CComet.Web.Hosting.Settings;

namespace CComet.Web.Tests.Hosting;

/// <summary>Arguments that mean nothing are refused, and those that mean something are not.</summary>
public sealed class CommandLineTests
{
    [Theory]
    [InlineData("--foo is no setting; see --help.", "--foo=1")]
    [InlineData("--foo is no setting; see --help.", "--foo")]
    [InlineData("-x is no setting; see --help.", "-x")]
    [InlineData("-p is no setting; see --help.", "-p=80")]
    [InlineData("'serve' is no argument; a setting is written --NAME=VALUE. See --help.", "serve")]
    [InlineData("'http://*:80' is no argument; a setting is written --NAME=VALUE. See --help.", "--urls=http://*:81", "http://*:80")]
    [InlineData("--Poll:Timeout is no setting; did you mean --CComet:Poll:Timeout?", "--Poll:Timeout=00:00:20")]
    [InlineData("--CCommet:Poll:Timeout is no setting; did you mean --CComet:Poll:Timeout?", "--CCommet:Poll:Timeout", "00:00:20")]
    [InlineData("--port is no setting; did you mean --urls?", "--port", "8080")]
    [InlineData("--url is no setting; did you mean --urls?", "--url=http://*:8080")]
    [InlineData("-urls is no setting; did you mean --urls?", "-urls=http://*:8080")]
    [InlineData("--urls has no value; write --urls=VALUE.", "--urls")]
    [InlineData("--CComet:Cors:Enabled has no value; write --CComet:Cors:Enabled=VALUE.", "--CComet:Cors:Enabled", "--urls=http://*:8080")]
    public void Argument_that_means_nothing_is_refused(string message, params string[] args) =>
        Assert.Equal(message, Assert.Throws<StartException>(() => CommandLine.Check(args)).Message);

    [Theory]
    [InlineData]
    [InlineData("--urls", "http://*:8080", "--environment=Development", "--contentRoot=/x", "--applicationName=CComet.Web")]
    [InlineData("/urls=http://*:8080", "urls=http://*:8080", "--URLS=http://*:8080")]
    [InlineData("--CComet:Store:Kind=Memory", "--ccomet:poll:timeout", "00:00:20")]
    [InlineData("--Kestrel:Endpoints:A:Url=http://*:8080", "--Logging:LogLevel:Default=Debug", "--Serilog:MinimumLevel:Default=Debug", "--AllowedHosts=a")]
    public void Argument_that_something_reads_is_taken(params string[] args) => CommandLine.Check(args);

    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    [InlineData("-?")]
    public void Help_lists_every_setting_with_its_default_bounds_and_meaning(string argument)
    {
        var help = CommandLine.Answer([argument])!;
        foreach (var setting in SettingsCatalogue.Server.All)
        {
            Assert.Contains($"  --{setting.Name}={(setting.IsList ? "" : setting.Default)}{Environment.NewLine}", help, StringComparison.Ordinal);
            Assert.Contains(setting.Description.Split('[')[0], help, StringComparison.Ordinal);
            Assert.Contains(setting.Bounds.Replace("`", "", StringComparison.Ordinal), help, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Version_is_one_line() => Assert.Matches(@"^CComet \d+\.\d+\.\d+\S*\r?\n$", CommandLine.Answer(["--version"]));

    [Fact]
    public void Command_line_without_a_question_has_no_answer() => Assert.Null(CommandLine.Answer(["--urls=http://*:80"]));
}
