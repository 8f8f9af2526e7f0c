using Microsoft.Win32.SafeHandles;

namespace CComet.Kestrel;

/// <summary>Descriptors that are held for the time when the process can get none.</summary>
/// <remarks>
/// The runtime makes a pipe for each thread that it starts, and without one ends the process. So when a connection cannot be accepted because no
/// descriptor is free, these are given up, and connections are accepted again only once they could be taken back.
/// </remarks>
internal sealed class SpareDescriptors : IDisposable
{
    /// <summary>How many there are.</summary>
    public const int Count = 4;

    private readonly Lock _lock = new();
    private readonly List<SafeFileHandle> _held = [];

    /// <summary>Takes them.</summary>
    public SpareDescriptors() => TryTake();

    /// <summary>Takes those that are not held; false when the process cannot get them all.</summary>
    public bool TryTake()
    {
        if (OperatingSystem.IsWindows()) return true;
        lock (_lock)
        {
            try
            {
                while (_held.Count < Count) _held.Add(File.OpenHandle("/dev/null"));
                return true;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Release();
                return false;
            }
        }
    }

    /// <summary>Gives them up.</summary>
    public void Release()
    {
        lock (_lock)
        {
            foreach (var handle in _held) handle.Dispose();
            _held.Clear();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Release();
}
