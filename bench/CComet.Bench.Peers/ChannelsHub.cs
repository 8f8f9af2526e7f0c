using Microsoft.AspNetCore.SignalR;

namespace CComet.Bench.Peers;

/// <summary>Whoever connects follows the channel named in the address.</summary>
internal sealed class ChannelsHub : Hub
{
    public override Task OnConnectedAsync() => Groups.AddToGroupAsync(Context.ConnectionId, Context.GetHttpContext()!.Request.Query["channel"].ToString());
}
