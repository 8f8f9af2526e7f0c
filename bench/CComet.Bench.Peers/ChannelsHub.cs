using Microsoft.AspNetCore.SignalR;

namespace CComet.Bench.Peers;

/// <summary>Subscribes every connection to the channel named in its address.</summary>
internal sealed class ChannelsHub : Hub
{
    public override Task OnConnectedAsync() => Groups.AddToGroupAsync(Context.ConnectionId, Context.GetHttpContext()!.Request.Query["channel"].ToString());
}
