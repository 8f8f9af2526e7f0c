using System.Text.Json;
using CComet.Storage;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Dialects.Ccomet2014;

/// <summary>What <c>/subscribe</c> tells the page of 2014. The clock moves only when a test moves it.</summary>
public abstract class SubscribeTests : IDisposable
{
    private const string EmptyScript = "/**/";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ccomet-2014-");
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly CCometFactory _factory;
    private readonly HttpClient _http;

    protected SubscribeTests(string store)
    {
        _factory = New(store);
        _http = _factory.CreateClient();
    }

    public void Dispose()
    {
        _http.Dispose();
        _factory.Dispose();
        _folder.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Sign_in_is_never_told_again()
    {
        await SignAsync("ann");
        await _http.PublishAsync("c", "one", ("sname", "ann"));
        await SignAsync("bob");
        await _http.PublishAsync("c", "two", ("sname", "ann"));

        Assert.Equal(["MSG one 1", "MSG two 3"], Told(await PollAsync("seqid=0")));
    }

    [Fact]
    public async Task Sign_in_is_told_to_a_poll_that_waits_alone_in_its_array_and_the_next_poll_has_the_message()
    {
        await SignAsync("ann");
        var poll = PollAsync("seqid=0");
        await ParkedAsync(1);
        await SignAsync("bob");
        Assert.Equal(["SIGN SIGN 1"], Told(await poll));

        await _http.PublishAsync("c", "hello");
        Assert.Equal(["MSG hello 2"], Told(await PollAsync("seqid=0")));
    }

    [Fact]
    public async Task Sign_in_is_not_told_to_a_poll_that_comes_behind_it()
    {
        await SignAsync("ann");
        var poll = PollAsync("seqid=0");
        await ParkedAsync(1);
        Assert.False(poll.IsCompleted);
        await _http.PublishAsync("c", "hello");
        Assert.Equal(["MSG hello 1"], Told(await poll));
    }

    [Fact]
    public async Task Message_keeps_its_seqid()
    {
        for (var i = 0; i < 5; i++) await _http.PublishAsync("c", $"{i}");
        Assert.Equal(["MSG 3 3", "MSG 4 4"], Told(await PollAsync("seqid=3")));
    }

    [Fact]
    public async Task Poll_for_which_nothing_comes_is_silent_and_ends_with_a_script_that_calls_nothing()
    {
        var poll = PollAsync("seqid=0");
        await ParkedAsync(1);
        _time.Advance(TimeSpan.FromSeconds(27));
        Assert.False(poll.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(2));
        AssertNothing(await poll);
    }

    [Fact]
    public async Task Poll_without_a_callback_ends_without_content()
    {
        var poll = _http.AskAsync("/subscribe?channel=c&sname=eve&seqid=0");
        await ParkedAsync(1);
        _time.Advance(TimeSpan.FromSeconds(29));
        var answer = await poll;
        Assert.Equal((204, ""), (answer.Status, answer.Text));
    }

    [Fact]
    public async Task Seqid_beyond_the_end_is_answered_with_everything_kept()
    {
        await SignAsync("ann");
        await _http.PublishAsync("c", "one");
        await _http.PublishAsync("c", "two");
        Assert.Equal(["MSG one 1", "MSG two 2"], Told(await PollAsync("seqid=40")));
    }

    [Fact]
    public async Task Seqid_of_a_log_that_is_gone_is_answered_with_everything_that_the_new_one_keeps()
    {
        for (var i = 0; i < 3; i++) await _http.PublishAsync("c", $"old{i}");
        await using var next = New("Memory");
        using var http = next.CreateClient();
        await http.PublishAsync("c", "new0");
        await http.PublishAsync("c", "new1");
        Assert.Equal(["MSG new0 0", "MSG new1 1"], Told(await http.AskAsync("/subscribe?channel=c&sname=eve&seqid=3&callback=f")));
    }

    [Fact]
    public async Task Log_that_is_cleared_while_a_poll_waits_is_told_as_its_first_messages()
    {
        for (var i = 0; i < 3; i++) await _http.PublishAsync("c", $"old{i}");
        var poll = PollAsync("seqid=3");
        await ParkedAsync(1);
        await ((IClearingStore)_factory.Hub.Context.Store).ClearAsync("c", default);
        await _http.PublishAsync("c", "new");
        Assert.Equal(["MSG new 0"], Told(await poll));
    }

    [Fact]
    public async Task Gap_is_passed_over_without_an_element()
    {
        await using var factory = New("Memory", "CComet:History:MaxMessages=2");
        using var http = factory.CreateClient();
        for (var i = 0; i < 5; i++) await http.PublishAsync("c", $"{i}");
        Assert.Equal(["MSG 3 3", "MSG 4 4"], Told(await http.AskAsync("/subscribe?channel=c&sname=eve&seqid=0&callback=f")));
    }

    [Fact]
    public async Task Messages_published_together_are_told_together_to_a_poll_that_waits()
    {
        var poll = PollAsync("seqid=0");
        await ParkedAsync(1);
        await _http.AskAsync("/pub?channel=c", Asking.Body("""[{"msg":"one"},{"msg":"two"},{"msg":3}]"""));
        Assert.Equal(["MSG one 0", "MSG two 1", "MSG 3 2"], Told(await poll));
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("&sname=<b>&lt;i&gt;</b>", "&lt;b&gt;&lt;i&gt;&lt;/b&gt;")]
    [InlineData("&sname=a%26lt;b", "a&lt;b")]
    public async Task Sign_in_that_is_told_has_a_text_without_markup_in_sname(string sname, string told)
    {
        var poll = PollAsync("seqid=0");
        await ParkedAsync(1);
        await _http.AskAsync($"/sign?channel=c{sname}");
        var sign = Assert.Single((await poll).JsonpElements("f"));
        Assert.Equal(("SIGN", told, "SIGN"), (TextOf(sign, "type"), TextOf(sign, "sname"), TextOf(sign, "msg")));
    }

    [Fact]
    public async Task Seqid_beyond_the_end_of_an_empty_log_waits_for_what_comes()
    {
        var poll = PollAsync("seqid=40");
        await ParkedAsync(1);
        await _http.PublishAsync("c", "first");
        Assert.Equal(["MSG first 0"], Told(await poll));
    }

    [Fact]
    public async Task Newer_poll_of_the_same_name_ends_the_older_one_with_a_script_that_calls_nothing()
    {
        var older = PollAsync("seqid=0");
        await ParkedAsync(1);
        var newer = PollAsync("seqid=0");

        // The hold-back of the older, and the newer.
        await ParkedAsync(2);
        Assert.False(older.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1.2));
        AssertNothing(await older);
        await _http.PublishAsync("c", "hello");
        Assert.Equal(["MSG hello 0"], Told(await newer));
    }

