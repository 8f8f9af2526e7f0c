using System.Net;
using System.Runtime.InteropServices;

namespace CComet.Interop;

/// <summary>Sockets of Linux by their descriptors, which cost no object, and the kernel's own list of those that are ready (epoll).</summary>
internal static class Sockets
{
    public const int Again = 11, Interrupted = 4, ConnectionAborted = 103;

    public const uint Readable = 0x1, Writable = 0x4, Failed = 0x8, HungUp = 0x10, PeerClosed = 0x2000, EdgeTriggered = 1u << 31;

    private const int AddOperation = 1, DeleteOperation = 2, ModifyOperation = 3;
    private const int CloseOnExec = 0x80000, NonBlocking = 0x800;
    private const int PeekFlag = 0x2, NoWaitFlag = 0x40, MoreFlag = 0x8000, NoSignalFlag = 0x4000;
    private const int SocketLevel = 1, LingerOption = 13, TcpLevel = 6, NoDelayOption = 1;
    private const int InternetFamily = 2, InternetV6Family = 10;

    /// <summary>The size of <c>struct epoll_event</c>, which is packed on x86-64 alone, and where its data are.</summary>
    private static readonly int EventSize = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;
    private static readonly int DataAt = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;

    /// <summary>Makes a list of ready descriptors, or a counter that one can wait for by it.</summary>
    /// <exception cref="IOException">The system gives none.</exception>
    public static int CreatePoll() => Check(epoll_create1(CloseOnExec));

    /// <inheritdoc cref="CreatePoll"/>
    public static int CreateCounter() => Check(eventfd(0, CloseOnExec | NonBlocking));

    /// <summary>Has events of a descriptor listed, with a number that comes with each; false when it cannot be.</summary>
    public static bool TryWatch(int poll, int descriptor, uint events, ulong data) => Control(poll, AddOperation, descriptor, events, data);

    /// <summary>Changes which events of a descriptor are listed.</summary>
    public static bool TryChange(int poll, int descriptor, uint events, ulong data) => Control(poll, ModifyOperation, descriptor, events, data);

    /// <summary>Has none of a descriptor's events listed any more.</summary>
    public static void Unwatch(int poll, int descriptor) => Control(poll, DeleteOperation, descriptor, 0, 0);

    /// <summary>Waits for events. Gives how many came; 0 also when a signal interrupted the wait.</summary>
    public static int Wait(int poll, byte[] events)
    {
        var count = epoll_wait(poll, ref events[0], events.Length / EventSize, -1);
        return count < 0 && Marshal.GetLastPInvokeError() != Interrupted ? throw Failure() : Math.Max(0, count);
    }

    /// <summary>Makes room for events.</summary>
    public static byte[] NewEvents(int count) => new byte[count * EventSize];

    /// <summary>Returns one of the events that <see cref="Wait"/> has written.</summary>
    public static (uint Events, ulong Data) EventAt(byte[] events, int index) =>
        (BitConverter.ToUInt32(events, index * EventSize), BitConverter.ToUInt64(events, (index * EventSize) + DataAt));

    /// <summary>Takes a connection that was made; a negative number, which is an error's, when there is none.</summary>
    /// <param name="listener">The socket that listens.</param>
    /// <param name="address">The client's address; null where it has none. Comes as that of another client, which is kept if it is the same.</param>
    public static int Accept(int listener, ref IPAddress? address)
    {
        Span<byte> name = stackalloc byte[128];
        var length = name.Length;
        var descriptor = accept4(listener, ref name[0], ref length, NonBlocking | CloseOnExec);
        if (descriptor < 0) return -Marshal.GetLastPInvokeError();
        ReadOnlySpan<byte> bytes = (int)BitConverter.ToUInt16(name) switch
        {
            InternetFamily => name.Slice(4, 4),
            InternetV6Family => name.Slice(8, 16),
            _ => default,
        };
        if (bytes.IsEmpty) address = null;
        else if (address is null || !IsOf(address, bytes)) address = new IPAddress(bytes);
        return descriptor;
    }

