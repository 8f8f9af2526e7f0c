using System.Text.Json.Serialization;

namespace AspNetBackend;

/// <summary>An order, as it goes over the wire.</summary>
/// <param name="Id">Its number, which the caller chooses.</param>
/// <param name="Item">What is ordered.</param>
/// <param name="Count">How many.</param>
internal sealed record Order(string Id, string Item, int Count)
{
    /// <summary>The channel of all orders.</summary>
    public const string Channel = "orders";
}

/// <summary>What the caller tells of an order.</summary>
internal sealed record OrderRequest(string? Item, int Count);

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(Order))]
internal sealed partial class OrderJson : JsonSerializerContext;
