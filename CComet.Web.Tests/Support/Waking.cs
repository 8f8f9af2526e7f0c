using CComet.Channels;
using CComet.Subscriptions;

namespace CComet.Web.Tests.Support;

internal static class Waking
{
    /// <summary>Waits, and says what the subscriber was woken by.</summary>
    public static async Task<WakeReason> WakeAsync(this Subscriber subscriber, TimeSpan timeout)
    {
        await subscriber.WaitAsync(timeout);
        return Assert.NotNull(subscriber.Woken);
    }
}