    private static bool IsOf(IPAddress address, ReadOnlySpan<byte> bytes)
    {
        Span<byte> own = stackalloc byte[16];
        return address.TryWriteBytes(own, out var length) && bytes.SequenceEqual(own[..length]);
    }

    /// <summary>Sends what is written at once.</summary>
    public static void SetNoDelay(int descriptor)
    {
        var on = 1L;
        _ = setsockopt(descriptor, TcpLevel, NoDelayOption, ref on, sizeof(int));
    }

    /// <summary>Looks at what has come, and leaves it; 0 at the end, a negative number, which is an error's, otherwise.</summary>
    public static int Peek(int descriptor, Span<byte> into) => Receive(descriptor, into, PeekFlag | NoWaitFlag);

    /// <summary>Takes what has come.</summary>
    public static int Receive(int descriptor, Span<byte> into) => Receive(descriptor, into, NoWaitFlag);

    /// <summary>Sends as much as the kernel takes; a negative number, which is an error's, when it takes nothing.</summary>
    /// <param name="descriptor">The socket.</param>
    /// <param name="bytes">What is sent.</param>
    /// <param name="hasMore">Whether more follows at once.</param>
    public static int Send(int descriptor, ReadOnlySpan<byte> bytes, bool hasMore = false)
    {
        while (true)
        {
            var sent = Result(send(descriptor, ref MemoryMarshal.GetReference(bytes), bytes.Length, NoWaitFlag | NoSignalFlag | (hasMore ? MoreFlag : 0)));
            if (sent != -Interrupted) return sent;
        }
    }

    /// <summary>Adds to a counter, which makes it readable.</summary>
    public static void Count(int counter)
    {
        var one = 1L;
        _ = write(counter, ref one, sizeof(long));
    }

    /// <summary>Sets a counter to 0.</summary>
    public static void ResetCounter(int counter)
    {
        var value = 0L;
        _ = read(counter, ref value, sizeof(long));
    }

    /// <summary>Closes a socket by a reset.</summary>
    public static void Reset(int descriptor)
    {
        // struct linger { on = 1, seconds = 0 }.
        var linger = 1L;
        _ = setsockopt(descriptor, SocketLevel, LingerOption, ref linger, sizeof(long));
        Close(descriptor);
    }

    /// <summary>Closes a descriptor.</summary>
    public static void Close(int descriptor) => _ = close(descriptor);

    private static int Receive(int descriptor, Span<byte> into, int flags)
    {
        while (true)
        {
            var count = Result(recv(descriptor, ref into[0], into.Length, flags));
            if (count != -Interrupted) return count;
        }
    }

    private static int Result(nint count) => count < 0 ? -Marshal.GetLastPInvokeError() : (int)count;

    private static int Check(int result) => result < 0 ? throw Failure() : result;

    private static IOException Failure() => new(Marshal.GetLastPInvokeErrorMessage());

    private static bool Control(int poll, int operation, int descriptor, uint events, ulong data)
    {
        Span<byte> item = stackalloc byte[16];
        BitConverter.TryWriteBytes(item, events);
        BitConverter.TryWriteBytes(item[DataAt..], data);
        return epoll_ctl(poll, operation, descriptor, ref item[0]) == 0;
    }

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int epoll_create1(int flags);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int epoll_ctl(int poll, int operation, int descriptor, ref byte item);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int epoll_wait(int poll, ref byte events, int count, int timeout);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int eventfd(uint initial, int flags);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int accept4(int listener, ref byte name, ref int length, int flags);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint recv(int descriptor, ref byte into, nint length, int flags);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint send(int descriptor, ref byte bytes, nint length, int flags);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint write(int descriptor, ref long value, nint length);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint read(int descriptor, ref long value, nint length);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int setsockopt(int descriptor, int level, int option, ref long value, int length);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int close(int descriptor);
}
