using System.Diagnostics;
using System.Net;
using CComet.Access;
using CComet.Channels;
using CComet.Kestrel.Parking;
using CComet.Messages;

namespace CComet.Microbenchmarks;

/// <summary>Weighs the process with many parked subscribers: all that is kept of them but their sockets, which the kernel has.</summary>
internal sealed class ParkedMemory : IChannelReader
{
    private readonly SlotTable _slots = new();
    private readonly SharedTable<(ActiveChannel Channel, string Epoch)> _channels = new();
    private int _woken;

    /// <inheritdoc/>
    public string? Sname => null;

    /// <inheritdoc/>
    public string? User => null;

    /// <inheritdoc/>
    public WakeReason? Ended => null;

    /// <summary>Parks subscribers, says what the process has, and sees that a message to each channel reaches all of them.</summary>
    public static async Task RunAsync(int subscribers, int channels)
    {
        using var hub = new BenchmarkHub(limits => (limits.Subscribers, limits.SubscribersPerAddress, limits.SubscribersPerChannel) = (subscribers, subscribers, subscribers));
        var parked = new ParkedMemory();
        using var wheel = new SlotWheel(parked._slots, TimeProvider.System, static _ => { });
        var before = Resident();
        var caller = new CallerContext(IPAddress.Loopback);
        var names = Enumerable.Range(0, channels).Select(i => $"channel{i}").ToArray();
        for (var n = 0; n < subscribers; n++) parked.Park(await hub.Operations.EnterAsync(caller, names[n % channels]) is var (channel, _) ? channel : null!, wheel);
        GC.Collect();
        var after = Resident();
        foreach (var name in names) await hub.Operations.PublishAsync(CallerContext.Local, [new NewMessage(name, MessageType.Msg, null, JsonString.Quote("a"))]);
        for (var seen = -1; seen != Volatile.Read(ref parked._woken); await Task.Delay(200)) seen = Volatile.Read(ref parked._woken);
        Console.WriteLine($"{subscribers:N0} parked in {channels:N0} channels: {(after - before) / subscribers} bytes each, {after / 1e6:N0} MB of the whole process ({before / 1e6:N0} MB before); woken by a message: {parked._woken:N0}");
    }

    /// <inheritdoc/>
    public bool TakesPushes(int channelIndex) => false;

    /// <inheritdoc/>
    public bool IsRevokedIn(int channelIndex) => false;

    /// <inheritdoc/>
    public ref int SlotIn(int channelIndex) => ref _slots[channelIndex].Listed;

    /// <inheritdoc/>
    public void Push(int channelIndex, Batch? batch) => throw new UnreachableException();

    /// <inheritdoc/>
    public void Signal(int channelIndex, WakeReason reason) => Wake(channelIndex, reason, null);

    /// <inheritdoc/>
    public void Wake(int channelIndex, WakeReason reason, Batch? batch) => Interlocked.Increment(ref _woken);

    private static long Resident()
    {
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }

    private void Park(ActiveChannel channel, SlotWheel wheel)
    {
        var n = _slots.Take();
        ref var slot = ref _slots[n];
        slot.State = SlotState.Poll;
        var cursor = new ChannelCursor { Channel = channel, Next = -1 };
        List<Reading>? readings = null;
        if (channel.Read(ref cursor, n, this, long.MaxValue, ref readings) != ReadStatus.Nothing) throw new UnreachableException();
        (slot.Next, slot.Channel) = (cursor.Next, _channels.Take((channel, cursor.Epoch!)));
        wheel.Set(n, BenchmarkHub.Wait);
    }
}
