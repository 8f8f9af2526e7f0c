using System.Text;
using System.Text.Json;
using CComet.Messages;

namespace CComet.Operations;

/// <summary>Publishes from an application's own code. A service that <c>AddCComet()</c> adds; its methods may be called on any thread.</summary>
/// <remarks>
/// The application's own code is trusted: no <see cref="Access.IChannelAuthorizer"/> is asked, and no quota of an address, a user or a channel holds. All other
/// bounds do. Messages that one caller publishes one after the other get their seqids in that order.
/// </remarks>
public sealed class ChannelPublisher
{
    private readonly ChannelOperations _operations;

    internal ChannelPublisher(ChannelOperations operations) => _operations = operations;

    /// <summary>Publishes a text, which subscribers get as a JSON string.</summary>
    /// <param name="channel">The channel: 1 to 200 Unicode characters, none of them a control. It is made when it does not exist.</param>
    /// <param name="text">The message: 1 byte to <see cref="LimitOptions.MessageBytes"/> of UTF-8, without halves of surrogate pairs.</param>
    /// <param name="sname">The publisher's name as subscribers see it, of the same form as a channel's; null for none.</param>
    /// <param name="id">
    /// An idempotency id, of the same form: for five minutes a message with the same id in the same channel is not stored again, so that a
    /// publish whose outcome is unknown can be repeated. Null for none.
    /// </param>
    /// <param name="cancellation">Ends the waiting; the message may be stored all the same.</param>
    /// <returns>The receipt, once the message is stored as the store promises.</returns>
    /// <exception cref="ArgumentException">A name or the text is not of its form; nothing was stored.</exception>
    /// <exception cref="LimitException">A bound is met; nothing was stored.</exception>
    /// <exception cref="StoreUnavailableException">The store cannot be written to now. Nothing was stored, as far as the store can tell.</exception>
    public ValueTask<Receipt> PublishAsync(string channel, string text, string? sname = null, string? id = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        CheckLength(Encoding.UTF8.GetByteCount(text), nameof(text));
        return PublishAsync(channel, JsonString.Quote(text), sname, id, cancellation);
    }

    /// <summary>Publishes a value as JSON.</summary>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <param name="channel">The channel, as for a text.</param>
    /// <param name="value">The message; as JSON at most <see cref="LimitOptions.MessageBytes"/>, and nested at most 62 levels.</param>
    /// <param name="options">How the value is serialized; null for <see cref="JsonSerializerOptions.Web"/>: names in camel case.</param>
    /// <param name="sname">The publisher's name, as for a text.</param>
    /// <param name="id">An idempotency id, as for a text.</param>
    /// <param name="cancellation">Ends the waiting; the message may be stored all the same.</param>
    /// <returns>The receipt, once the message is stored as the store promises.</returns>
    /// <exception cref="ArgumentException">A name or the value is not of its form; nothing was stored.</exception>
    /// <exception cref="JsonException">The value cannot be serialized, or is nested deeper.</exception>
    /// <exception cref="NotSupportedException">The serializer has no converter for the value's type.</exception>
    /// <exception cref="LimitException">A bound is met; nothing was stored.</exception>
    /// <exception cref="StoreUnavailableException">The store cannot be written to now. Nothing was stored, as far as the store can tell.</exception>
    public ValueTask<Receipt> PublishJsonAsync<T>(string channel, T value, JsonSerializerOptions? options = null, string? sname = null, string? id = null, CancellationToken cancellation = default)
    {
        var json = JsonString.Minify(JsonSerializer.SerializeToUtf8Bytes(value, options ?? JsonSerializerOptions.Web), MaxDepth);
        CheckLength(json.Length, nameof(value));
        return PublishAsync(channel, json, sname, id, cancellation);
    }

    /// <summary>A message comes to its readers within an object within an array, and JSON parsers read 64 levels by default.</summary>
    private const int MaxDepth = 62;

    private async ValueTask<Receipt> PublishAsync(string channel, byte[] body, string? sname, string? id, CancellationToken cancellation)
    {
        CheckName(channel, nameof(channel));
        if (Names.IsOfServer(channel)) throw new ArgumentException($"{nameof(channel)}: names that begin with {Names.ServerPrefix} are the server's own.", nameof(channel));
        if (sname is not null) CheckName(sname, nameof(sname));
        if (id is not null) CheckName(id, nameof(id));
        var receipts = await _operations.PublishTrustedAsync([new NewMessage(channel, MessageType.Msg, sname, body, id)], cancellation);
        return receipts[0];
    }

    private static void CheckName(string name, string parameter)
    {
        ArgumentNullException.ThrowIfNull(name, parameter);
        if (Names.FindProblem(name) is { } problem) throw new ArgumentException($"{parameter}: {problem}", parameter);
    }

    private void CheckLength(int bytes, string parameter)
    {
        var max = _operations.Context.Options.Limits.MessageBytes;
        if (bytes == 0) throw new ArgumentException($"{parameter}: is empty.", parameter);
        if (bytes > max) throw new ArgumentException($"{parameter}: is {bytes} bytes long; the limit is {max}.", parameter);
    }
}
