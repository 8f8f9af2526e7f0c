using System.Text;
using CComet.Dialects.Native;
using CComet.Http.Requests;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Hardening;

/// <summary>
/// The attack: one request of some hundred kilobytes with a parameter given 50,000 times, or with 50,000 parameters, beside an array of
/// 1,000 empty objects, each of which took all of them over. It cost 2.5 GB and nine seconds of processor time.
/// </summary>
public sealed class ParameterFloodTests(WireFixture wire) : IClassFixture<WireFixture>
{
    private const int Many = 50_000;

    /// <summary>What a request may allocate for each byte that was sent, and what it may beside that.</summary>
    private const int PerByte = 16;

    private const int Beside = 64 << 10;

    private static readonly string[] Single = ["msg", "sname", "id", "wait", "callback", "lastEventId"];
    private static readonly string[] Repeatable = ["channel", "seqid", "epoch", "cursor"];

    private readonly DirectCall _call = new(wire.Factory);

    public static TheoryData<string, string> Ways()
    {
        var ways = new TheoryData<string, string>();
        foreach (var name in (string[])[.. Single, .. Repeatable, "_", ""])
        {
            foreach (var way in (string[])["query", "escaped query", "form", "multipart", "object", "escaped object", "element"]) ways.Add(name, way);
        }

        return ways;
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Parameter_given_50_000_times_is_refused_at_a_cost_in_proportion_to_what_was_sent(string name, string way)
    {
        var (query, body, type) = Request(name, way);
        var (answer, allocated, _) = _call.Publish(query, body, type);
        if (name == "callback" && way != "element") Assert.Equal((400, "text/plain; charset=utf-8"), (answer.Status, answer.Header("Content-Type")));
        else answer.AssertProblem(400, Single.Contains(name) || Repeatable.Contains(name) ? name : "parameters");
        Assert.InRange(allocated, 0, ((query.Length + (body?.Length ?? 0)) * PerByte) + Beside);
    }

    [Fact]
    public void Pub_refuses_a_repeated_id_before_reading_the_body()
    {
        var body = Encoding.UTF8.GetBytes($"[{string.Join(',', Enumerable.Repeat("{}", 1_000))}]");
        var (answer, allocated, bodyRead) = _call.Publish("?" + Repeat("id=", '&'), body, "application/json");
        answer.AssertProblem(400, "id");
        Assert.Equal(0, bodyRead);
        Assert.InRange(allocated, 0, (Many * 4 * PerByte) + Beside);
    }

    [Fact]
    public void Refusal_is_told_as_JSONP_though_the_callback_comes_behind_the_fault() =>
        _call.Publish($"?channel=a&{Repeat("id=", '&')}&callback=f").Answer.AssertJsonpProblem("f", "400", "id");

    [Fact]
    public void Sixty_four_of_a_parameter_that_may_repeat_are_read_and_one_more_is_refused()
    {
        Assert.Equal(WireLimits.MaxChannels, Read(64).Many("channel").Count);
        Assert.Equal("channel", Read(65).Refused);

        static Parameters Read(int channels)
        {
            var parameters = new Parameters(1_000);
            UrlEncoded.Parse(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("channel=a&", channels))), parameters);
            return parameters;
        }
    }

    [Fact]
    public void As_many_parameters_as_the_setting_says_are_taken_and_one_more_is_refused()
    {
        var most = new LimitOptions().Parameters;
        var unknown = string.Concat(Enumerable.Repeat("&_=1", most - 2));
        Assert.Equal(200, _call.Publish($"?channel=a&msg=m{unknown}").Answer.Status);
        _call.Publish($"?channel=a&msg=m{unknown}&_=1").Answer.AssertProblem(400, "parameters");

        // The query's and the body's are counted together.
        _call.Publish("?channel=a", Encoding.UTF8.GetBytes($"msg=m{unknown}&_=1"), "application/x-www-form-urlencoded").Answer.AssertProblem(400, "parameters");
    }

    [Fact]
    public void Array_that_is_wrong_from_its_first_element_is_read_no_further()
    {
        var read = 0;
        var limits = new LimitOptions();
        Assert.Throws<WireException>(() => RequestBody.ReadJson<int>(Encoding.UTF8.GetBytes("[{},{},{}]"), new Parameters(limits.Parameters), limits, mayBeArray: true, element =>
        {
            read++;
            element.RequiredName("channel");
            return 0;
        }));
        Assert.Equal(1, read);
    }

    [Fact]
    public void Values_of_the_query_hold_for_each_element_and_are_not_copied_for_it()
    {
        var body = Encoding.UTF8.GetBytes($"[{string.Join(',', Enumerable.Repeat("{\"msg\":1}", 1_000))}]");
        var query = $"?channel={Asking.NewChannel()}";
        var few = _call.Publish(query, body, "application/json");
        var many = _call.Publish(query + string.Concat(Repeatable[1..].Select(name => string.Concat(Enumerable.Repeat($"&{name}=e", 64)))), body, "application/json");
        Assert.Equal((1_000, 1_000), (few.Answer.Elements.Length, many.Answer.Elements.Length));
        Assert.InRange(many.Allocated - few.Allocated, long.MinValue, Beside);
    }

    [Fact]
    public void One_message_of_the_query_cannot_be_multiplied_beyond_the_limit_of_a_body()
    {
        var body = Encoding.UTF8.GetBytes($"[{string.Join(',', Enumerable.Repeat("{}", 1_000))}]");
        var msg = new string('x', 60_000);
        var (answer, allocated, _) = _call.Publish($"?channel=a&msg={msg}", body, "application/json");
        answer.AssertProblem(413, "msg");
        Assert.InRange(allocated, 0, ((msg.Length + body.Length) * PerByte) + (1_000 * 256));
    }

    [Fact]
    public void Name_of_half_of_a_surrogate_pair_costs_no_exception()
    {
        var element = $"{{{string.Join(',', Enumerable.Repeat("\"\\ud800\":1", 1_000))}}}";
        var body = Encoding.UTF8.GetBytes($"[{string.Join(',', Enumerable.Repeat(element, 50))}]");
        var (thread, thrown) = (Environment.CurrentManagedThreadId, 0);
        void Count(object? sender, System.Runtime.ExceptionServices.FirstChanceExceptionEventArgs e) => thrown += Environment.CurrentManagedThreadId == thread ? 1 : 0;
        AppDomain.CurrentDomain.FirstChanceException += Count;
        var answer = _call.Publish("?channel=a&msg=m", body, "application/json").Answer;
        AppDomain.CurrentDomain.FirstChanceException -= Count;
        Assert.Equal(50, answer.Elements.Length);
        Assert.Equal(0, thrown);
    }

    [Theory]
    [InlineData("application/json", "\"", "\\u0001", "\"")]
    [InlineData("application/json", "[", "\"\",\"\\b\",", "1]")]
    [InlineData("application/json", "[", "\"a\",\"bc\",", "1]")]
    [InlineData("application/json", "{", "\"\":0,", "\"\":1}")]
    [InlineData("text/plain", "", "\u0001", "")]
    [InlineData("text/plain", "", "\"\\", "")]
    public void Message_of_nothing_but_escapes_or_tokens_costs_in_proportion_to_its_length(string type, string opening, string piece, string ending)
    {
        var msg = opening + string.Concat(Enumerable.Repeat(piece, 60_000 / piece.Length)) + ending;
        var body = Encoding.UTF8.GetBytes(type == "text/plain" ? msg : $"{{\"msg\":{msg}}}");
        var (answer, allocated, _) = _call.Publish($"?channel={Asking.NewChannel()}", body, type);
        Assert.Equal(200, answer.Status);
        Assert.InRange(allocated, 0, (body.Length * PerByte * 2) + Beside);
    }

    private static (string Query, byte[]? Body, string? Type) Request(string name, string way)
    {
        var escaped = string.Concat(name.Select(c => $"%{(int)c:X2}"));
        var json = string.Concat(name.Select(c => $"\\u{(int)c:x4}"));
        var part = $"--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n\r\n";
        return way switch
        {
            "query" => ($"?{Repeat($"{name}=", '&')}", null, null),
            "escaped query" => ($"?{Repeat($"{escaped}=%FF", '&')}", null, null),
            "form" => ("", Encoding.UTF8.GetBytes(Repeat($"{name}=", '&')), "application/x-www-form-urlencoded"),
            "multipart" => ("", Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(part, 10_000)) + "--b--"), "multipart/form-data; boundary=b"),
            "object" => ("", Encoding.UTF8.GetBytes($"{{{Repeat($"\"{name}\":\"\"", ',')}}}"), "application/json"),
            "escaped object" => ("", Encoding.UTF8.GetBytes($"{{{string.Join(',', Enumerable.Repeat($"\"{json}\":\"\"", 10_000))}}}"), "application/json"),
            _ => ("?channel=a", Encoding.UTF8.GetBytes($"[{{{Repeat($"\"{name}\":\"\"", ',')}}}]"), "application/json"),
        };
    }

    private static string Repeat(string text, char between) => string.Join(between, Enumerable.Repeat(text, Many));
}
