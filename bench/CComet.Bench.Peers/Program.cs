using CComet.Bench.Peers;
using Microsoft.AspNetCore.SignalR;

// Two peers of the same framework as CComet, each as its documentation begins: SignalR with a group for each channel, and, alone in a
// process of its own, a minimal API with one endpoint that does nothing.
var builder = WebApplication.CreateBuilder(args);
builder.Logging.SetMinimumLevel(LogLevel.Warning);
var isEmpty = builder.Configuration.GetValue("empty", false);
if (!isEmpty) builder.Services.AddSignalR();

var app = builder.Build();
if (isEmpty)
{
    app.MapPost("/empty", () => { });
}
else
{
    app.MapHub<ChannelsHub>("/hub");
    app.MapPost("/pub", async (string channel, HttpRequest request, IHubContext<ChannelsHub> hub) =>
    {
        using var body = new StreamReader(request.Body);
        await hub.Clients.Group(channel).SendAsync("message", await body.ReadToEndAsync());
    });
}

await app.RunAsync();
