namespace EmbedInAspNet;

/// <summary>An order.</summary>
/// <param name="Item">What is ordered.</param>
/// <param name="Count">How many.</param>
internal sealed record Order(string Item, int Count);
