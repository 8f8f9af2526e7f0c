using System.Globalization;
using CComet.Client.Wire;

namespace CComet.Client.Connections;

/// <summary>The first byte of a stream did not come in time: something on the way collects it.</summary>
internal sealed class FirstByteException(Exception cause) : CCometException("The stream did not begin in time.", innerException: cause);

/// <summary>Receives by <c>/stream</c>: one JSON object a line.</summary>
internal sealed class StreamFlight : Flight
{
    private HttpResponseMessage? _response;
    private CancellationTokenRegistration _registration;
    private LineReader? _lines;

    private StreamFlight(Connection connection, IReadOnlyList<CCometSubscription> members, string? token, CancellationToken stop)
        : base(connection, members, token, stop)
    {
    }

    /// <summary>Opens a stream, and waits for its first bytes.</summary>
    /// <exception cref="CCometException">It was refused or failed; a <see cref="FirstByteException"/> when nothing came in time.</exception>
    public static async Task<StreamFlight> OpenAsync(Connection connection, IReadOnlyList<CCometSubscription> members, string? token, CancellationToken stop)
    {
        var flight = new StreamFlight(connection, members, token, stop);
        try
        {
            await flight.OpenAsync().ConfigureAwait(false);
            return flight;
        }
        catch (Exception e)
        {
            var isLate = flight.Watchdog.HasFired;
            await flight.DisposeAsync().ConfigureAwait(false);
            throw isLate ? new FirstByteException(e) : ServerApi.Unreachable(e);
        }
    }

    /// <inheritdoc/>
    protected override void Close()
    {
        _registration.Dispose();
        _response?.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task<FlightEnd> ReadAsync()
    {
        for (var lines = 0; ;)
        {
            while (_lines!.TryRead(out var line))
            {
                if (line.IsEmpty) continue;
                if (await TakeAsync(ServerApi.Parse(line, WireJson.Default.WireItem), line.Length).ConfigureAwait(false) is { } end) return end;

                // Each channel has its first notice; what comes behind them came because the stream lives.
                if (++lines > Members.Count) Prove();
            }

            Watchdog.Expect(Api.Timings.Silence);
            if (!await _lines.FillAsync(Watchdog.Token).ConfigureAwait(false)) return new FlightEnd(new CCometException("The stream was cut."));
            Watchdog.Rest();
        }
    }

    private async Task OpenAsync()
    {
        Watchdog.Expect(Api.Timings.FirstByte);
        _response = await Api.OpenStreamAsync(Members, Token, Watchdog.Token).ConfigureAwait(false);
        if (!_response.IsSuccessStatusCode) throw await Api.ReadRefusalAsync(_response, Token, Watchdog.Token).ConfigureAwait(false);
        if (_response.Content.Headers.ContentType?.MediaType is "text/html") throw new CCometException(string.Format(CultureInfo.InvariantCulture, "The answer is none of CComet (HTTP {0}, text/html).", (int)_response.StatusCode));

        // A read does not end by its token on every handler; it does when the answer is disposed of.
        _registration = Watchdog.Token.Register(static response => ((HttpResponseMessage)response!).Dispose(), _response);
#if NET
        var stream = await _response.Content.ReadAsStreamAsync(Watchdog.Token).ConfigureAwait(false);
#else
        var stream = await _response.Content.ReadAsStreamAsync().ConfigureAwait(false);
#endif
        _lines = Api.ReadLines(stream);
        if (!await _lines.FillAsync(Watchdog.Token).ConfigureAwait(false)) throw new CCometException("The stream was cut.");
        Watchdog.Rest();
    }
}
