using CComet.Messages;

namespace CComet.Dialects.Native;

/// <summary>Notices as JSON objects.</summary>
internal static class NoticeJson
{
    /// <summary>Encodes a notice, in UTF-8.</summary>
    public static byte[] Encode(Notice notice) => NativeJson.EncodeObject(json =>
    {
        json.WriteString("type", TypeOf(notice.Kind));
        if (notice.Kind == NoticeKind.Bye)
        {
            if (notice.Reason is not null) json.WriteString("reason", notice.Reason);
            json.WriteNumber("retry", (long)notice.Retry.TotalMilliseconds);
            return;
        }

        json.WriteString("channel", notice.Channel);
        if (notice.Kind == NoticeKind.Close) return;
        json.WriteString("epoch", notice.Epoch);
        if (notice.Kind == NoticeKind.Gap)
        {
            json.WriteNumber("from", notice.From);
            json.WriteNumber("to", notice.Seqid);
        }

        json.WriteNumber("seqid", notice.Seqid);
        if (notice.Expires is { } expires) json.WriteNumber("expires", expires.ToUnixTimeMilliseconds());
    });

    private static string TypeOf(NoticeKind kind) => kind switch
    {
        NoticeKind.Gap => "GAP",
        NoticeKind.Reset => "RESET",
        NoticeKind.Cursor => "CURSOR",
        NoticeKind.Close => "CLOSE",
        _ => "BYE",
    };
}
