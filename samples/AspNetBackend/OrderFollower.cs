using System.Text.Json;
using CComet.Client;

namespace AspNetBackend;

/// <summary>Follows the orders, for as long as the application runs, from where it left them the last time.</summary>
internal sealed partial class OrderFollower(CCometClient push, CursorFile saved, ILogger<OrderFollower> logger) : BackgroundService
{
    /// <remarks>A final refusal, such as a missing right, ends the method by a <see cref="CCometException"/>, and with it the host.</remarks>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var from = saved.Read() ?? CCometCursor.Start;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await foreach (var message in push.SubscribeAsync(Order.Channel, new SubscribeOptions { From = from }, stoppingToken))
                {
                    Handle(message);
                    saved.Write(from = message.Cursor);
                }
            }
            catch (CCometGapException e)
            {
                // Here an application that keeps a copy of the orders reads all of them anew.
                Lost(logger, e.Gap.From, e.Gap.To);
                saved.Write(from = e.Gap.Cursor);
            }
        }
    }

    /// <summary>Does the work. A message whose cursor was not saved is handled again after a crash.</summary>
    private void Handle(CCometMessage message)
    {
        try
        {
            if (message.Read(OrderJson.Default.Order) is { Id: not null } order) Came(logger, order.Id, order.Count, order.Item);
            else Odd(logger, message.Seqid);
        }
        catch (JsonException)
        {
            // It would be no order the next time either.
            Odd(logger, message.Seqid);
        }
    }

    [LoggerMessage(1, LogLevel.Information, "Order {Id}: {Count} × {Item}")]
    private static partial void Came(ILogger logger, string id, int count, string item);

    [LoggerMessage(2, LogLevel.Warning, "Orders {From} to {To} are lost")]
    private static partial void Lost(ILogger logger, long from, long? to);

    [LoggerMessage(3, LogLevel.Warning, "Message {Seqid} is no order")]
    private static partial void Odd(ILogger logger, long seqid);
}
