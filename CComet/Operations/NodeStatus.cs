using System.Reflection;

namespace CComet.Operations;

/// <summary>What a node tells of itself.</summary>
/// <param name="Node">Its name: random, and new with each start.</param>
/// <param name="Host">The machine that it runs on.</param>
/// <param name="Since">When it was started, in Unix milliseconds.</param>
/// <param name="Version">Its release.</param>
/// <param name="Subscribers">How many subscribers it has.</param>
/// <param name="Channels">How many channels are open on it.</param>
/// <param name="IsDraining">Whether it sends its subscribers away.</param>
/// <param name="Memory">What its process takes in memory, in bytes.</param>
/// <param name="DrainedFrom">Of how many subscribers its drain began; null while there is none, and for a node of a release that does not tell.</param>
internal sealed record NodeStatus(string Node, string Host, long Since, string Version, int Subscribers, int Channels, bool IsDraining, long Memory, int? DrainedFrom = null)
{
    /// <summary>This release.</summary>
    public static string Release { get; } = typeof(NodeStatus).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";
}

/// <summary>A node as another one sees it.</summary>
/// <param name="Status">What it told last.</param>
/// <param name="Heard">How long ago it was heard of.</param>
internal readonly record struct KnownNode(NodeStatus Status, TimeSpan Heard);
