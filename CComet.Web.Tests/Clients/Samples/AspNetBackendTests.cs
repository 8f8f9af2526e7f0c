using System.Net.Http.Json;
using System.Text.Json;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Clients.Samples;

/// <summary><c>samples/AspNetBackend</c>, run as its README says: beside a push server.</summary>
public sealed class AspNetBackendTests
{
    private static readonly Sample Backend = new("AspNetBackend");

    [Fact]
    public async Task Order_is_published_once_and_handled_once_over_restarts_of_the_application_and_a_killed_server()
    {
        await using var server = await KilledServer.StartAsync();
        var first = Start(server);
        await using (first)
        {
            using var customer = await first.ClientAsync();
            Assert.Equal((0, false), await PlaceAsync(customer, "7"));
            Assert.Equal((0, true), await PlaceAsync(customer, "7"));
            await HandledAsync(first, 1);
            await server.KillAsync();
            await server.StartAgainAsync();
            Assert.Equal((1, false), await PlaceAsync(customer, "8"));
            await HandledAsync(first, 2);
            first.Terminate();
            Assert.Equal(0, await first.ExitAsync());
        }

        // Another application's, while this one is away; and one that is no order.
        await server.PublishAsync("orders", new { id = "9", item = "tea", count = 2 });
        await server.PublishAsync("orders", "no order");
        await using var second = Start(server);
        using var again = await second.ClientAsync();
        Assert.Equal((4, false), await PlaceAsync(again, "10"));
        await HandledAsync(second, 2);

        Assert.Equal(["Order 7: 2 × tea", "Order 8: 2 × tea", "Order 9: 2 × tea", "Order 10: 2 × tea"], Handled(first).Concat(Handled(second)));
        Assert.Contains(second.Output, line => line.Contains("Message 3 is no order", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Order_that_is_wrong_is_refused_by_the_name_of_what_is_wrong()
    {
        await using var server = await KilledServer.StartAsync();
        await using var backend = Start(server);
        using var customer = await backend.ClientAsync();
        foreach (var (order, parameter) in ((object, string)[])[(new { item = "", count = 1 }, "item"), (new { item = "tea", count = 0 }, "count")])
        {
            using var answer = await customer.PutAsJsonAsync("/orders/7", order);
            Assert.Equal(400, (int)answer.StatusCode);
            Assert.True((await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors").TryGetProperty(parameter, out _));
        }
    }

    private static ServerProcess Start(KilledServer server) =>
        ServerProcess.StartIn(Backend.Folder, "dotnet", Backend.Program, "--urls=http://127.0.0.1:0", $"--Push:Url={server.Url}", $"--Push:Cursor={Path.Combine(server.Folder, "orders.cursor")}");

    /// <summary>Places an order, by what the README gives curl.</summary>
    private static async Task<(long Seqid, bool Duplicate)> PlaceAsync(HttpClient customer, string id)
    {
        using var answer = await customer.PutAsync(new Uri($"/orders/{id}", UriKind.Relative), Asking.Body("""{"item":"tea","count":2}"""));
        Assert.Equal(202, (int)answer.StatusCode);
        var receipt = await answer.Content.ReadFromJsonAsync<JsonElement>();
        return (receipt.GetProperty("seqid").GetInt64(), receipt.GetProperty("duplicate").GetBoolean());
    }

    private static Task HandledAsync(ServerProcess backend, int count) => Eventually.TrueAsync(() => Handled(backend).Count() >= count, $"{count} orders");

    private static IEnumerable<string> Handled(ServerProcess backend) => backend.Output.Select(line => line.Trim()).Where(line => line.StartsWith("Order ", StringComparison.Ordinal));
}
