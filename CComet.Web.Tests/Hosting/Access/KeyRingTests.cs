using CComet.Web.Hosting.Access;
using CComet.Web.Tests.Support;
using Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption;
using Microsoft.AspNetCore.DataProtection.KeyManagement.Internal;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Hosting.Access;

/// <summary>When the keys are read, and when not.</summary>
public sealed class KeyRingTests
{
    private static readonly Guid First = Guid.NewGuid(), Second = Guid.NewGuid();

    private readonly FakeTimeProvider _time = new();
    private readonly LogLines<KeyRing> _log = new();
    private readonly HashSet<Guid> _stored = [First];
    private int _readings;
    private Exception? _failure;

    [Fact]
    public void Keys_are_read_once_and_then_held()
    {
        var keys = New();
        Assert.Equal(0, _readings);
        for (var i = 0; i < 10; i++) Assert.True(Knows(keys, First));
        keys.LookFor(First);
        Assert.Equal(1, _readings);
    }

    [Fact]
    public async Task Keys_are_read_again_in_the_background_when_they_are_five_minutes_old()
    {
        var keys = New();
        keys.GetCurrentKeyRing();
        _stored.Add(Second);
        _time.Advance(KeyRing.RefreshInterval);
        Assert.False(Knows(keys, Second));
        _time.Advance(TimeSpan.FromSeconds(1));
        await Eventually.TrueAsync(() => Knows(keys, Second), "Reading again");
    }

    [Fact]
    public void Key_that_is_not_known_is_looked_for_at_once_and_then_once_per_five_seconds()
    {
        var keys = New();
        keys.GetCurrentKeyRing();
        _stored.Add(Second);
        keys.LookFor(Second);
        Assert.True(Knows(keys, Second));
        for (var i = 0; i < 1_000; i++) keys.LookFor(Guid.NewGuid());
        Assert.Equal(2, _readings);
        _time.Advance(KeyRing.UnknownKeyInterval + TimeSpan.FromMilliseconds(1));
        for (var i = 0; i < 1_000; i++) keys.LookFor(Guid.NewGuid());
        Assert.Equal(3, _readings);
    }

    [Fact]
    public async Task Reading_that_fails_is_told_by_its_cause_and_tried_again_in_the_background_after_a_second()
    {
        var keys = New();
        _failure = new InvalidOperationException("gone");
        for (var i = 0; i < 10; i++) Assert.Same(_failure, Assert.Throws<StoreUnavailableException>(() => keys.GetCurrentKeyRing()).InnerException);
        Assert.Equal((1, 1), (_readings, _log.Count("cannot be read from the store: gone")));
        _time.Advance(KeyRing.RetryInterval);
        Assert.Throws<StoreUnavailableException>(() => keys.LookFor(First));
        await Eventually.TrueAsync(() => _log.Count("How reading the keys failed") == 2, "Failing again");
        _failure = null;
        _time.Advance(KeyRing.RetryInterval);
        await Eventually.AnsweredAsync(() => Task.FromResult(keys.GetCurrentKeyRing()), "Reading");
        Assert.True(Knows(keys, First));
        await Eventually.TrueAsync(() => _log.Count("can be read again") == 1, "Telling");
        Assert.Equal((3, 1), (_readings, _log.Count("cannot be read")));
    }

    [Fact]
    public async Task Keys_that_were_read_go_on_while_the_store_is_away()
    {
        var keys = New();
        keys.GetCurrentKeyRing();
        _failure = new InvalidOperationException("gone");
        _time.Advance(KeyRing.RefreshInterval + TimeSpan.FromSeconds(1));
        Assert.True(Knows(keys, First));
        await Eventually.TrueAsync(() => _log.Count("cannot be read") == 1, "Failing");
        keys.LookFor(First);
        Assert.Throws<StoreUnavailableException>(() => keys.LookFor(Second));
        Assert.True(Knows(keys, First));
    }

    private static bool Knows(KeyRing keys, Guid key) => keys.GetCurrentKeyRing().GetAuthenticatedEncryptorByKeyId(key, out _) is not null;

    private KeyRing New() => new(
        () =>
        {
            _readings++;
            return _failure is null ? new Ring([.. _stored]) : throw _failure;
        },
        _time,
        _log);

    private sealed class Ring(Guid[] ids) : IKeyRing, IAuthenticatedEncryptor
    {
        public IAuthenticatedEncryptor DefaultAuthenticatedEncryptor => this;

        public Guid DefaultKeyId => ids[0];

        public IAuthenticatedEncryptor? GetAuthenticatedEncryptorByKeyId(Guid keyId, out bool isRevoked)
        {
            isRevoked = false;
            return ids.Contains(keyId) ? this : null;
        }

        public byte[] Decrypt(ArraySegment<byte> ciphertext, ArraySegment<byte> additionalAuthenticatedData) => throw new NotSupportedException();

        public byte[] Encrypt(ArraySegment<byte> plaintext, ArraySegment<byte> additionalAuthenticatedData) => throw new NotSupportedException();
    }
}