    [Fact]
    public async Task Poll_for_which_there_is_no_place_waits_for_one()
    {
        await using var factory = New("Memory", "CComet:Limits:SubscribersPerChannel=1");
        using var http = factory.CreateClient();
        var occupant = http.AskAsync("/sub?channel=c");
        await Eventually.TrueAsync(() => factory.Hub.Context.Wheel.Count == 1, "Parking");
        var poll = http.AskAsync("/subscribe?channel=c&sname=eve&seqid=0&callback=f");
        await Eventually.TrueAsync(() => factory.Hub.Context.Wheel.Count == 2, "The pause before the next attempt");
        await http.PublishAsync("c", "hello");
        await occupant;
        Assert.False(poll.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1.2));
        Assert.Equal(["MSG hello 0"], Told(await poll));
    }

    [Fact]
    public async Task Poll_for_which_there_never_is_a_place_ends_with_a_script_that_calls_nothing()
    {
        await using var factory = New("Memory", "CComet:Limits:SubscribersPerChannel=1", "CComet:Poll:Timeout=00:00:10");
        using var http = factory.CreateClient();
        var occupant = http.AskAsync("/ws?channel=other");
        using var over = new CancellationTokenSource();
        var stream = http.GetStreamAsync(new Uri("/stream?channel=c", UriKind.Relative), over.Token);
        await Eventually.TrueAsync(() => factory.Hub.Find("c")?.Subscribers == 1, "The occupant");
        var poll = http.AskAsync("/subscribe?channel=c&sname=eve&seqid=0&callback=f");
        AssertNothing(await _time.UntilAsync(poll, TimeSpan.FromMilliseconds(250)));
        await over.CancelAsync();
        Assert.NotEqual(200, (await occupant).Status);
        _ = stream;
    }

    [Fact]
    public async Task Stop_ends_a_poll_with_a_script_that_calls_nothing()
    {
        var poll = PollAsync("seqid=0");
        await ParkedAsync(1);
        _factory.Hub.Drain();
        AssertNothing(await poll);
    }

    [Fact]
    public async Task Every_element_has_texts_in_sname_and_msg()
    {
        await _http.AskAsync("/pub", Asking.Body("""{"channel":"c","msg":{"a":["<",1]}}"""));
        await _http.PublishAsync("c", "native", ("sname", "<img src=x>&lt;"));
        var elements = (await PollAsync("seqid=0")).JsonpElements("f");
        Assert.Equal(("", """{"a":["<",1]}"""), (TextOf(elements[0], "sname"), TextOf(elements[0], "msg")));

        // The page puts names into its HTML as they are.
        Assert.Equal(("&lt;img src=x&gt;&lt;", "native"), (TextOf(elements[1], "sname"), TextOf(elements[1], "msg")));
    }

    [Fact]
    public async Task History_of_five_hundred_messages_comes_in_order_and_once()
    {
        for (var i = 0; i < 500; i++) await _http.PublishAsync("c", $"{i}");
        var (next, got) = (0L, new List<string>());
        while (got.Count < 500)
        {
            var elements = (await PollAsync($"seqid={next}")).JsonpElements("f");
            got.AddRange(elements.Select(e => TextOf(e, "msg")));
            next = elements[^1].GetProperty("seqid").GetInt64() + 1;
        }

        Assert.Equal(Enumerable.Range(0, 500).Select(i => $"{i}"), got);
    }

    [Theory]
    [InlineData("sname=eve&seqid=0", "channel")]
    [InlineData("channel=c&seqid=abc", "seqid")]
    [InlineData("channel=c&seqid=-1", "seqid")]
    [InlineData("channel=c&channel=d&seqid=0&seqid=0", "channel")]
    public async Task Bad_parameter_is_told_in_band_and_held_back(string query, string parameter)
    {
        var poll = _http.AskAsync($"/subscribe?{query}&callback=f");
        await ParkedAsync(1);
        (await _time.UntilAsync(poll, TimeSpan.FromMilliseconds(250))).AssertJsonpProblem("f", "400", parameter);
    }

    [Theory]
    [InlineData("seqid=abc", "seqid")]
    [InlineData("channel=d&seqid=0&seqid=0", "channel")]
    public async Task Bad_parameter_of_a_poll_without_a_callback_is_told_at_once(string query, string parameter) =>
        (await _http.AskAsync($"/subscribe?channel=c&{query}")).AssertProblem(400, parameter);

    [Theory]
    [InlineData("")]
    [InlineData("a(b")]
    [InlineData("%3Cscript%3E")]
    public async Task Callback_that_cannot_be_called_is_refused_as_text(string callback)
    {
        var answer = await _http.AskAsync($"/subscribe?channel=c&seqid=0&callback={callback}");
        Assert.Equal((400, "text/plain; charset=utf-8"), (answer.Status, answer.Header("Content-Type")));
    }

    private static string TextOf(JsonElement element, string member) => element.GetProperty(member).GetString()!;

    private static string[] Told(Answer answer) => [.. answer.JsonpElements("f").Select(e => $"{TextOf(e, "type")} {TextOf(e, "msg")} {e.GetProperty("seqid")}")];

    private static void AssertNothing(Answer answer) =>
        Assert.Equal((200, "text/javascript; charset=utf-8", EmptyScript), (answer.Status, answer.Header("Content-Type"), answer.Text));

    private CCometFactory New(string store, params string[] settings) =>
        new(_time, [$"CComet:Store:Kind={store}", $"CComet:Store:Path={Path.Combine(_folder.FullName, "c.db")}", .. settings]);

    private Task<Answer> PollAsync(string query) => _http.AskAsync($"/subscribe?channel=c&sname=eve&{query}&time=1&callback=f&_=2");

    private Task<Answer> SignAsync(string sname) => _http.AskAsync($"/sign?channel=c&sname={sname}");

    private Task ParkedAsync(int count) => Eventually.TrueAsync(() => _factory.Hub.Context.Wheel.Count == count, "Parking");

    /// <summary>On the memory store.</summary>
    public sealed class OnMemory() : SubscribeTests("Memory");

    /// <summary>On the SQLite store.</summary>
    public sealed class OnSqlite() : SubscribeTests("Sqlite")
    {
        [Fact]
        public async Task Messages_keep_their_seqids_and_sign_ins_stay_untold_after_a_restart()
        {
            await SignAsync("ann");
            await _http.PublishAsync("c", "one");
            await SignAsync("bob");
            await _http.PublishAsync("c", "two");
            await _factory.DisposeAsync();

            await using var next = New("Sqlite");
            using var http = next.CreateClient();
            Assert.Equal(["MSG one 1", "MSG two 3"], Told(await http.AskAsync("/subscribe?channel=c&sname=eve&seqid=0&callback=f")));
            var poll = http.AskAsync("/subscribe?channel=c&sname=eve&seqid=4&callback=f");
            await Eventually.TrueAsync(() => next.Hub.Context.Wheel.Count == 1, "Parking");
            await http.PublishAsync("c", "three");
            Assert.Equal(["MSG three 4"], Told(await poll));
        }
    }
}
