using System.IO.Pipelines;
using CComet.Channels;
using CComet.Dialects.Native;
using CComet.Http;
using CComet.Operations;
using CComet.Subscriptions;
using CComet.Transports;
using Microsoft.AspNetCore.Http;

namespace CComet.Kestrel.Parking;

/// <summary>A request that needs more than its slot: one of several channels, with a name or a callback, or of another dialect. The same loops answer it as by way of the web server.</summary>
/// <param name="table">The table.</param>
/// <param name="slot">Its slot.</param>
/// <param name="answers">Writes its head.</param>
/// <param name="path">Its path, for its line in the log.</param>
/// <param name="callback">The function that the answer calls; null for none.</param>
/// <param name="page">What its answer says of the page that asks.</param>
/// <param name="began">When it began, for its line in the log.</param>
internal sealed class BesideRequest(ParkedConnections table, int slot, ParkedAnswers answers, string path, string? callback, string page, long began) : BesideOutput(slot), IWaitingRequest, IStreamRequest
{
    private Subscriber? _subscriber;
    private bool _isParked;
    private bool _isGone;
    private short _status;

    /// <summary>Whether its loop itself ends a flush that takes too long; else the table does.</summary>
    public bool EndsStalls { get; private set; }

    /// <summary>Whether the connection takes no further request.</summary>
    public bool IsLast { get; private set; }

    /// <inheritdoc/>
    public PipeWriter Body => this;

    /// <inheritdoc/>
    public string? Callback => callback;

    /// <inheritdoc/>
    public AccessOperations Access => table.Access;

    /// <inheritdoc/>
    public bool HasBegun => _status != 0;

    /// <inheritdoc/>
    public bool IsGone => IsClosed || _isGone;

    /// <inheritdoc/>
    public void Begin(in ResponseHead head, long? length)
    {
        _status = (short)head.Status;
        IsLast = table.IsDraining;
        answers.WriteHead(this, head, length, path, IsLast, page);
        if (length is null && head.ContentType is not null) BeginChunks();
    }

    /// <summary>Begins a stream, which is written to this from here on.</summary>
    public void BeginStream(Subscriber subscriber, string contentType)
    {
        _status = StatusCodes.Status200OK;
        EndsStalls = true;
        OnGone(subscriber);
        answers.WriteStreamHead(this, contentType, path, page);
        BeginChunks();
        table.Park(this);
    }

    /// <summary>Begins a stream in the native dialect, and runs it.</summary>
    public Task StreamAsync(Subscriber subscriber, bool isOfLines)
    {
        BeginStream(subscriber, StreamForm.Of(isOfLines).ContentType);
        StreamLoop loop = isOfLines ? new NdJson(this, socket: null, subscriber, this, NativeEncoder.Forms) : new EventStream(this, socket: null, subscriber, this, NativeEncoder.Forms);
        return loop.RunAsync();
    }

    /// <inheritdoc/>
    public CancellationTokenRegistration OnGone(Subscriber subscriber)
    {
        Volatile.Write(ref _subscriber, subscriber);
        if (IsGone) subscriber.Signal(WakeReason.Gone);
        return default;
    }

    /// <inheritdoc/>
    public void Park() => table.Park(this);

    /// <inheritdoc/>
    public Task DelayAsync(TimeSpan time) => table.DelayAsync(time);

    /// <inheritdoc/>
    public async ValueTask EndAsync(Exception? failure, RequestForm form)
    {
        try
        {
            if (failure is not null) await FailAsync(failure, form);
            if (HasBegun && !IsClosed) await EndAnswerAsync();
        }
        catch (Exception e)
        {
            table.Fail(this, e);
        }

        table.Log(answers.PathBase + path, HasBegun ? _status : StatusCodes.Status499ClientClosedRequest, began);
        table.End(this);
    }

    /// <inheritdoc/>
    void IStreamRequest.Abort() => table.Abort(this);

    /// <inheritdoc/>
    (string Text, long Expires)? IStreamRequest.NextTicket() => Access.IssueNext(_subscriber!);

    /// <inheritdoc/>
    ValueTask IStreamRequest.EndAsync(Exception? failure)
    {
        EndsStalls = false;
        if (IsGone) table.Abort(this);
        return EndAsync(failure, RequestForm.Native);
    }

    /// <summary>Notes that its client waits for what comes, so that its end is the request's. The caller holds the slot's lock.</summary>
    /// <param name="isGone">Whether the client has ended its side already.</param>
    public void Park(bool isGone)
    {
        _isParked = true;
        if (isGone) OnHalfClosed();
    }

    /// <summary>The client sends nothing more: one that has an answer is given it still. The caller holds the slot's lock.</summary>
    public void OnHalfClosed()
    {
        if (!_isParked) return;
        _isGone = true;
        Volatile.Read(ref _subscriber)?.Signal(WakeReason.Gone);
    }

    /// <inheritdoc/>
    public override void Close()
    {
        base.Close();
        Volatile.Read(ref _subscriber)?.Signal(WakeReason.Gone);
    }

    /// <inheritdoc/>
    protected override Task? TrySend() => table.TrySend(this);

    private async ValueTask FailAsync(Exception failure, RequestForm form)
    {
        if (IsClosed) return;
        if (!HasBegun && WireException.From(failure) is { } error)
        {
            table.CountRefusal(error);
            if (form.HoldsBackErrors && callback is not null) await DelayAsync(RequestPipeline.HoldBackTime);
            await form.WriteWaitingErrorAsync(this, callback, error);
        }
        else if (HasBegun)
        {
            // Nothing may follow what was sent.
            table.Fail(this, failure);
        }
        else
        {
            table.LogFailure(failure);
            await form.WriteWaitingErrorAsync(this, null, WireException.FromStatus(StatusCodes.Status500InternalServerError));
        }
    }
}
