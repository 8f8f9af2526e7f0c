using System.Globalization;
using System.Text;
using CComet.Access;
using CComet.Channels;
using CComet.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CComet.Operations;

/// <summary>Keeps revocations in the store, tells them to the other nodes, and ends what is open by what was revoked.</summary>
/// <remarks>
/// The store's records are what holds: they are read when the first credential is looked at, when notes may have been missed, and every
/// 30 seconds. A note (<see cref="NodeLog"/>) only makes it quick. Until they have been read once, no credential is taken. A store without
/// records (<see cref="IRecordStore"/>) keeps a revocation as long as the process lives.
/// </remarks>
internal sealed partial class Revocations : BackgroundService
{
    private const string Kind = "revocations";

    private static readonly TimeSpan ReadInterval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(1);

    private readonly ChannelHub _hub;
    private readonly NodeLog _notes;
    private readonly ILogger<Revocations> _logger;
    private readonly SemaphoreSlim _reading = new(1);
    private readonly System.Threading.Channels.Channel<bool> _wake = System.Threading.Channels.Channel.CreateBounded<bool>(
        new System.Threading.Channels.BoundedChannelOptions(1) { FullMode = System.Threading.Channels.BoundedChannelFullMode.DropWrite });
    private volatile bool _areKnown;

    public Revocations(ChannelHub hub, NodeLog notes, ILogger<Revocations> logger)
    {
        (_hub, _notes, _logger) = (hub, notes, logger);
        if (!IsOn) return;
        notes.Received += Receive;
        notes.Missed += () => _wake.Writer.TryWrite(true);
    }

    /// <summary>Whether the store's records have been read.</summary>
    public bool AreKnown => _areKnown;

    private bool IsOn => _hub.Options.Auth.Mode == AuthMode.Token;

    private RevocationList List => _hub.Context.Revocations;

    private DateTimeOffset Now => _hub.Context.Time.GetUtcNow();

    /// <summary>Reads the store's records, unless they have been read.</summary>
    /// <exception cref="AccessUnavailableException">They cannot be read now.</exception>
    public ValueTask KnowAsync(CancellationToken cancellation) => _areKnown ? ValueTask.CompletedTask : ReadFirstAsync(cancellation);

    /// <summary>Keeps a revocation, and applies it here and on the other nodes.</summary>
    /// <exception cref="StoreUnavailableException">It cannot be kept now.</exception>
    public async ValueTask AddAsync(Revocation revocation, CancellationToken cancellation)
    {
        var life = _hub.Options.Auth.MaxTokenLife + Skew;
        if (_hub.Context.Store is IRecordStore store)
            await store.PutRecordAsync(Kind, $"{(int)revocation.Subject}:{revocation.Value}", Encoding.ASCII.GetBytes(revocation.At.ToString(CultureInfo.InvariantCulture)), Now + life, cancellation);
        Apply([revocation]);
        await _notes.WriteAsync(new NodeNote(NodeNoteKind.Revoke, Id: revocation.At.ToString(CultureInfo.InvariantCulture), Text: $"{(int)revocation.Subject}:{revocation.Value}"), cancellation);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        _reading.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!IsOn) return;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ReadAsync(stoppingToken);
                List.DropBefore((Now - _hub.Options.Auth.MaxTokenLife - Skew).ToUnixTimeSeconds());
            }
            catch (StoreUnavailableException e)
            {
                LogAway(_logger, e.Message);
            }

            using var pause = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            await Task.WhenAny(_wake.Reader.ReadAsync(pause.Token).AsTask(), _hub.Context.Wheel.DelayAsync(ReadInterval, pause.Token));
            await pause.CancelAsync();
        }
    }

    private async ValueTask ReadFirstAsync(CancellationToken cancellation)
    {
        await _reading.WaitAsync(cancellation);
        try
        {
            if (!_areKnown) await ReadAsync(cancellation);
        }
        catch (StoreUnavailableException e)
        {
            throw new AccessUnavailableException("What was revoked cannot be read now.", e);
        }
        finally
        {
            _reading.Release();
        }
    }

    private async ValueTask ReadAsync(CancellationToken cancellation)
    {
        if (_hub.Context.Store is IRecordStore store)
        {
            var records = await store.ReadRecordsAsync(Kind, cancellation);
            Apply([.. records.Select(record => Parse(record.Key, Encoding.ASCII.GetString(record.Value))).OfType<Revocation>()]);
        }

        _areKnown = true;
    }

    private void Receive(NodeNote note)
    {
        if (note is { Kind: NodeNoteKind.Revoke, Text: { } text, Id: { } at } && Parse(text, at) is { } revocation) Apply([revocation]);
    }

    /// <summary>Adds revocations that are new, and ends what is open by them: the list is changed before the subscribers are looked at.</summary>
    private void Apply(IReadOnlyList<Revocation> revocations)
    {
        var isNew = false;
        foreach (var revocation in revocations) isNew |= List.Add(revocation);
        if (isNew) _hub.EndRevoked();
    }

    private static Revocation? Parse(string name, string at) =>
        name.Split(':', 2) is [var subject, var value] && int.TryParse(subject, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && Enum.IsDefined((RevocationSubject)number)
        && long.TryParse(at, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            ? new Revocation((RevocationSubject)number, value, seconds)
            : null;

    [LoggerMessage(Level = LogLevel.Warning, Message = "What was revoked cannot be read: {Reason} Trying again")]
    private static partial void LogAway(ILogger logger, string reason);
}
