using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using CComet.Bench.Load;

namespace CComet.Bench.Peers;

/// <summary>
/// A client of SignalR's hub protocol in JSON: it negotiates, opens its transport, shakes hands by a request beside it, and is told that it
/// waits.
/// </summary>
internal sealed class SignalRClient(Transport transport, string channel, Tally tally) : Subscription(tally)
{
    private static readonly byte[] Handshake = "{\"protocol\":\"json\",\"version\":1}\u001e"u8.ToArray();

    /// <summary>What shakes hands for all clients of a thread.</summary>
    [ThreadStatic]
    private static (int Port, Socket Socket) _beside;

    private readonly MemoryStream _negotiated = new();
    private byte[] _get = [];
    private Step _step = Step.Negotiating;
    private string _target = "";

    private enum Step
    {
        Negotiating,
        Opening,
        Shaking,
        Open,
    }

    protected override void Ask() => Send(Encoding.ASCII.GetBytes($"POST /hub/negotiate?negotiateVersion=1&channel={channel} HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\n\r\n"));

    protected override void OnHead(int status, ReadOnlySpan<byte> head)
    {
        if (status != 200) throw new InvalidOperationException($"SignalR has answered with {status} while {_step}.");

        // A stream is open with its head; a first poll with its end.
        if (_step == Step.Opening && transport == Transport.Events) Shake();
    }

    protected override void OnBody(ReadOnlySpan<byte> bytes)
    {
        if (_step == Step.Negotiating)
        {
            _negotiated.Write(bytes);
            return;
        }

        if (_step == Step.Shaking && bytes.IndexOf("{}\u001e"u8) >= 0)
        {
            _step = Step.Open;
            IsReady = true;
        }

        base.OnBody(bytes);
    }

    protected override void OnEnd()
    {
        if (_step == Step.Negotiating)
        {
            var token = JsonDocument.Parse(_negotiated.ToArray()).RootElement.GetProperty("connectionToken").GetString();
            _negotiated.SetLength(0);
            _negotiated.Capacity = 0;
            _target = $"/hub?id={token}&channel={channel}";
            _get = Encoding.ASCII.GetBytes($"GET {_target} HTTP/1.1\r\nHost: bench\r\n{(transport == Transport.Events ? "Accept: text/event-stream\r\n" : "")}\r\n");
            _step = Step.Opening;
        }
        else if (transport == Transport.Events)
        {
            throw new InvalidOperationException("SignalR has ended a stream.");
        }
        else if (_step == Step.Opening)
        {
            Shake();
        }

        Send(_get);
    }

    private void Shake()
    {
        _step = Step.Shaking;
        var port = ((IPEndPoint)RemoteEndPoint).Port;
        if (_beside.Port != port)
        {
            _beside = (port, new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true });
            _beside.Socket.Connect(IPAddress.Loopback, port);
        }

        byte[] request = [.. Encoding.ASCII.GetBytes($"POST {_target} HTTP/1.1\r\nHost: bench\r\nContent-Length: {Handshake.Length}\r\n\r\n"), .. Handshake];
        _beside.Socket.Send(request);
        var answer = new byte[1024];
        var count = _beside.Socket.Receive(answer);
        if (!answer.AsSpan(0, count).StartsWith("HTTP/1.1 200"u8)) throw new InvalidOperationException($"SignalR refused a handshake: {Encoding.ASCII.GetString(answer, 0, count)}");
    }
}
