using System.Buffers.Binary;
using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using CComet.Channels;
using CComet.Messages;

namespace CComet.Operations;

/// <summary>Makes and checks tokens that let a client subscribe to one channel until they expire.</summary>
/// <remarks>
/// A token is random and sealed with a key that the store keeps, so that every node, and a node after its restart, opens it: expiry,
/// nonce, and an HMAC over both and the channel. The key is written again every hour, so that it outlives
/// <see cref="HistoryOptions.MaxAge"/>; a server that was down for longer than that begins with a new one. While a client uses its token on
/// this node, the token's life counts from the last use.
/// </remarks>
internal sealed class ChannelTokens(ChannelHub hub) : IDisposable
{
    private const string KeyChannel = Names.PrivatePrefix + "keys";
    private const int KeyBytes = 32;
    private const int NonceBytes = 8;
    private const int SealBytes = 16;
    private const int TokenBytes = sizeof(long) + sizeof(int) + NonceBytes + SealBytes;

    /// <summary>How many tokens in use are remembered; a further one has no more than the life it was made with.</summary>
    private const int MaxUsed = 1_000_000;

    private static readonly TimeSpan KeyInterval = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<string, TokenUse> _uses = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _reading = new(1);
    private volatile byte[]? _key;
    private long _keyWrittenAt;
    private long _sweptAt;

    private long Now => hub.Context.Time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Makes a token.</summary>
    /// <param name="channel">The channel that it is for.</param>
    /// <param name="life">How long it holds from now on, or from its last use.</param>
    /// <param name="cancellation">Ends the waiting for the key.</param>
    /// <exception cref="StoreUnavailableException">The key cannot be read now.</exception>
    public async ValueTask<string> CreateAsync(string channel, TimeSpan life, CancellationToken cancellation)
    {
        var key = await KeyAsync(cancellation);
        var token = new byte[TokenBytes];
        BinaryPrimitives.WriteInt64BigEndian(token, Now + (long)life.TotalMilliseconds);
        BinaryPrimitives.WriteInt32BigEndian(token.AsSpan(sizeof(long)), (int)life.TotalSeconds);
        RandomNumberGenerator.Fill(token.AsSpan(sizeof(long) + sizeof(int), NonceBytes));
        Seal(key, channel, token.AsSpan(0, TokenBytes - SealBytes), token.AsSpan(TokenBytes - SealBytes));
        return Base64Url.EncodeToString(token);
    }

    /// <summary>Checks a token, and counts it as used.</summary>
    /// <exception cref="StoreUnavailableException">The key cannot be read now.</exception>
    public async ValueTask<bool> CheckAsync(string channel, string? token, CancellationToken cancellation)
    {
        if (token is not { Length: 48 }) return false;
        var key = await KeyAsync(cancellation);
        return IsSealed(key, channel, token, out var expires, out var life) && Use(token, expires, life);
    }

    /// <summary>Has a token that was checked hold as long as a stream is open with it, until <see cref="Release"/>.</summary>
    public void Hold(string token) => Remember(token, LifeOf(token), opened: 1);

    /// <summary>Ends what <see cref="Hold"/> began, and counts the token as used until now.</summary>
    public void Release(string token) => Remember(token, LifeOf(token), opened: -1);

    /// <inheritdoc/>
    public void Dispose() => _reading.Dispose();

    private static int LifeOf(string token)
    {
        Span<byte> bytes = stackalloc byte[TokenBytes];
        return Base64Url.TryDecodeFromChars(token, bytes, out var length) && length == TokenBytes ? BinaryPrimitives.ReadInt32BigEndian(bytes[sizeof(long)..]) : 0;
    }

