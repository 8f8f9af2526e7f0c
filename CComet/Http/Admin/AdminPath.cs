using System.Text;
using CComet.Dialects.Native;
using CComet.Http.Requests;
using Microsoft.AspNetCore.Http;

namespace CComet.Http.Admin;

/// <summary>Paths that name a channel: <c>/admin/channels/{channel}/clear</c>. The name is percent-encoded, its slashes too.</summary>
internal static class AdminPath
{
    /// <summary>What such a path begins with.</summary>
    public const string Channels = "/admin/channels/";

    /// <summary>What stands for the name in the table of paths, and in routes.</summary>
    public const string Name = "{channel}";

    /// <summary>Returns the entry of the table that a path as it came is one of: with <see cref="Name"/> for the name; null when it is none.</summary>
    public static string? PatternOf(ReadOnlySpan<char> path)
    {
        if (!path.StartsWith(Channels, StringComparison.Ordinal)) return null;
        var rest = path[Channels.Length..];
        var slash = rest.IndexOf('/');
        return slash == 0 || rest.IsEmpty ? null : $"{Channels}{Name}{(slash < 0 ? "" : rest[slash..])}";
    }

    /// <summary>Reads the channel that a request's path names.</summary>
    /// <exception cref="WireException">400: it is no name.</exception>
    public static string ReadChannel(HttpContext context)
    {
        var path = RawPath.Read(context);
        var name = path[(path.LastIndexOf(Channels, StringComparison.Ordinal) + Channels.Length)..];
        var slash = name.IndexOf('/');
        if (slash >= 0) name = name[..slash];
        return Parameters.CheckName("channel", Decode(name) ?? throw WireException.Bad("channel", "is not valid UTF-8, percent-encoded, in the path."));
    }

    /// <summary>Decodes a name; null when it is not valid UTF-8, or a percent sign begins no byte.</summary>
    private static string? Decode(ReadOnlySpan<char> name)
    {
        var bytes = new byte[name.Length];
        var length = 0;
        for (var i = 0; i < name.Length; i++)
        {
            if (name[i] > 0x7F) return null;
            if (name[i] != '%')
            {
                bytes[length++] = (byte)name[i];
                continue;
            }

            if (i + 2 >= name.Length || !byte.TryParse(name.Slice(i + 1, 2), System.Globalization.NumberStyles.AllowHexSpecifier, null, out bytes[length++])) return null;
            i += 2;
        }

        return System.Text.Unicode.Utf8.IsValid(bytes.AsSpan(0, length)) ? Encoding.UTF8.GetString(bytes, 0, length) : null;
    }
}
