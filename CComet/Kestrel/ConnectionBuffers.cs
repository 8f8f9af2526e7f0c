using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections;

namespace CComet.Kestrel;

/// <summary>
/// The buffers that connections read into and write from, kept for the next connection as the web server's own are, and given back
/// at once when asked: after a burst there are as many as were ever in use in one moment, and parked requests need none.
/// </summary>
internal sealed class ConnectionBuffers : IMemoryPoolFactory<byte>
{
    /// <summary>The size of a buffer, in bytes: what the web server expects of a pool.</summary>
    public const int BufferBytes = 4096;

    private readonly ConcurrentDictionary<Pool, bool> _pools = new();

    /// <summary>How many are kept at this moment.</summary>
    public int Kept => _pools.Keys.Sum(pool => pool.Idle.Count);

    /// <inheritdoc/>
    public MemoryPool<byte> Create(MemoryPoolOptions? options = null)
    {
        var pool = new Pool(this);
        _pools.TryAdd(pool, true);
        return pool;
    }

    /// <summary>Leaves the buffers that are not in use to the collector.</summary>
    public void Trim()
    {
        foreach (var pool in _pools.Keys) pool.Idle.Clear();
    }

    private sealed class Pool(ConnectionBuffers all) : MemoryPool<byte>
    {
        public ConcurrentQueue<Buffer> Idle { get; } = new();

        public override int MaxBufferSize => BufferBytes;

        public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BufferBytes);
            return Idle.TryDequeue(out var buffer) ? buffer : new Buffer(this);
        }

        protected override void Dispose(bool disposing)
        {
            all._pools.TryRemove(this, out _);
            Idle.Clear();
        }
    }

    /// <summary>Pinned, so that nothing has to be done for a system call to be given it.</summary>
    private sealed class Buffer(Pool pool) : IMemoryOwner<byte>
    {
        public Memory<byte> Memory { get; } = MemoryMarshal.CreateFromPinnedArray(GC.AllocateUninitializedArray<byte>(BufferBytes, pinned: true), 0, BufferBytes);

        public void Dispose() => pool.Idle.Enqueue(this);
    }
}