    private static bool IsSealed(byte[] key, string channel, string token, out long expires, out int life)
    {
        (expires, life) = (0, 0);
        Span<byte> bytes = stackalloc byte[TokenBytes];

        // The decoder throws on what it finds to be no Base64Url.
        if (!Base64Url.IsValid(token, out var length) || length != TokenBytes || !Base64Url.TryDecodeFromChars(token, bytes, out length)) return false;
        Span<byte> seal = stackalloc byte[SealBytes];
        Seal(key, channel, bytes[..^SealBytes], seal);
        if (!CryptographicOperations.FixedTimeEquals(seal, bytes[^SealBytes..])) return false;
        expires = BinaryPrimitives.ReadInt64BigEndian(bytes);
        life = BinaryPrimitives.ReadInt32BigEndian(bytes[sizeof(long)..]);
        return true;
    }

    private static void Seal(byte[] key, string channel, ReadOnlySpan<byte> head, Span<byte> seal)
    {
        byte[] text = [.. head, .. Encoding.UTF8.GetBytes(channel)];
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, text, hash);
        hash[..SealBytes].CopyTo(seal);
    }

    private bool Use(string token, long expires, int life)
    {
        if (Now >= expires && !(_uses.TryGetValue(token, out var use) && use.HoldsAt(Now))) return false;
        Remember(token, life, opened: 0);
        return true;
    }

    private void Remember(string token, int life, int opened)
    {
        var now = Now;
        Sweep(now);
        if (_uses.Count >= MaxUsed && !_uses.ContainsKey(token)) return;
        var until = now + (life * 1000L) + (long)hub.Options.Poll.Timeout.TotalMilliseconds;
        _uses.AddOrUpdate(token, new TokenUse(until, Math.Max(0, opened)), (_, use) => new TokenUse(until, Math.Max(0, use.Open + opened)));
    }

    private void Sweep(long now)
    {
        const int SweepMilliseconds = 30_000;
        var swept = Volatile.Read(ref _sweptAt);
        if (now - swept < SweepMilliseconds || Interlocked.CompareExchange(ref _sweptAt, now, swept) != swept) return;
        foreach (var use in _uses)
        {
            if (!use.Value.HoldsAt(now)) _uses.TryRemove(use);
        }
    }

    /// <summary>Returns the key: the newest in its log. The first node writes one; an id has two that come at once write only one.</summary>
    private async ValueTask<byte[]> KeyAsync(CancellationToken cancellation)
    {
        if (_key is { } known && Now - Volatile.Read(ref _keyWrittenAt) < KeyInterval.TotalMilliseconds) return known;
        await _reading.WaitAsync(cancellation);
        try
        {
            var kept = _key ?? await ReadKeyAsync(cancellation);
            if (kept is null || Now - _keyWrittenAt >= KeyInterval.TotalMilliseconds)
            {
                var text = Convert.ToBase64String(kept ?? RandomNumberGenerator.GetBytes(KeyBytes));
                await hub.AppendAsync([new NewMessage(KeyChannel, MessageType.Msg, null, JsonString.Quote(text), Id: "key")], cancellation);
                Volatile.Write(ref _keyWrittenAt, Now);
                kept ??= await ReadKeyAsync(cancellation) ?? throw new StoreUnavailableException("The key of tokens was not kept.");
            }

            return _key = kept;
        }
        finally
        {
            _reading.Release();
        }
    }

    private async ValueTask<byte[]?> ReadKeyAsync(CancellationToken cancellation)
    {
        var head = (await hub.Context.Store.ReadAsync(KeyChannel, long.MaxValue, 1, cancellation)).Head;
        if (head.End == 0) return null;
        var slice = await hub.Context.Store.ReadAsync(KeyChannel, head.End - 1, KeyBytes * 8, cancellation);
        return slice.Messages is [.., var last] ? Convert.FromBase64String(JsonSerializer.Deserialize<string>(last.Body.Span)!) : null;
    }

    /// <summary>The use of a token.</summary>
    /// <param name="Until">Until when it holds, in Unix milliseconds, once no stream is open with it.</param>
    /// <param name="Open">How many streams are open with it.</param>
    private readonly record struct TokenUse(long Until, int Open)
    {
        public bool HoldsAt(long now) => Open > 0 || now < Until;
    }
}
