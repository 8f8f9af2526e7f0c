using System.Net;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace CComet.Web.Tests.Contract.Faults;

/// <summary>A WebSocket whose credential is renewed: in place by a frame, or by the next WebSocket, which is opened before this one is closed.</summary>
public sealed class RenewingSocket(Uri address, string? sname, Checker checker, Credential credential, CancellationTokenSource silence, TimeSpan maxSilence)
{
    private readonly byte[] _buffer = new byte[64 << 10];

    /// <summary>Follows until something ends it.</summary>
    public async Task RunAsync(Func<bool> isDone)
    {
        var socket = await OpenAsync();
        try
        {
            if (socket is null) return;
            while (!isDone())
            {
                if (await ReceiveAsync(socket) is not { } elements || !Take(elements)) return;
                if (!credential.IsDue) continue;
                if (credential.Carrier == Carrier.Frame)
                {
                    await ShowAsync(socket);
                    continue;
                }

                // What comes between the two comes twice.
                var (epoch, next) = (checker.Epoch, checker.Next);
                var newer = await OpenAsync();
                if (newer is null) return;
                var old = socket;
                socket = newer;
                using (old)
                {
                    if (await ReceiveAsync(newer) is not [var cursor, ..] first) return;
                    if (cursor.GetProperty("type").GetString() == "CURSOR" && (cursor.GetProperty("epoch").GetString(), cursor.GetProperty("seqid").GetInt64()) != (epoch, next))
                        throw new PromiseBrokenException($"asked from {epoch}:{next}, the new connection begins at {cursor}");
                    if (cursor.GetProperty("type").GetString() is "BYE" or "409") return;
                    if (await ReceiveAsync(old) is { } last) Take(last);
                    if (!Take(first[1..])) return;
                }
            }
        }
        finally
        {
            socket?.Dispose();
        }
    }

    private async Task<ClientWebSocket?> OpenAsync()
    {
        var socket = new ClientWebSocket();
        try
        {
            if (credential.Carrier == Carrier.Reopened) socket.Options.SetRequestHeader("Authorization", $"Bearer {credential.Token()}");
            socket.Options.CollectHttpResponseDetails = true;
            await socket.ConnectAsync(new Uri($"{address}&{checker.Query}{(sname is null ? "" : $"&sname={sname}")}"), silence.Token);
            if (credential.Carrier == Carrier.Frame) await ShowAsync(socket);
            else credential.Accept();
            return socket;
        }
        catch (WebSocketException) when (socket.HttpStatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
        {
            credential.Refuse((int)socket.HttpStatusCode);
            socket.Dispose();
            return null;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task ShowAsync(ClientWebSocket socket) =>
        await socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(new { type = "auth", token = credential.Token() }), WebSocketMessageType.Text, endOfMessage: true, silence.Token);

    /// <summary>The elements of the next frame; null when it is a close.</summary>
    private async Task<JsonElement[]?> ReceiveAsync(ClientWebSocket socket)
    {
        using var message = new MemoryStream();
        ValueWebSocketReceiveResult read;
        do
        {
            read = await socket.ReceiveAsync(_buffer.AsMemory(), silence.Token);
            if (read.MessageType == WebSocketMessageType.Close) return null;
            message.Write(_buffer, 0, read.Count);
        }
        while (!read.EndOfMessage);
        silence.CancelAfter(maxSilence);
        return Client.ArrayOf(Encoding.UTF8.GetString(message.ToArray()));
    }

    /// <summary>Takes what is new of a frame; false when it ends the connection.</summary>
    private bool Take(IEnumerable<JsonElement> elements)
    {
        foreach (var element in elements)
        {
            switch (element.GetProperty("type").GetString())
            {
                case "auth":
                    credential.Accept();
                    break;
                case "401":
                    credential.Refuse(401);
                    return false;
                case "403":
                    credential.Refuse(403);
                    return false;
                case "503":
                    // The server stops while it looks at the credential.
                    return false;
                case "MSG" when credential.Carrier == Carrier.Reopened && element.GetProperty("seqid").GetInt64() < checker.Next:
                    break;
                case "CURSOR" when credential.Carrier == Carrier.Frame:
                    credential.Accept();
                    checker.Take(element);
                    break;
                default:
                    if (!checker.Take(element)) return false;
                    break;
            }
        }

        return true;
    }
}
