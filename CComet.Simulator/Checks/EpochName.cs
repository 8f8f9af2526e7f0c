using System.Text;

namespace CComet.Simulator.Checks;

/// <summary>An epoch as the wire has it, and as a query takes it. One object for each, so that two of a channel are the same when their references are.</summary>
internal sealed class EpochName(byte[] raw)
{
    /// <summary>Bytes of UTF-8.</summary>
    public byte[] Raw { get; } = raw;

    /// <summary>Percent-encoded.</summary>
    public byte[] Encoded { get; } = Encoding.ASCII.GetBytes(Uri.EscapeDataString(Encoding.UTF8.GetString(raw)));
}
