using CComet.Client;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Clients.DotNet;

/// <summary>A channel to which one client publishes and which another receives, while the test breaks what is between them.</summary>
public sealed class ClientRun : IAsyncDisposable
{
    private const string Channel = "run";

    private readonly CCometClient _publisher;
    private readonly CCometClient _subscriber;
    private readonly List<string> _published = [];
    private readonly List<CCometMessage> _received = [];
    private readonly CancellationTokenSource _over = new(4 * Patience.Limit);
    private readonly Task _receiving;
    private readonly Task _publishing;
    private volatile bool _isStopped;
    private volatile int _total = int.MaxValue;
    private int _count;

    /// <param name="url">Where both go.</param>
    public ClientRun(string url)
    {
        _publisher = new CCometClient(new Uri(url));
        _subscriber = new CCometClient(new Uri(url));
        _receiving = Task.Run(ReceiveAsync);
        _publishing = Task.Run(PublishAsync);
    }

    /// <summary>Gets how many messages were acknowledged.</summary>
    public int Published
    {
        get
        {
            lock (_published) return _published.Count;
        }
    }

    /// <summary>Gets how many messages came.</summary>
    public int Received => Volatile.Read(ref _count);

    /// <summary>Waits until so many more messages have been published and have come.</summary>
    public async Task PassAsync(int messages)
    {
        var goal = Math.Max(Published, Received) + messages;
        await Eventually.TrueAsync(() => (Published >= goal && Received >= goal) || _publishing.IsFaulted || _receiving.IsFaulted, $"{goal} messages");
        if (_publishing.IsFaulted) await _publishing;
        if (_receiving.IsFaulted) await _receiving;
    }

    /// <summary>Ends the publishing, and checks that what was acknowledged came: each once, in order, as it was published.</summary>
    public async Task CheckAsync()
    {
        _isStopped = true;
        await _publishing.WaitAsync(Patience.Limit);
        _total = Published;
        await Eventually.TrueAsync(() => _receiving.IsCompleted || Received >= _total, "The last message");
        await _subscriber.DisposeAsync();
        await _receiving.WaitAsync(Patience.Limit);
        Assert.Equal(_published, _received.Select(m => m.Text));
        Assert.Equal(Enumerable.Range(0, _received.Count).Select(i => (long)i), _received.Select(m => m.Seqid));
        Assert.Single(_received.Select(m => m.Cursor.Epoch).Distinct());
    }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _publisher.DisposeAsync();
        await _subscriber.DisposeAsync();
        await Task.WhenAny(Task.WhenAll(_publishing, _receiving));
        _over.Dispose();
    }

    private async Task PublishAsync()
    {
        for (var i = 0; !_isStopped; i++)
        {
            var text = $"message {i} ☄";
            var receipt = await _publisher.PublishAsync(Channel, text, new PublishOptions { Timeout = Patience.Limit }, _over.Token);
            Assert.Equal(i, receipt.Seqid);
            lock (_published) _published.Add(text);
        }
    }

    private async Task ReceiveAsync()
    {
        await foreach (var message in _subscriber.SubscribeAsync(Channel, new SubscribeOptions { From = CCometCursor.Start }, _over.Token))
        {
            _received.Add(message);
            Volatile.Write(ref _count, _received.Count);
        }
    }
}
