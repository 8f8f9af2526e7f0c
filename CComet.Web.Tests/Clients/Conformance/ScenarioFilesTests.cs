using System.Text.Json;
using CComet.Conformance.Playing;
using CComet.Conformance.Scenarios;

namespace CComet.Web.Tests.Clients.Conformance;

/// <summary>The scenarios are what their schema says, and the schema is held.</summary>
public sealed class ScenarioFilesTests
{
    private const string Good = """{"name":"one","protects":"Something.","transports":["stream"],"play":[{"cut":true}],"expect":{"s1":[]}}""";

    public static TheoryData<string> Paths => [.. ScenarioFiles.Paths(Sdks.Folder).Select(path => Path.GetFileName(path))];

    [Theory]
    [MemberData(nameof(Paths))]
    public void File_is_what_the_schema_asks_for(string name) => Assert.Empty(ScenarioFiles.Check(Schema(), Path.Combine(Sdks.Folder, name)));

    [Theory]
    [InlineData(Good, "")]
    [InlineData("""{"name":"One","protects":"Something.","transports":["stream"],"play":[{"cut":true}],"expect":{"s1":[]}}""", "$.scenarios[0].name: 'One' does not match")]
    [InlineData("""{"name":"one","transports":["stream"],"play":[{"cut":true}],"expect":{"s1":[]}}""", "$.scenarios[0]: has no member 'protects'.")]
    [InlineData("""{"name":"one","protects":"Something.","transports":["pigeon"],"play":[{"cut":true}],"expect":{"s1":[]}}""", "$.scenarios[0].transports[0]: pigeon is none of")]
    [InlineData("""{"name":"one","protects":"Something.","transports":["sse","sse"],"play":[{"cut":true}],"expect":{"s1":[]}}""", "$.scenarios[0].transports: has an item twice.")]
    [InlineData("""{"name":"one","protects":"Something.","transports":["sse"],"play":[],"expect":{"s1":[]}}""", "$.scenarios[0].play: has fewer items than 1.")]
    [InlineData("""{"name":"one","protects":"Something.","transports":["sse"],"play":[{"cut":true,"away":true}],"expect":{"s1":[]}}""", "$.scenarios[0].play[0]: has more members than 1.")]
    [InlineData("""{"name":"one","protects":"Something.","transports":["sse"],"play":[{"sleep":5}],"expect":{"s1":[]}}""", "$.scenarios[0].play[0].sleep: is not known.")]
    [InlineData("""{"name":"one","protects":"Something.","transports":["sse"],"play":[{"back":-1}],"expect":{"s1":[]}}""", "$.scenarios[0].play[0].back: -1 is less than 0.")]
    [InlineData("""{"name":"one","protects":"Something.","transports":["sse"],"play":[{"next":[{"status":200}]}],"expect":{"s1":[]}}""", "$.scenarios[0].play[0].next[0].status: 200 is less than 400.")]
    [InlineData("""{"name":"one","protects":"Something.","transports":["sse"],"play":[{"cut":true}],"expect":{"s1":["message"]}}""", "$.scenarios[0].expect.s1[0]: is String, not object.")]
    public void Schema_names_what_is_wrong(string scenario, string error)
    {
        using var file = JsonDocument.Parse($$"""{"scenarios":[{{scenario}}]}""");
        var errors = Schema().Check(file.RootElement);
        if (error.Length == 0) Assert.Empty(errors);
        else Assert.StartsWith(error, Assert.Single(errors), StringComparison.Ordinal);
    }

    [Fact]
    public void Schema_with_a_rule_that_would_be_passed_over_is_refused()
    {
        var error = Assert.Throws<FormatException>(() => SchemaChecker.Parse("""{"properties":{"a":{"maxLength":3}}}"""));
        Assert.Contains("#/properties/a/maxLength", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Scenarios_are_played_over_every_transport() =>
        Assert.Equal(["auto", "jsonp", "poll", "sse", "stream", "websocket"], Sdks.Scenarios.SelectMany(s => s.Transports).Distinct().Order(StringComparer.Ordinal));

    /// <summary>A scenario that needs what an SDK has not is no scenario that it has passed.</summary>
    [Fact]
    public async Task Missing_feature_is_told_and_does_not_count_as_passed()
    {
        var adapter = new Adapter(["/usr/bin/printf", """{"is":"ready","sdk":"none","features":["poll"]}\n"""], Sdks.Folder);
        var results = await Suite.RunAsync([.. Sdks.Scenarios.Where(s => s.Name == "bye-expired")], adapter);
        Assert.All(results, result => Assert.Equal(Verdict.CannotExpress, result.Verdict));
        Assert.Equal("token, start", Assert.Single(results, result => result.Transport == "poll").Difference);
        Assert.Contains("cannot express", Suite.Markdown(Sdks.Scenarios, [("none", results)]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/bin/true", "did not begin with")]
    [InlineData("/bin/echo hello", "no event: hello")]
    public async Task Adapter_that_is_none_is_told(string command, string error)
    {
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => Suite.RunAsync(Sdks.Scenarios, Adapter.Parse(command, Sdks.Folder)));
        Assert.Contains(error, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Command_of_an_adapter_may_have_parts_with_spaces() => Assert.Equal(["java", "-cp", "a b/c.jar", "", "Main"], Adapter.Parse("java  -cp \"a b/c.jar\" \"\" Main", "/").Command);

    private static SchemaChecker Schema() => SchemaChecker.Read(Path.Combine(Sdks.Folder, ScenarioFiles.SchemaName));
}
