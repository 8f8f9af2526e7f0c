using System.IO.Pipelines;
using CComet.Channels;

namespace CComet.Transports;

/// <summary>
/// Cancels a read that waits for bytes too long. Made once such bytes have to be waited for, so that what comes at once, and who is
/// silent, cost no entry of the wheel.
/// </summary>
internal sealed class ReadDeadline : TimingWheel.Entry, IDisposable
{
    private readonly TimingWheel _wheel;
    private readonly PipeReader _reader;
    private bool _isOver;

    /// <summary>Begins to run.</summary>
    public ReadDeadline(TimingWheel wheel, PipeReader reader, TimeSpan timeout)
    {
        (_wheel, _reader) = (wheel, reader);
        wheel.Add(this, timeout);
    }

    /// <summary>Whether the time has passed and the read was cancelled: a cancelled read alone may be the remains of an earlier deadline.</summary>
    public bool IsPassed { get; private set; }

    /// <summary>Ends the deadline: from then on nothing is cancelled.</summary>
    public void Dispose()
    {
        lock (this) _isOver = true;
        _wheel.Remove(this);
    }

    /// <inheritdoc/>
    protected internal override void OnDue() => ThreadPool.UnsafeQueueUserWorkItem(static deadline => deadline.Cancel(), this, preferLocal: false);

    /// <summary>Cancels under the lock: once the deadline has ended, the reader may belong to the connection's next request.</summary>
    private void Cancel()
    {
        lock (this)
        {
            if (_isOver) return;
            IsPassed = true;
            _reader.CancelPendingRead();
        }
    }
}
