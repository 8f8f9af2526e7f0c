using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace CComet.Sqlite;

/// <summary>What a database is and how far it has come.</summary>
/// <param name="Uid">The random name of the database.</param>
/// <param name="Epoch">The epoch of every channel of which nothing has been stored.</param>
/// <param name="Commits">How many transactions were committed.</param>
internal sealed record SqliteState(string Uid, string Epoch, long Commits);

/// <summary>
/// A file beside the database that says, in one line, what was last acknowledged. A database that has less than that (its
/// write-ahead log was cut, an older copy was put in its place) has lost messages, whose numbers must not be given again under
/// the same epoch. Under <see cref="Durability.Normal"/> the mark cannot vouch for what a machine had not yet written when it
/// went down, so it also says on which boot the server ran and whether it ended well. It is locked while the server runs: a
/// database has one server.
/// </summary>
internal sealed class SqliteMark : IDisposable
{
    public const string Suffix = "-mark";

    private const string Opened = "open  ";
    private const string Closed = "closed";
    private const int LineLength = 128;
    private const string BootFile = "/proc/sys/kernel/random/boot_id";

    /// <summary>Which run of the machine this is; empty where the system does not tell.</summary>
    private static readonly string Boot = File.Exists(BootFile) ? File.ReadAllText(BootFile).Trim() : "";

    private readonly FileStream _file;
    private readonly byte[] _digits = new byte[20];
    private int _commitsAt;

    private SqliteMark(FileStream file)
    {
        _file = file;
        Last = Read(file);
    }

    /// <summary>What the last server wrote, or null.</summary>
    public Line? Last { get; }

    /// <summary>Takes the mark of a database for this process.</summary>
    /// <exception cref="InvalidDataException">Another process has it.</exception>
    public static SqliteMark Take(string database)
    {
        var path = PathOf(database);
        SqlitePlace.CheckKind(database);
        SqlitePlace.MakeFolder(database);
        try
        {
            return Open(path);
        }
        catch (IOException) when (IsTaken(database))
        {
            throw new InvalidDataException("another process serves this database");
        }
        catch (IOException) when (File.Exists(path))
        {
            // The other process has released it in this very moment, or opening it fails for good.
            return Open(path);
        }
    }

    /// <summary>Reads the mark of a database that cannot be written to.</summary>
    public static Line? Peek(string database)
    {
        if (!File.Exists(PathOf(database))) return null;
        using var file = SqlitePlace.Open(PathOf(database), FileAccess.Read, FileShare.ReadWrite);
        return Read(file);
    }

    /// <summary>Notes whose mark this is. Goes to the operating system, not to the disk: it survives the process.</summary>
    public void Write(SqliteState state, Durability durability, bool closed = false)
    {
        var line = string.Create(CultureInfo.InvariantCulture, $"{state.Uid} {state.Commits:D20} {(closed ? Closed : Opened)} {durability} {Boot}");
        var bytes = new byte[LineLength];
        bytes.AsSpan().Fill((byte)' ');
        Encoding.ASCII.GetBytes(line, bytes);
        bytes[^1] = (byte)'\n';
        RandomAccess.Write(_file.SafeFileHandle, bytes, 0);
        _commitsAt = state.Uid.Length + 1;
    }

    /// <summary>Notes that everything up to this transaction may be acknowledged.</summary>
    public void Advance(long commits)
    {
        Utf8Formatter.TryFormat(commits, _digits, out _, new StandardFormat('D', 20));
        RandomAccess.Write(_file.SafeFileHandle, _digits, _commitsAt);
    }

    public void Dispose() => _file.Dispose();

    private static SqliteMark Open(string path) => new(SqlitePlace.Open(path, FileAccess.ReadWrite, FileShare.None, orMake: true));

    /// <summary>Where the mark of a database is.</summary>
    public static string PathOf(string database) => database + Suffix;

    /// <summary>Whether another process has the mark of a database.</summary>
    public static bool IsTaken(string database)
    {
        if (!File.Exists(PathOf(database))) return false;
        try
        {
            SqlitePlace.Open(PathOf(database), FileAccess.Read, FileShare.Read).Dispose();
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    private static Line? Read(FileStream file)
    {
        var bytes = new byte[LineLength];
        var read = RandomAccess.Read(file.SafeFileHandle, bytes, 0);
        var words = Encoding.ASCII.GetString(bytes, 0, read).Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return words.Length >= 4 && long.TryParse(words[1], CultureInfo.InvariantCulture, out var commits)
            ? new Line(words[0], commits, words[2] == Closed, words[3] == nameof(Durability.Full), words.Length > 4 ? words[4] : "")
            : null;
    }

    /// <summary>What a mark says.</summary>
    internal sealed record Line(string Uid, long Commits, bool Closed, bool Full, string Boot)
    {
        /// <summary>Whether a database that is found in this state has everything that was acknowledged.</summary>
        public bool VouchesFor(SqliteState state) =>
            state.Uid == Uid && state.Commits >= Commits && (Closed || Full || Boot == SqliteMark.Boot);
    }
}
