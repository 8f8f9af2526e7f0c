using System.Buffers;
using System.Text;
using System.Text.Json;
using CComet.Bench.Load;

namespace CComet.Bench.Peers;

/// <summary>A subscriber by long poll in the dialect of icomet, which finds in the body of an answer where it goes on.</summary>
/// <param name="request">The request that goes on from a seq, with the number of the next noop.</param>
/// <param name="tally">Where it notes.</param>
internal sealed class IcometPollClient(Func<long, long, byte[]> request, Tally tally) : Subscription(tally)
{
    private const int BodyBytes = 256;

    private readonly ArrayBufferWriter<byte> _body = new(BodyBytes);

    /// <summary>The next message's number; 0 means from now on.</summary>
    private long _seq;
    private long _noop;

    protected override void Ask() => Send(request(_seq, _noop));

    protected override void OnHead(int status, ReadOnlySpan<byte> head)
    {
        if (status != 200) throw new InvalidOperationException($"A poll was answered with {status}.");
    }

    protected override void OnBody(ReadOnlySpan<byte> bytes)
    {
        _body.Write(bytes);
        base.OnBody(bytes);
    }

    protected override void OnEnd()
    {
        try
        {
            var reader = new Utf8JsonReader(_body.WrittenSpan);
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.StartObject) Follow(ref reader);
            }
        }
        catch (JsonException e)
        {
            throw new InvalidOperationException($"No answer of icomet's: {Encoding.UTF8.GetString(_body.WrittenSpan)}", e);
        }

        _body.ResetWrittenCount();
        Ask();
    }

    /// <summary>Reads one object of an answer, and goes on where it tells.</summary>
    private void Follow(ref Utf8JsonReader reader)
    {
        var (type, seq) = ("", 0L);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (isType, isSeq) = (reader.ValueTextEquals("type"u8), reader.ValueTextEquals("seq"u8));
            reader.Read();
            if (isType) type = Type(reader);
            if (isSeq) seq = reader.GetInt64();
        }

        switch (type)
        {
            case "data" or "broadcast":
                _seq = seq + 1;
                break;
            case "next_seq":
                _seq = seq;
                break;
            case "noop":
                _noop = seq + 1;
                break;
            default:
                throw new InvalidOperationException($"A poll was answered with {Encoding.UTF8.GetString(_body.WrittenSpan)}");
        }
    }

    /// <summary>The type of an object; that of almost all is no new string.</summary>
    private static string Type(in Utf8JsonReader reader) => reader.ValueTextEquals("data"u8) ? "data" : reader.GetString()!;
}
