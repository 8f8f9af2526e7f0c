using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace CComet.Sqlite;

/// <summary>What an acknowledged message in a file survives.</summary>
public enum Durability
{
    /// <summary>The end of the process, however sudden.</summary>
    Normal,

    /// <summary>The end of the machine's power too: every commit waits for the disk, and is as fast as its <c>fsync</c>.</summary>
    Full,
}

/// <summary>The options of the SQLite store. They are read once; a value out of its bounds stops the start of the application.</summary>
public sealed record SqliteStoreOptions
{
    /// <summary>
    /// The database file, from the application's content root when it is no full path; not empty. Its folder is made when it is missing. One
    /// process serves a file. Beside it are the files of SQLite's write-ahead log, and a mark of what was last acknowledged.
    /// </summary>
    [Required]
    public string Path { get; set; } = "data/ccomet.db";

    /// <summary>What an acknowledged message survives; <see cref="Sqlite.Durability.Normal"/> unless it is set.</summary>
    [EnumDataType(typeof(Durability))]
    public Durability Durability { get; set; } = Durability.Normal;

    /// <summary>
    /// How long the epoch and the next seqid of a channel are kept once all its messages are gone: 1 min to 3,650 days. After that the
    /// channel begins a new epoch.
    /// </summary>
    [Range(typeof(TimeSpan), "00:01:00", "3650.00:00:00", ParseLimitsInInvariantCulture = true)]
    public TimeSpan Remember { get; set; } = TimeSpan.FromDays(30);
}

/// <summary>Checks the options when the application starts.</summary>
[OptionsValidator]
internal sealed partial class SqliteStoreOptionsValidator : IValidateOptions<SqliteStoreOptions>;
