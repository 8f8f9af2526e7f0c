using System.Text.Json;
using CComet.Client.Wire;

namespace CComet.Client.Connections;

/// <summary>The token of a client: asked for when there is none, when 75 % of its life are over, and when the server did not take it.</summary>
internal sealed class TokenCache(CCometClientOptions options)
{
    /// <summary>The share of a life after which the next token is asked for.</summary>
    public const double RenewAt = 0.75;

    private readonly TimeProvider _time = options.TimeProvider;
    private readonly object _lock = new();
    private Task<string?>? _asking;
    private string? _token;
    private long _asked;
    private TimeSpan _life;
    private bool _isDue = true;

    /// <summary>Gets whether another token can be had.</summary>
    public bool CanRenew => options.Token is not null;

    /// <summary>Returns the token to go by; null for none.</summary>
    /// <exception cref="CCometException">None could be had (code <c>token</c>).</exception>
    /// <exception cref="OperationCanceledException">The caller gave up; the function goes on for the others.</exception>
    public async Task<string?> GetAsync(CancellationToken cancellation)
    {
        if (options.Token is null) return null;
        Task<string?> asking;
        lock (_lock)
        {
            if (_token is not null && !_isDue && Age < Share(_life)) return _token;

            // A failed call is not kept.
            if (_asking is null || _asking.IsCompleted) _asking = Task.Run(AskAsync, CancellationToken.None);
            asking = _asking;
        }

        try
        {
            return await asking.WaitAsync(Timeout.InfiniteTimeSpan, _time, cancellation).ConfigureAwait(false);
        }
        catch (CCometException e)
        {
            lock (_lock)
            {
                if (_token is null || Age >= _life) throw;
                Tell(e);
                return _token;
            }
        }
    }

    /// <summary>Has the next one asked for; this one is used while that fails.</summary>
    public void MarkDue(string? token)
    {
        lock (_lock)
        {
            if (token == _token) _isDue = true;
        }
    }

    /// <summary>Forgets a token that the server did not take.</summary>
    public void Drop(string? token)
    {
        lock (_lock)
        {
            if (token == _token) _token = null;
        }
    }

    private TimeSpan Age => _time.GetElapsedTime(_asked);

    private static TimeSpan Share(TimeSpan life) => TimeSpan.FromTicks((long)(life.Ticks * RenewAt));

    private void Tell(CCometException e)
    {
        try
        {
            options.OnRetry?.Invoke(new CCometRetry(e, options.Timings.MinRenewal));
        }
        catch (Exception)
        {
            // Documented: what the callback throws is ignored.
        }
    }

    private async Task<string?> AskAsync()
    {
        var asked = _time.GetTimestamp();
        string? token;
        using var over = new CancellationTokenSource();
        try
        {
            token = await options.Token!(over.Token).WaitAsync(options.Timings.Token, _time, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            over.Cancel();
            throw new CCometException($"Token: no token could be had: {e.Message}", 0, CCometException.TokenCode, innerException: e);
        }

        if (token is not null && (token.Length == 0 || token.Any(c => c is <= ' ' or > '~'))) throw new CCometException("Token: what the function gave is no token.", 0, CCometException.TokenCode);
        lock (_lock)
        {
            _life = token is null ? TimeSpan.Zero : LifeOf(token, _time.GetUtcNow());
            _token = token;
            _asked = asked;
            _isDue = false;
            return token;
        }
    }

    /// <summary>Reads how long a token still holds, without verifying it; zero when that cannot be read. The clock may be wrong: a life that would be over does not count, nor does one above what the token tells.</summary>
    private static TimeSpan LifeOf(string token, DateTimeOffset now)
    {
        try
        {
            var parts = token.Split('.');
            if (parts.Length < 2) return TimeSpan.Zero;
            var payload = parts[1].Replace('-', '+').Replace('_', '/');
            var claims = JsonSerializer.Deserialize(Convert.FromBase64String(payload.PadRight((payload.Length + 3) / 4 * 4, '=')), WireJson.Default.TokenClaims);
            if (claims?.Exp is not { } exp) return TimeSpan.Zero;
            var left = exp - (now.ToUnixTimeMilliseconds() / 1000.0);
            var whole = exp - (claims.Iat ?? double.NegativeInfinity);
            var life = left <= 0 ? whole : Math.Min(left, whole);
            return life > 0 && life < int.MaxValue ? TimeSpan.FromSeconds(life) : TimeSpan.Zero;
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            return TimeSpan.Zero;
        }
    }
}
