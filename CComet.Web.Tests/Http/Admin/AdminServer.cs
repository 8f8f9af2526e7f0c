using System.Text.Json;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Http.Admin;

/// <summary>Asks for administration, and opens subscribers of every kind.</summary>
internal static class AdminServer
{
    /// <summary>Asks for what a channel has.</summary>
    public static string PathOf(string channel, string action = "") => $"/admin/channels/{Uri.EscapeDataString(channel)}{action}";

    /// <summary>Posts JSON, or nothing.</summary>
    public static Task<Answer> PostAsync(this HttpClient http, string path, string json = "{}") => http.AskAsync(path, Asking.Body(json));

    /// <summary>Waits until a channel has so many subscribers that wait.</summary>
    public static Task WaitingAsync(this LiveServer server, string channel, int count) =>
        Eventually.TrueAsync(() => server.Hub.Find(channel)?.Waiting == count, $"{count} wait in {channel}");

    /// <summary>The text of a member.</summary>
    public static string? Text(this JsonElement json, string name) => json.GetProperty(name).GetString();

    /// <summary>The number in a member.</summary>
    public static long Number(this JsonElement json, string name) => json.GetProperty(name).GetInt64();
}
