using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net.Http.Headers;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Access;

/// <summary>No token, ticket or text of a message is in what the process tells its listeners: the tags of its meters, and its activities.</summary>
[Collection(Alone.Name)]
public sealed class TelemetrySecrecyTests : IDisposable
{
    private const string Text = "what-ann-says-to-bob";

    private readonly ConcurrentQueue<string> _told = [];
    private readonly MeterListener _meters = new() { InstrumentPublished = (instrument, listener) => listener.EnableMeasurementEvents(instrument) };
    private readonly ActivityListener _activities;

    /// <summary>A publish, a ticket and a WebSocket, and what is begun.</summary>
    private int _asked = 3;

    public TelemetrySecrecyTests()
    {
        _meters.SetMeasurementEventCallback<byte>(Keep);
        _meters.SetMeasurementEventCallback<short>(Keep);
        _meters.SetMeasurementEventCallback<int>(Keep);
        _meters.SetMeasurementEventCallback<long>(Keep);
        _meters.SetMeasurementEventCallback<float>(Keep);
        _meters.SetMeasurementEventCallback<double>(Keep);
        _meters.SetMeasurementEventCallback<decimal>(Keep);
        _meters.Start();
        _activities = new ActivityListener
        {
            // What the test's own client tells has the address that it asks for.
            ShouldListenTo = source => !source.Name.StartsWith("System.Net.Http", StringComparison.Ordinal),
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = Keep,
        };
        ActivitySource.AddActivityListener(_activities);
    }

    public void Dispose()
    {
        _meters.Dispose();
        _activities.Dispose();
    }

    [Fact]
    public async Task Meters_and_activities_have_no_token_ticket_or_text()
    {
        await using var server = await TokenServer.StartAsync(TimeProvider.System);
        var ann = server.TokenOf("ann", "subscribe=room.*", "publish=room.*");
        var wrong = ann[..^3] + "AAA";
        var ticket = await server.TicketAsync(ann, "subscribe", "room.1");
        Assert.Equal(200, (await server.PublishAsync(ann, "room.1", Text, id: Text)).Status);
        foreach (var path in (string[])["/sub?wait=0&seqid=0", "/sub?wait=0&seqid=0&callback=f", "/sse?seqid=0", "/stream?seqid=0", "/sign?x", $"/pub?msg={Text}", "/nowhere?x"])
        {
            foreach (var channel in (string[])["room.1", "hall"])
            {
                await BeginAsync(server, $"{path}&channel={channel}", ann);
                await BeginAsync(server, $"{path}&channel={channel}", wrong);
                await BeginAsync(server, $"{path}&channel={channel}&ticket={ticket}");
                await BeginAsync(server, $"{path}&channel={channel}&ticket={ticket[..^3]}AAA");
                await BeginAsync(server, $"{path}&channel={channel}&token={ann}");
                await BeginAsync(server, $"{path}&channel={channel}", cookie: ann);
            }
        }

        using (var socket = await RawSocket.OpenAsync(server.Port, "channel=room.1"))
        {
            await socket.SendJsonAsync(new { type = "auth", token = ann });
            await socket.ElementsAsync();
        }

        _meters.RecordObservableInstruments();
        await Eventually.TrueAsync(() => _told.Count(IsEnd) >= _asked, "All requests have ended");

        // All is listened to, or nothing is protected.
        foreach (var said in (string[])["http.server.request.duration", "ccomet.published", "http.response.status_code=403", "activity Microsoft.AspNetCore"])
            Assert.Contains(_told, line => line.Contains(said, StringComparison.Ordinal));
        string[] secrets = [Text, ann, wrong, ticket, .. ann.Split('.'), ticket[..40]];
        Assert.All(_told, line => Assert.All(secrets, secret => Assert.False(line.Contains(secret, StringComparison.Ordinal), $"'{secret}' is in: {line}")));
    }

    private static bool IsEnd(string line) => line.Contains(" http.server.active_requests -1 ", StringComparison.Ordinal);

    private async Task BeginAsync(TokenServer server, string path, string? token = null, string? cookie = null)
    {
        _asked++;
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (token is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (cookie is not null) Assert.True(request.Headers.TryAddWithoutValidation("Cookie", $"__Host-ccomet={cookie}"));
        using var answer = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    private static string Join(IEnumerable<KeyValuePair<string, object?>> tags) => string.Join(' ', tags.Select(tag => $"{tag.Key}={tag.Value}"));

    private void Keep<T>(Instrument instrument, T value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state) =>
        _told.Enqueue($"{instrument.Meter.Name} {instrument.Name} {value} {Join(tags.ToArray())}");

    private void Keep(Activity activity) => _told.Enqueue(
        $"activity {activity.Source.Name} {activity.OperationName} {activity.DisplayName} {activity.StatusDescription} {Join(activity.TagObjects)} {Join(activity.Baggage.Select(b => KeyValuePair.Create(b.Key, (object?)b.Value)))} "
        + string.Join(' ', activity.Events.Select(e => $"{e.Name} {Join(e.Tags)}")));
}
