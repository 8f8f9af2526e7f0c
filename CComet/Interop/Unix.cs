using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace CComet.Interop;

/// <summary>What a path leads to.</summary>
internal enum FileKind
{
    /// <summary>The system does not say.</summary>
    Unknown,
    Missing,
    Regular,
    Folder,
    Link,
    Socket,

    /// <summary>A pipe or a device: to open it may block, or do something.</summary>
    Special,
}

/// <summary>What the system says of a file.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Mode">Who may do what.</param>
/// <param name="Uid">Whose it is.</param>
/// <param name="Gid">Which group's it is.</param>
/// <param name="Inode">Which file it is.</param>
internal readonly record struct FileFacts(FileKind Kind, UnixFileMode Mode = 0, uint Uid = 0, uint Gid = 0, ulong Inode = 0);

/// <summary>Asks Linux what .NET does not tell: owners, kinds of files. Elsewhere everything is unknown.</summary>
internal static class Unix
{
    private const int AtWorkingDirectory = -100;
    private const int AtNoFollow = 0x100;
    private const int AtEmptyPath = 0x1000;
    private const uint BasicStats = 0x7ff;
    private const int NoSuchFile = 2;

    /// <summary>The layout of <c>struct statx</c>, which is the same on every processor.</summary>
    private const int StatxSize = 256, UidAt = 20, GidAt = 24, ModeAt = 28, InodeAt = 32;

    /// <summary>The user that the process runs as; 0 where there are none.</summary>
    public static uint Uid { get; } = OperatingSystem.IsLinux() ? geteuid() : 0;

    /// <summary>The group that the process runs as; 0 where there are none.</summary>
    public static uint Gid { get; } = OperatingSystem.IsLinux() ? getegid() : 0;

    /// <summary>Such as <c>uid 1654, gid 1654</c>.</summary>
    public static string User { get; } = string.Create(CultureInfo.InvariantCulture, $"uid {Uid}, gid {Gid}");

    /// <summary>Returns what is at a path.</summary>
    /// <param name="path">The path.</param>
    /// <param name="followLinks">False: of a symbolic link that it is one.</param>
    public static FileFacts Look(string path, bool followLinks = false) => OperatingSystem.IsLinux() ? Look(AtWorkingDirectory, path, followLinks ? 0 : AtNoFollow) : default;

    /// <summary>Says what an open file is.</summary>
    public static FileFacts Look(SafeFileHandle file) => OperatingSystem.IsLinux() ? Look((int)file.DangerousGetHandle(), "", AtEmptyPath) : default;

    private static FileFacts Look(int folder, string path, int flags)
    {
        var facts = new byte[StatxSize];
        try
        {
            if (statx(folder, path, flags, BasicStats, facts) != 0) return new FileFacts(Marshal.GetLastPInvokeError() == NoSuchFile ? FileKind.Missing : FileKind.Unknown);
        }
        catch (EntryPointNotFoundException)
        {
            return default;
        }

        var mode = BitConverter.ToUInt16(facts, ModeAt);
        return new FileFacts(KindOf(mode), (UnixFileMode)(mode & 0xfff), BitConverter.ToUInt32(facts, UidAt), BitConverter.ToUInt32(facts, GidAt), BitConverter.ToUInt64(facts, InodeAt));
    }

    private static FileKind KindOf(ushort mode) => (mode & 0xf000) switch
    {
        0x8000 => FileKind.Regular,
        0x4000 => FileKind.Folder,
        0xa000 => FileKind.Link,
        0xc000 => FileKind.Socket,
        _ => FileKind.Special,
    };

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int statx(int folder, [MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags, uint mask, byte[] facts);

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern uint geteuid();

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern uint getegid();
}
