using System.Runtime.InteropServices;

namespace CComet.Bench.Load;

/// <summary>The few calls of Linux that keep the load from being the bottleneck: one thread asks for thousands of connections at once.</summary>
internal static partial class Native
{
    public const int Readable = 0x001;
    public const int Add = 1;
    public const int Again = 11;

    private const int DontWait = 0x40;
    private const int NoSignal = 0x4000;
    private const int SchedulerClock = 2;

    /// <summary>How large an event is: packed on x64, and nowhere else.</summary>
    public static readonly int EventBytes = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;

    /// <summary>Where in an event the number stands that it was registered with.</summary>
    public static readonly int DataAt = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;

    public static int CreatePoll() => Check(EpollCreate(0));

    public static unsafe void Watch(int poll, int socket, int data)
    {
        var entry = stackalloc byte[16];
        *(int*)entry = Readable;
        *(int*)(entry + DataAt) = data;
        Check(EpollCtl(poll, Add, socket, entry));
    }

    /// <summary>Waits for events, up to some nanoseconds.</summary>
    public static unsafe int Wait(int poll, Span<byte> events, long nanoseconds)
    {
        var timeout = stackalloc long[] { nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000 };
        fixed (byte* first = events) return EpollWait(poll, first, events.Length / EventBytes, timeout, 0);
    }

    /// <summary>Receives what is there: 0 when the other side has ended, -1 when there is nothing.</summary>
    public static unsafe int Receive(int socket, Span<byte> buffer)
    {
        fixed (byte* first = buffer)
        {
            var count = (int)Recv(socket, first, buffer.Length, DontWait);
            return count >= 0 || Marshal.GetLastPInvokeError() == Again ? count : 0;
        }
    }

    /// <summary>Sends a request, which the socket's buffer takes whole.</summary>
    public static unsafe void Send(int socket, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* first = bytes)
        {
            if (Send(socket, first, bytes.Length, NoSignal) != bytes.Length) throw new InvalidOperationException($"A request could not be sent: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    public static void ClosePoll(int poll) => Check(Close(poll));

    private static int Check(int result) => result >= 0 ? result : throw new InvalidOperationException(Marshal.GetLastPInvokeErrorMessage());

    /// <summary>The processor time of a process, by the scheduler's clock of it, in nanoseconds.</summary>
    public static unsafe long ProcessorNanos(int pid)
    {
        var time = stackalloc long[2];
        Check(GetTime((~pid << 3) | SchedulerClock, time));
        return (time[0] * 1_000_000_000) + time[1];
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial int GetTime(int clock, long* time);

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int EpollCreate(int flags);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial int EpollCtl(int poll, int operation, int socket, byte* entry);

    [LibraryImport("libc", EntryPoint = "epoll_pwait2", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial int EpollWait(int poll, byte* events, int count, long* timeout, nint signals);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial nint Recv(int socket, byte* buffer, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial nint Send(int socket, byte* buffer, nint length, int flags);
}
