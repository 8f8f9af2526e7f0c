using AspNetBackend;
using CComet.Client;

var builder = WebApplication.CreateBuilder(args);
var settings = builder.Configuration.GetSection("Push");

// One client for the application's life. A token may be different each time that it is asked for.
builder.Services.AddCCometClient(new Uri(settings["Url"]!), (_, client) =>
{
    if (settings["Token"] is { Length: > 0 } token) client.Token = _ => Task.FromResult<string?>(token);
});
builder.Services.AddSingleton(new CursorFile(Path.Combine(builder.Environment.ContentRootPath, settings["Cursor"]!)));
builder.Services.AddHostedService<OrderFollower>();

var app = builder.Build();

// An order that is placed twice by one number is published once, for as long as the server remembers the id: 5 minutes.
app.MapPut("/orders/{id}", async (string id, OrderRequest request, CCometClient push, CancellationToken cancellation) =>
{
    if (id.Length > 100) return Invalid("id", "has at most 100 characters");
    if (string.IsNullOrWhiteSpace(request.Item) || request.Item.Length > 200) return Invalid("item", "is missing, or longer than 200 characters");
    if (request.Count < 1) return Invalid("count", "must be at least 1");
    var order = CCometPayload.From(new Order(id, request.Item, request.Count), OrderJson.Default.Order);
    try
    {
        var receipt = await push.PublishAsync(Order.Channel, order, new PublishOptions { Id = $"order-{id}", Timeout = TimeSpan.FromSeconds(5) }, cancellation);
        return Results.Accepted(value: new { receipt.Seqid, receipt.Duplicate });
    }
    catch (CCometException e)
    {
        return Results.Problem(e.Detail, statusCode: StatusCodes.Status503ServiceUnavailable, title: "The order could not be published.");
    }
});

app.Run();

static IResult Invalid(string parameter, string problem) => Results.ValidationProblem(new Dictionary<string, string[]> { [parameter] = [$"{parameter} {problem}."] });
