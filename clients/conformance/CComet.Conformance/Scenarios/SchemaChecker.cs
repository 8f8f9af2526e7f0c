using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace CComet.Conformance.Scenarios;

/// <summary>Checks JSON against a JSON Schema, of which it knows the keywords that the schema of the scenarios uses.</summary>
/// <remarks>A keyword that it does not know is an error of the schema, so that no rule is passed over in silence.</remarks>
public sealed class SchemaChecker
{
    private static readonly HashSet<string> Known =
    [
        "$schema", "$id", "$defs", "$ref", "title", "description", "type", "properties", "required", "additionalProperties", "minProperties", "maxProperties",
        "items", "minItems", "uniqueItems", "enum", "pattern", "minimum", "maximum",
    ];

    private readonly JsonElement _root;

    private SchemaChecker(JsonElement root)
    {
        _root = root;
        CheckKeywords(root, "#");
    }

    /// <summary>Reads a schema.</summary>
    /// <exception cref="FormatException">It has a keyword that is not known here.</exception>
    public static SchemaChecker Read(string path) => Parse(File.ReadAllText(path));

    /// <summary>Reads a schema from its text.</summary>
    /// <exception cref="FormatException">It has a keyword that is not known here.</exception>
    public static SchemaChecker Parse(string text)
    {
        using var document = JsonDocument.Parse(text);
        return new SchemaChecker(document.RootElement.Clone());
    }

    /// <summary>What is wrong, each with its place; empty when nothing is.</summary>
    public IReadOnlyList<string> Check(JsonElement value)
    {
        var errors = new List<string>();
        Check(_root, value, "$", errors);
        return errors;
    }

    private void Check(JsonElement schema, JsonElement value, string place, List<string> errors)
    {
        if (schema.ValueKind == JsonValueKind.True) return;
        if (schema.TryGetProperty("$ref", out var reference)) Check(Resolve(reference.GetString()!), value, place, errors);
        if (schema.TryGetProperty("type", out var type) && !HasType(type, value))
        {
            errors.Add($"{place}: is {value.ValueKind}, not {type}.");
            return;
        }

        if (schema.TryGetProperty("enum", out var values) && !values.EnumerateArray().Any(one => JsonElement.DeepEquals(one, value))) errors.Add($"{place}: {value} is none of {values}.");
        if (value.ValueKind == JsonValueKind.String && schema.TryGetProperty("pattern", out var pattern) && !Regex.IsMatch(value.GetString()!, pattern.GetString()!))
            errors.Add($"{place}: '{value}' does not match {pattern}.");
        if (value.ValueKind == JsonValueKind.Number)
        {
            if (schema.TryGetProperty("minimum", out var least) && value.GetDouble() < least.GetDouble()) errors.Add($"{place}: {value} is less than {least}.");
            if (schema.TryGetProperty("maximum", out var most) && value.GetDouble() > most.GetDouble()) errors.Add($"{place}: {value} is more than {most}.");
        }

        if (value.ValueKind == JsonValueKind.Object) CheckObject(schema, value, place, errors);
        if (value.ValueKind == JsonValueKind.Array) CheckArray(schema, value, place, errors);
    }

    private void CheckObject(JsonElement schema, JsonElement value, string place, List<string> errors)
    {
        var count = value.EnumerateObject().Count();
        if (schema.TryGetProperty("minProperties", out var least) && count < least.GetInt32()) errors.Add($"{place}: has fewer members than {least}.");
        if (schema.TryGetProperty("maxProperties", out var most) && count > most.GetInt32()) errors.Add($"{place}: has more members than {most}.");
        if (schema.TryGetProperty("required", out var required))
            errors.AddRange(required.EnumerateArray().Where(name => !value.TryGetProperty(name.GetString()!, out _)).Select(name => $"{place}: has no member '{name}'."));
        var hasProperties = schema.TryGetProperty("properties", out var properties);
        var hasOthers = schema.TryGetProperty("additionalProperties", out var others);
        foreach (var member in value.EnumerateObject())
        {
            var inner = $"{place}.{member.Name}";
            if (hasProperties && properties.TryGetProperty(member.Name, out var known)) Check(known, member.Value, inner, errors);
            else if (hasOthers && others.ValueKind == JsonValueKind.False) errors.Add($"{inner}: is not known.");
            else if (hasOthers) Check(others, member.Value, inner, errors);
        }
    }

    private void CheckArray(JsonElement schema, JsonElement value, string place, List<string> errors)
    {
        var items = value.EnumerateArray().ToList();
        if (schema.TryGetProperty("minItems", out var least) && items.Count < least.GetInt32()) errors.Add($"{place}: has fewer items than {least}.");
        if (schema.TryGetProperty("uniqueItems", out var unique) && unique.GetBoolean() && items.Select(item => item.GetRawText()).Distinct().Count() < items.Count) errors.Add($"{place}: has an item twice.");
        if (!schema.TryGetProperty("items", out var each)) return;
        for (var i = 0; i < items.Count; i++) Check(each, items[i], string.Create(CultureInfo.InvariantCulture, $"{place}[{i}]"), errors);
    }

    private static bool HasType(JsonElement type, JsonElement value) =>
        type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().Any(one => HasType(one, value)) : type.GetString() switch
        {
            "object" => value.ValueKind == JsonValueKind.Object,
            "array" => value.ValueKind == JsonValueKind.Array,
            "string" => value.ValueKind == JsonValueKind.String,
            "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
            "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
            var other => throw new FormatException($"The schema has a type that is not known here: {other}."),
        };

    private JsonElement Resolve(string reference)
    {
        const string Start = "#/$defs/";
        if (reference.StartsWith(Start, StringComparison.Ordinal) && _root.TryGetProperty("$defs", out var all) && all.TryGetProperty(reference[Start.Length..], out var found)) return found;
        throw new FormatException($"The schema refers to '{reference}', which is nowhere.");
    }

    private static void CheckKeywords(JsonElement schema, string place)
    {
        if (schema.ValueKind is JsonValueKind.True or JsonValueKind.False) return;
        foreach (var keyword in schema.EnumerateObject())
        {
            var inner = $"{place}/{keyword.Name}";
            if (!Known.Contains(keyword.Name)) throw new FormatException($"The schema has a keyword that is not known here: {inner}.");
            if (keyword.Name is "items" or "additionalProperties") CheckKeywords(keyword.Value, inner);
            if (keyword.Name is not ("properties" or "$defs")) continue;
            foreach (var one in keyword.Value.EnumerateObject()) CheckKeywords(one.Value, $"{inner}/{one.Name}");
        }
    }
}
