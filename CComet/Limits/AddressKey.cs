using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace CComet.Limits;

/// <summary>An address as it is counted: an IPv4 address, written either way, or the first 64 bits of an IPv6 address, which one client commonly has whole.</summary>
internal readonly record struct AddressKey(ulong Network, bool IsV6)
{
    /// <summary>Returns what an address is counted as; null where there is none.</summary>
    public static AddressKey? Create(IPAddress? address)
    {
        if (address is null) return null;
        Span<byte> bytes = stackalloc byte[16];
        if (!address.TryWriteBytes(bytes, out var length)) return null;
        if (address.AddressFamily == AddressFamily.InterNetwork) return new AddressKey(BinaryPrimitives.ReadUInt32BigEndian(bytes[..length]), false);
        return address.IsIPv4MappedToIPv6
            ? new AddressKey(BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]), false)
            : new AddressKey(BinaryPrimitives.ReadUInt64BigEndian(bytes), true);
    }
}
