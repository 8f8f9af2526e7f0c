using System.Text.RegularExpressions;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Docs;

/// <summary>The receiver of docs/webhooks.md takes what it is posted, each event once, and nothing that is not signed.</summary>
public sealed partial class WebhookRecipeTests
{
    [Fact]
    public async Task Receiver_of_the_document_takes_events_of_every_kind_and_refuses_what_is_not_signed()
    {
        var folder = Directory.CreateTempSubdirectory("ccomet-receiver-");
        var port = Ports.Take();
        var path = Path.Combine(folder.FullName, "receiver.mjs");
        await File.WriteAllTextAsync(path, Script().Match(Documents.Read("docs/webhooks.md")).Groups[1].Value.Replace("3000", $"{port}", StringComparison.Ordinal));
        await using (var receiver = RunningProgram.Start("env", "nodejs", folder.FullName, [$"SECRET={WebhookReceiver.Secret}", "node", path]))
        {
            using var http = new HttpClient();
            await Eventually.TrueAsync(() => AnswersAsync(http, port), "A receiver that refuses a post without a signature");
            await using var server = await LiveServer.StartAsync(
                "CComet:Hooks:0:Name=shop", $"CComet:Hooks:0:Url=http://127.0.0.1:{port}", "CComet:Hooks:0:Channels=*", "CComet:Hooks:0:Events=Message,Join,Leave,Occupied,Vacated",
                $"CComet:Hooks:0:Secret={WebhookReceiver.Secret}", "CComet:Presence:Channels=*", "CComet:Presence:LeaveAfter=00:00:00.1");
            await server.PublishAsync("room.1", "hello");
            await server.Http.GetAsync("/sub?channel=room.1&sname=ann&wait=0");
            await server.PublishAsync("room.1", "bye");
            string[] wanted = ["join room.1 \"ann\"", "leave room.1 \"ann\"", "message room.1 \"bye\"", "message room.1 \"hello\"", "occupied room.1 \"\"", "vacated room.1 \"\""];
            await Eventually.TrueAsync(() => receiver.Lines.Count >= wanted.Length, "All events");
            Assert.Equal(wanted, receiver.Lines.Order(StringComparer.Ordinal));
        }

        folder.Delete(recursive: true);
    }

    private static async Task<bool> AnswersAsync(HttpClient http, int port)
    {
        try
        {
            using var content = new StringContent("""{"events":[]}""");
            using var answer = await http.PostAsync($"http://127.0.0.1:{port}/", content);
            return (int)answer.StatusCode == 401;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    [GeneratedRegex("^```js\\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Script();
}
