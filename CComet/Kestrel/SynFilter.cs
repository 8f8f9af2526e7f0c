using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace CComet.Kestrel;

/// <summary>Has the kernel ignore new connections to a listening socket while those it has made are accepted.</summary>
/// <remarks>
/// Linux resets every connection in the accept queue when the listener is closed, and the request that its client has sent by then is
/// lost; so the queue must be empty first, and stay empty. A client that is ignored sends its SYN again a second later, and is
/// refused then.
/// </remarks>
internal static class SynFilter
{
    // From the kernel's headers: SOL_SOCKET, SO_ATTACH_FILTER, and the codes of classic BPF.
    private const int SocketLevel = 1;
    private const int AttachFilter = 26;
    private const ushort LoadByte = 0x30;
    private const ushort And = 0x54;
    private const ushort JumpIfEqual = 0x15;
    private const ushort Return = 0x06;

    /// <summary>Where the flags are in a TCP header, at which a filter's view of a packet begins.</summary>
    private const int FlagsOffset = 13;

    private const int Syn = 0x02;
    private const int SynAndAck = 0x12;

    /// <summary>Drops SYN without ACK, keeps all else. Pinned, as the kernel is given its address. Accepted sockets inherit it, to no effect.</summary>
    private static readonly ulong[] Program = Pin(
        Instruction(LoadByte, FlagsOffset),
        Instruction(And, SynAndAck),
        Instruction(JumpIfEqual, Syn, otherwise: 1),
        Instruction(Return, 0),
        Instruction(Return, uint.MaxValue));

    /// <summary>Attaches it; where there is no such filter, a connection made in the very moment of the close is lost.</summary>
    public static void Attach(Socket listener)
    {
        if (!OperatingSystem.IsLinux() || !Environment.Is64BitProcess || listener.LocalEndPoint is not IPEndPoint) return;
        Span<byte> description = stackalloc byte[16];
        description.Clear();
        MemoryMarshal.Write(description, (ushort)Program.Length);
        MemoryMarshal.Write(description[8..], Marshal.UnsafeAddrOfPinnedArrayElement(Program, 0));
        try
        {
            listener.SetRawSocketOption(SocketLevel, AttachFilter, description);
        }
        catch (SocketException)
        {
            // A kernel that forbids it, or that only looks like one.
        }
    }

    /// <summary>An instruction as it lies in memory: code, how many to skip when a comparison holds and when it fails, operand.</summary>
    private static ulong Instruction(ushort code, uint operand, byte otherwise = 0)
    {
        Span<byte> bytes = stackalloc byte[8];
        bytes.Clear();
        MemoryMarshal.Write(bytes, code);
        bytes[3] = otherwise;
        MemoryMarshal.Write(bytes[4..], operand);
        return MemoryMarshal.Read<ulong>(bytes);
    }

    private static ulong[] Pin(params ReadOnlySpan<ulong> program)
    {
        var pinned = GC.AllocateUninitializedArray<ulong>(program.Length, pinned: true);
        program.CopyTo(pinned);
        return pinned;
    }
}
