using System.Net;
using System.Net.Sockets;
using CComet.Diagnostics;
using CComet.Kestrel;
using CComet.Web.Tests.Support;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Kestrel;

/// <summary>What the listener does when accept fails, or when there is no place: it waits, and takes no turns meanwhile.</summary>
public sealed class GatedListenerTests : IDisposable
{
    private readonly LogLines<GatedListener> _log = new();
    private readonly CountingTime _time = new();
    private readonly SpareDescriptors _spares = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().AddSingleton<HubMetrics>().BuildServiceProvider();
    private readonly ConnectionGate _gate;
    private readonly Queue<Func<ValueTask<Socket>>> _answers = new();
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly HubFixture _fixture = new();
    private readonly Disposable _listening = new();
    private readonly Disposable _connections = new();
    private readonly GatedListener _listener;
    private int _accepts;

    public GatedListenerTests()
    {
        _gate = new ConnectionGate(new LimitOptions { Connections = 2 }, null, 0, new LogLines<ConnectionGate>(), _services.GetRequiredService<HubMetrics>());
        _listener = new GatedListener(
            new IPEndPoint(IPAddress.Loopback, 1),
            Accept,
            _ => new DefaultConnectionContext(),
            _listening,
            _connections,
            _gate,
            new ConnectionQuota(_fixture.Hub, _gate, UncountedAddresses.None),
            _spares,
            _time,
            _log);
    }

    [Theory]
    [InlineData(SocketError.TooManyOpenSockets)]
    [InlineData(SocketError.NoBufferSpaceAvailable)]
    [InlineData(SocketError.SocketError)]
    public async Task Accept_without_a_free_descriptor_tries_once_in_an_interval_and_tells_it_once(SocketError error)
    {
        for (var i = 0; i < 50; i++) Fails(error);
        Succeeds();
        var accepted = _listener.AcceptAsync().AsTask();
        for (var i = 1; i <= 50; i++)
        {
            // An attempt that has failed has no timer at first: a clock that is turned before would never ring it.
            await Eventually.TrueAsync(() => _time.Timers == i, "The pause after the next attempt");
            Assert.Equal(i, Volatile.Read(ref _accepts));
            Assert.False(accepted.IsCompleted);
            _time.Advance(GatedListener.RetryInterval - TimeSpan.FromMilliseconds(1));
            Assert.Equal(i, Volatile.Read(ref _accepts));
            _time.Advance(TimeSpan.FromMilliseconds(1));
        }

        Assert.NotNull(await accepted);
        Assert.Equal(51, _accepts);
        Assert.Equal(1, Counts.Read(_services)["ccomet.connections.refused reason=accept"]);
        Assert.Equal(2, _log.Lines.Count);
        Assert.Equal((1, 1), (_log.Count("cannot be accepted"), _log.Count("can be accepted again")));
        Assert.Equal(1, _gate.Free);
    }

    [Theory]
    [InlineData(SocketError.ConnectionReset)]
    [InlineData(SocketError.ConnectionAborted)]
    public async Task Accept_takes_the_next_client_at_once_when_one_has_left_the_backlog(SocketError error)
    {
        Fails(error);
        Succeeds();
        Assert.NotNull(await _listener.AcceptAsync());
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public async Task Accept_is_not_called_while_every_place_is_taken()
    {
        for (var i = 0; i < 3; i++) Succeeds();
        var first = (await _listener.AcceptAsync())!;
        var second = (await _listener.AcceptAsync())!;
        var third = _listener.AcceptAsync().AsTask();
        Assert.Equal(2, _accepts);
        Assert.False(third.IsCompleted);

        await first.DisposeAsync();
        await (await third)!.DisposeAsync();
        Assert.Equal(3, _accepts);
        await second.DisposeAsync();
        Assert.Equal(2, _gate.Free);
    }

    [Fact]
    public async Task Unbind_ends_an_accept_that_waits_for_a_place()
    {
        for (var i = 0; i < 2; i++)
        {
            Succeeds();
            await _listener.AcceptAsync();
        }

        var waiting = _listener.AcceptAsync().AsTask();
        await _listener.UnbindAsync();
        Assert.Null(await waiting);
        Assert.Equal(0, _gate.Free);
        Assert.True(_listening.IsDisposed);
        Assert.False(_connections.IsDisposed);
        await _listener.DisposeAsync();
        Assert.True(_connections.IsDisposed);
    }

    [Fact]
    public async Task Unbind_ends_an_accept_that_waits_for_a_descriptor_and_gives_its_place_back()
    {
        Fails(SocketError.TooManyOpenSockets);
        var waiting = _listener.AcceptAsync().AsTask();
        await _listener.UnbindAsync();
        Assert.Null(await waiting);
        Assert.Equal(2, _gate.Free);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Accept_on_a_closed_socket_is_the_end_and_gives_its_place_back(bool isDisposed)
    {
        if (isDisposed) _answers.Enqueue(() => throw new ObjectDisposedException("socket"));
        else Fails(SocketError.OperationAborted);
        Assert.Null(await _listener.AcceptAsync());
        Assert.Equal(2, _gate.Free);
    }

    public void Dispose()
    {
        _socket.Dispose();
        _fixture.Dispose();
        _gate.Dispose();
        _services.Dispose();
        _spares.Dispose();
    }

    private void Fails(SocketError error) => _answers.Enqueue(() => throw new SocketException((int)error));

    private void Succeeds() => _answers.Enqueue(() => ValueTask.FromResult(_socket));

    private ValueTask<Socket> Accept()
    {
        Interlocked.Increment(ref _accepts);
        return _answers.Dequeue()();
    }

    /// <summary>Counts the timers that were made.</summary>
    private sealed class CountingTime : FakeTimeProvider
    {
        private int _timers;

        public int Timers => Volatile.Read(ref _timers);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            Interlocked.Increment(ref _timers);
            return timer;
        }
    }

    private sealed class Disposable : IDisposable
    {
        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }
}
