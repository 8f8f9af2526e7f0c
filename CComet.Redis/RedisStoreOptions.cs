using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace CComet.Redis;

/// <summary>The options of the Redis store. They are read once; a value out of its bounds stops the start of the application.</summary>
public sealed record RedisStoreOptions
{
    /// <summary>
    /// The server: a configuration string of StackExchange.Redis that names one at least, such as <c>host:6379,password=...,ssl=true</c>.
    /// Redis 7.0 or later, whose user may call <c>INFO</c>; an older one is told by every call.
    /// </summary>
    [Required]
    public string Configuration { get; set; } = "localhost:6379";

    /// <summary>
    /// How long the epoch and the next seqid of a channel are kept once all its messages are gone: 1 min to 3,650 days, and at least an hour
    /// more than <see cref="HistoryOptions.MaxAge"/>. After that the channel begins a new epoch.
    /// </summary>
    [Range(typeof(TimeSpan), "00:01:00", "3650.00:00:00", ParseLimitsInInvariantCulture = true)]
    public TimeSpan Remember { get; set; } = TimeSpan.FromDays(30);
}

/// <summary>Checks the options when the application starts.</summary>
[OptionsValidator]
internal sealed partial class RedisStoreOptionsValidator : IValidateOptions<RedisStoreOptions>;
