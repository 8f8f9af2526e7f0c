using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace CComet.Web.Stores;

/// <summary>Where the logs are kept.</summary>
public enum StoreKind
{
    /// <summary>In the process; see <see cref="MemoryStore"/>.</summary>
    Memory,
}

/// <summary>The settings under <c>CComet:Store</c>.</summary>
public sealed record StoreOptions
{
    /// <summary>Which store.</summary>
    [EnumDataType(typeof(StoreKind))]
    public StoreKind Kind { get; init; } = StoreKind.Memory;
}

/// <summary>Checks the store's settings at the start.</summary>
[OptionsValidator]
public sealed partial class StoreOptionsValidator : IValidateOptions<StoreOptions>;
