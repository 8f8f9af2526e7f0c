using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using CComet.Sqlite;

namespace CComet.Web.Hosting;

/// <summary>Where the logs are kept.</summary>
internal enum StoreKind
{
    /// <summary>In the process; see <see cref="Storage.MemoryStore"/>.</summary>
    Memory,

    /// <summary>In a file of this machine; by the package <c>CComet.Sqlite</c>.</summary>
    Sqlite,

    /// <summary>In a Redis server that several nodes share; by the package <c>CComet.Redis</c>.</summary>
    Redis,
}

/// <summary>The settings under <c>CComet:Store</c>.</summary>
[Settings("CComet:Store")]
internal sealed record StoreOptions
{
    /// <summary>Which store.</summary>
    [EnumDataType(typeof(StoreKind))]
    [Description("where the logs are kept")]
    public StoreKind Kind { get; init; } = StoreKind.Sqlite;

    /// <summary>The database of <see cref="StoreKind.Sqlite"/>: a path, from the content root when it is not a full one.</summary>
    [Required]
    [Description("SQLite: the file, from the content root")]
    public string Path { get; init; } = "data/ccomet.db";

    /// <summary>What an acknowledged message survives, with <see cref="StoreKind.Sqlite"/>.</summary>
    [EnumDataType(typeof(Durability))]
    [Description("SQLite: what was acknowledged survives the end of the process, or of the power too")]
    public Durability Durability { get; init; } = Durability.Normal;

    /// <summary>Where <see cref="StoreKind.Redis"/> is: a configuration string of StackExchange.Redis.</summary>
    [Required]
    [Description("Redis: a [configuration string](https://stackexchange.github.io/StackExchange.Redis/Configuration)")]
    public string Redis { get; init; } = "localhost:6379";

    /// <summary>
    /// How long a store that outlives the process remembers the epoch and the next seqid of a channel whose messages are all
    /// gone: 1 min to 3,650 days.
    /// </summary>
    [Range(typeof(TimeSpan), "00:01:00", "3650.00:00:00", ParseLimitsInInvariantCulture = true)]
    [Description("SQLite, Redis: how long the numbers of a channel outlive its messages")]
    public TimeSpan Remember { get; init; } = TimeSpan.FromDays(30);
}
