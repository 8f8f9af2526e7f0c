using System.Net;
using System.Net.Sockets;
using CComet.Simulator.Checks;
using CComet.Simulator.Figures;
using CComet.Simulator.Wire;

namespace CComet.Simulator.Clients;

/// <summary>What all subscribers of a run have in common.</summary>
internal sealed record SubscriberShared(Target Target, TransportKind Transport, PromiseTally Promise, LineTally Lines, Meter Meter)
{
    private int _settled;

    /// <summary>How many the server has taken and that wait for messages.</summary>
    public int SettledCount => Volatile.Read(ref _settled);

    public void Count(int change) => Interlocked.Add(ref _settled, change);
}

/// <summary>One subscriber of one channel: follows it with its cursor until it is stopped, across whatever cuts it off.</summary>
/// <param name="number">Its number in the run, from 0.</param>
/// <param name="book">Its channel.</param>
/// <param name="shared">What it has in common with the others.</param>
internal sealed class Subscriber(int number, ChannelBook book, SubscriberShared shared) : IMessageSink
{
    private const int BackoffMilliseconds = 100;
    private const int MaxBackoffMilliseconds = 2000;

    private Link? _link;
    private int _isSettled;
    private int _offline = -1;
    private int _failures;
    private volatile bool _isStopped;

    public ChannelBook Book => book;

    public PromiseChecker Checker { get; } = new(shared.Promise);

    public Target Target => shared.Target;

    /// <summary>After how many milliseconds the server wants it to come back; -1 when it has not said.</summary>
    public int ToldRetry { get; set; } = -1;

    private IPAddress? Source => SourceAddress.For(number, Target.EndPoint.Address);

    /// <summary>Follows the channel until it is stopped; ends without an exception.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        while (!_isStopped && !cancel.IsCancellationRequested)
        {
            var pause = await FollowAsync(cancel);
            Unsettle();
            if (_isStopped || cancel.IsCancellationRequested) return;
            if (pause > 0) await Task.Delay(pause, cancel).ContinueWith(static _ => { }, TaskScheduler.Default);
        }
    }

    /// <summary>Cuts its connection; it comes back after the time given, in milliseconds.</summary>
    public void Drop(int offline)
    {
        if (Volatile.Read(ref _link) is not { } link) return;
        shared.Lines.Dropped();
        Volatile.Write(ref _offline, offline);
        Unsettle();
        link.Dispose();
    }

    /// <summary>Ends it for good.</summary>
    public void Stop()
    {
        _isStopped = true;
        Volatile.Read(ref _link)?.Dispose();
    }

    /// <summary>The server has taken it, and what comes from now on is told to it.</summary>
    public void Settled()
    {
        _failures = 0;
        if (Volatile.Read(ref _isSettled) == 0 && Volatile.Read(ref _offline) < 0 && Interlocked.Exchange(ref _isSettled, 1) == 0) shared.Count(1);
    }

    /// <summary>The server told a cursor on a stream.</summary>
    public void Stands(EpochName epoch, long seqid)
    {
        Checker.Cursor(epoch, seqid);
        Settled();
    }

    public void Take(in WireMessage message)
    {
        switch (message.Kind)
        {
            case MessageKind.Entry:
                if (Checker.Entry(message.Seqid)) shared.Meter.Delivered(message.Stamp);
                break;
            case MessageKind.Gap:
                Checker.Gap(book.Intern(message.Epoch), message.From, message.To);
                break;
            case MessageKind.Reset:
                Checker.Reset(book.Intern(message.Epoch), message.Seqid);
                break;
            case MessageKind.Cursor:
                Stands(book.Intern(message.Epoch), message.Seqid);
                break;
            case MessageKind.Bye:
                shared.Lines.Bye();
                ToldRetry = (int)Math.Clamp(message.Retry, 0, 60_000);
                break;
            case MessageKind.Close:
                throw new WireException("the channel was closed");
            case MessageKind.Refusal:
                throw new WireException($"a subscription was refused by {message.Code}");
            default:
                break;
        }
    }

    /// <summary>One connection, from connecting until it ends; gives how long to stay away, in milliseconds.</summary>
    private async Task<int> FollowAsync(CancellationToken cancel)
    {
        var told = -1;
        try
        {
            Volatile.Write(ref _offline, -1);
            using var link = await Link.ConnectAsync(Target.EndPoint, Source, cancel);
            shared.Lines.Connected();
            Volatile.Write(ref _link, link);
            if (_isStopped) return 0;
            var session = Session.For(shared.Transport, this, link);
            session.Begin();
            await link.PumpAsync(session);
            Note("the server ended the connection");
            told = ToldRetry;
        }
        catch (WireException e)
        {
            Note(e.Message);
            told = e.RetryMilliseconds;
        }
        catch (SocketException e)
        {
            Note($"socket: {e.SocketErrorCode}");
        }
        catch (Exception e) when (e is ObjectDisposedException or OperationCanceledException)
        {
            // Dropped or stopped by this tool.
        }
        finally
        {
            Volatile.Write(ref _link, null);
        }

        var offline = Volatile.Read(ref _offline);
        if (offline >= 0) return offline;
        if (told >= 0) return told;
        return Math.Min(BackoffMilliseconds << Math.Min(_failures++, 5), MaxBackoffMilliseconds);
    }

    /// <summary>Counts what went wrong, unless this tool did it itself.</summary>
    private void Note(string what)
    {
        if (!_isStopped && Volatile.Read(ref _offline) < 0) shared.Lines.Failed(what);
    }

    private void Unsettle()
    {
        if (Interlocked.Exchange(ref _isSettled, 0) == 1) shared.Count(-1);
    }
}
