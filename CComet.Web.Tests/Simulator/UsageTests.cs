using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Simulator;

/// <summary>What cannot be run is refused by one line, before anything is sent.</summary>
public sealed class UsageTests
{
    [Theory]
    [InlineData("fanout", "--url")]
    [InlineData("fanout --url http://127.0.0.1:1 --transport pigeon", "--transport")]
    [InlineData("fanout --url http://127.0.0.1:1 --subscribers 0", "--subscribers")]
    [InlineData("fanout --url http://127.0.0.1:1 --rate fast", "--rate")]
    [InlineData("fanout --url http://127.0.0.1:1 --duration 10x", "--duration")]
    [InlineData("fanout --url http://127.0.0.1:1 --duration", "--duration")]
    [InlineData("soak --url http://127.0.0.1:1 --seed -1", "--seed")]
    [InlineData("chat --url http://127.0.0.1:1 --wings 2", "--wings")]
    [InlineData("idle --url ftp://127.0.0.1", "--url")]
    [InlineData("idle --url http://192.0.2.7", "--i-own-this-host")]
    [InlineData("idle --url http://127.0.0.1:1 --server-pid none", "--server-pid")]
    [InlineData("idle --url http://127.0.0.1:1 --report /no/such/folder/out.html", "--report")]
    public async Task Wrong_option_ends_with_2_and_one_line_that_names_it(string arguments, string option)
    {
        var run = await Simulation.RunAsync(arguments);
        Assert.Equal((2, ""), (run.ExitCode, run.Output));
        Assert.Contains(option, Assert.Single(run.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task More_subscribers_than_files_may_be_open_end_with_2()
    {
        var run = await Simulation.RunAsync("idle --url http://127.0.0.1:1 --subscribers 1000000");
        if (CComet.Simulator.Scenarios.Preflight.OpenFilesLimit() is null or > 1_000_000) return;
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("do not fit", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_that_does_not_answer_ends_with_3()
    {
        var run = await Simulation.RunAsync($"fanout --url http://127.0.0.1:{Ports.Take()}");
        Assert.Equal((3, ""), (run.ExitCode, run.Output));
        Assert.Contains("does not answer", Assert.Single(run.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_prints_its_table_and_writes_a_page_that_needs_nothing_from_elsewhere()
    {
        await using var server = await LiveServer.StartAsync();
        var file = Path.GetTempFileName();
        try
        {
            var run = await Simulation.RunAsync($"chat --url {server.Url} --rooms 2 --people 3 --duration 500ms --drain 2m --report {file} --server-pid {Environment.ProcessId}");
            Assert.True(run.ExitCode == 0, run.Errors);
            Assert.Contains("phase ", run.Output, StringComparison.Ordinal);
            Assert.Contains("Delivery latency p99", run.Output, StringComparison.Ordinal);
            Assert.Contains("The promise was kept.", run.Output, StringComparison.Ordinal);
            var page = await File.ReadAllTextAsync(file);
            Assert.Equal(3, page.Split("<svg ").Length - 1);
            foreach (var outside in (string[])["<script", "<link", "src=", "url(", "@import"]) Assert.DoesNotContain(outside, page, StringComparison.OrdinalIgnoreCase);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
