using CComet.Interop;
using Microsoft.Data.Sqlite;

namespace CComet.Sqlite;

/// <summary>Where a database lies: makes its folder and its files for the server's user alone, and refuses what is no file.</summary>
/// <remarks>
/// Where the process may write into a folder only as a member of the folder's group, the folder is the group's: the next process
/// may have another user and the same group, as in OpenShift, and must be able to read what this one has left. There the files
/// are the group's too.
/// </remarks>
internal static class SqlitePlace
{
    private const string PathKey = "Path";
    private const UnixFileMode ForUser = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode ForGroup = UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
    private const UnixFileMode ForOthers = UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>Makes the folder of a database, and those above it, unless they are there.</summary>
    public static void MakeFolder(string database)
    {
        var missing = new Stack<string>();
        for (var folder = Path.GetDirectoryName(database); folder is not null && !Directory.Exists(folder); folder = Path.GetDirectoryName(folder)) missing.Push(folder);
        foreach (var folder in missing)
        {
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(folder);
                continue;
            }

            // Set once more, as the process's umask may have taken some away.
            var isGroups = IsGroups(folder);
            var mode = ForUser | UnixFileMode.UserExecute | (isGroups ? ForGroup | UnixFileMode.GroupExecute : 0);
            Directory.CreateDirectory(folder, mode);
            File.SetUnixFileMode(folder, mode);
        }
    }

    /// <summary>Opens a file, or makes it. A symbolic link is not followed, and what is no file is not opened.</summary>
    /// <exception cref="InvalidDataException">There is something else at the path.</exception>
    public static FileStream Open(string path, FileAccess access, FileShare share, bool orMake = false)
    {
        var found = Unix.Look(path);
        if (found.Kind is not (FileKind.Missing or FileKind.Regular or FileKind.Unknown)) throw NoFile(path, found.Kind);
        if (orMake && found.Kind != FileKind.Regular && !File.Exists(path)) return Make(path, access, share);
        var file = new FileStream(path, FileMode.Open, access, share, 0);

        // It may have been replaced by a link between the two.
        if (Unix.Look(file.SafeFileHandle).Inode == found.Inode) return file;
        file.Dispose();
        throw NoFile(path, FileKind.Link);
    }

    /// <summary>Makes the file of a database, empty, unless it is there: SQLite gives what it makes beside it the same mode.</summary>
    public static void MakeFile(string database)
    {
        CheckKind(database);
        if (!File.Exists(database)) Make(database, FileAccess.ReadWrite, FileShare.None).Dispose();
    }

    /// <summary>Makes sure that a path leads to a file, or to nothing. To open a pipe would block, and a device might do something.</summary>
    /// <exception cref="InvalidDataException">There is something else at the path.</exception>
    public static void CheckKind(string path)
    {
        var kind = Unix.Look(path, followLinks: true).Kind;
        if (kind is not (FileKind.Missing or FileKind.Regular or FileKind.Unknown)) throw NoFile(path, kind);
        if (kind == FileKind.Missing && Unix.Look(path).Kind == FileKind.Link) throw NoFile(path, FileKind.Link);
    }

    /// <summary>Says to the operator which path has failed, and, when rights are what is missing, whose it is and what to do.</summary>
    public static string Explain(string database, Exception exception)
    {
        var isRights = exception is UnauthorizedAccessException or SqliteException
        {
            SqliteErrorCode: SQLitePCL.raw.SQLITE_CANTOPEN or SQLitePCL.raw.SQLITE_PERM or SQLitePCL.raw.SQLITE_READONLY,
        };
        var path = isRights ? Obstacle(database) : exception.Data[PathKey] as string ?? database;
        if (exception is IOException) return $"{path}: {exception.Message}";
        var facts = Unix.Look(path, followLinks: true);
        if (!isRights || facts.Kind is FileKind.Unknown or FileKind.Missing || Unix.Uid == 0) return path;
        return $"{path} belongs to uid {facts.Uid}, gid {facts.Gid} with mode {Convert.ToString((int)facts.Mode, 8)}, and the server runs as {Unix.User}: "
            + $"chown it to {Unix.Uid}, or make it the group's (chgrp {Unix.Gid}, chmod g=u)";
    }

    /// <summary>Takes away what others than the user and the group may do with the files of a database, and returns a sentence about what was changed, or null.</summary>
    /// <remarks>
    /// The database may hold keys that seal what is given to clients, so that reading it gives every right. A file that every user may read
    /// was made under an umask, or restored by a copy: it gets the mode that the server would have given it. A file that the group alone may
    /// read was given to it by an operator, as to a user that makes backups, and keeps its mode. A file of another user cannot be changed.
    /// </remarks>
    public static string? Narrow(string database)
    {
        if (OperatingSystem.IsWindows()) return null;

        // SQLite has its files beside the one that a link leads to.
        var target = File.Exists(database) ? File.ResolveLinkTarget(database, returnFinalTarget: true)?.FullName ?? database : database;
        string? narrowed = null;
        foreach (var path in (string[])[target, target + "-wal", target + "-shm", SqliteMark.PathOf(database)])
        {
            var file = Unix.Look(path);
            if (file.Kind != FileKind.Regular || (file.Mode & ForOthers) == 0) continue;
            var mode = ForUser | (IsGroups(path) ? ForGroup : 0);
            try
            {
                File.SetUnixFileMode(path, mode);
                narrowed ??= $"{path} could be used by every user of this machine (mode {Convert.ToString((int)file.Mode, 8)}): its mode is {Convert.ToString((int)mode, 8)} now, and so is that of the files beside it";
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Another user's, or on a disk that is read-only: told as exposed.
            }
        }

        return narrowed;
    }

    /// <summary>Returns a sentence about a database that every user of the machine may read, or null.</summary>
    public static string? Exposure(string database)
    {
        var file = Unix.Look(database, followLinks: true);
        var folder = Unix.Look(Path.GetDirectoryName(database)!, followLinks: true);
        return file.Kind == FileKind.Regular && file.Mode.HasFlag(UnixFileMode.OtherRead) && folder.Mode.HasFlag(UnixFileMode.OtherExecute)
            ? $"{database} can be read by every user of this machine (mode {Convert.ToString((int)file.Mode, 8)}); chmod 600 it, its -wal, -shm and -mark"
            : null;
    }

    /// <summary>Finds what keeps the process from writing: one of the files, or the nearest folder that is there.</summary>
    private static string Obstacle(string database)
    {
        foreach (var file in (string[])[database, SqliteMark.PathOf(database), database + "-wal", database + "-shm"])
            if (Unix.Look(file, followLinks: true) is { Kind: FileKind.Regular } facts && !MayWrite(facts)) return file;
        var folder = Path.GetDirectoryName(database);
        while (folder is not null && !Directory.Exists(folder)) folder = Path.GetDirectoryName(folder);
        return folder ?? database;
    }

    private static bool MayWrite(FileFacts facts) => facts.Mode.HasFlag(
        facts.Uid == Unix.Uid ? UnixFileMode.UserWrite : facts.Gid == Unix.Gid ? UnixFileMode.GroupWrite : UnixFileMode.OtherWrite);

    private static FileStream Make(string path, FileAccess access, FileShare share)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = access, Share = share, BufferSize = 0 };
        if (OperatingSystem.IsWindows()) return new FileStream(path, options);
        options.UnixCreateMode = ForUser;
        var file = new FileStream(path, options);
        File.SetUnixFileMode(file.SafeFileHandle, ForUser | (IsGroups(path) && Unix.Look(file.SafeFileHandle).Gid == Unix.Look(Path.GetDirectoryName(path)!, followLinks: true).Gid ? ForGroup : 0));
        return file;
    }

    /// <summary>Whether the process may write to the folder of a path only as a member of the folder's group.</summary>
    private static bool IsGroups(string path)
    {
        var folder = Unix.Look(Path.GetDirectoryName(path)!, followLinks: true);
        return folder.Kind == FileKind.Folder && Unix.Uid != 0 && folder.Uid != Unix.Uid
            && folder.Mode.HasFlag(UnixFileMode.GroupWrite) && !folder.Mode.HasFlag(UnixFileMode.OtherWrite);
    }

    private static InvalidDataException NoFile(string path, FileKind kind)
    {
        var what = path.EndsWith(SqliteMark.Suffix, StringComparison.Ordinal) ? "mark" : "path";
        var found = kind switch
        {
            FileKind.Folder => "a folder",
            FileKind.Link => "a symbolic link",
            FileKind.Socket => "a socket",
            _ => "a pipe or a device",
        };
        return new InvalidDataException($"the database's {what} is {found}") { Data = { [PathKey] = path } };
    }
}
