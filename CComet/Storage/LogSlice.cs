using CComet.Messages;

namespace CComet.Storage;

/// <summary>A log's epoch and bounds.</summary>
/// <param name="Epoch">The random name of this life of the log, such as <see cref="Messages.Epoch.New"/> returns.</param>
/// <param name="First">The seqid of the oldest message kept; equal to <paramref name="End"/> when none is.</param>
/// <param name="End">The seqid that the next message will get.</param>
public readonly record struct LogHead(string Epoch, long First, long End);

/// <summary>Consecutive messages of a log, and its bounds when they were read.</summary>
/// <param name="Head">The log's epoch and bounds.</param>
/// <param name="Messages">
/// The messages, without holes; the first has the seqid asked for, or <see cref="LogHead.First"/> when that is later. Empty when there is
/// none from there on. Not to be written to.
/// </param>
public readonly record struct LogSlice(LogHead Head, Message[] Messages)
{
    /// <summary>Returns as many of the messages as fit in so many bytes, but at least one where there is one.</summary>
    internal LogSlice Within(long maxBytes)
    {
        var take = 0;
        for (long bytes = 0; take < Messages.Length; take++)
        {
            bytes += Messages[take].Record.Length;
            if (take > 0 && bytes > maxBytes) break;
        }

        return take == Messages.Length ? this : this with { Messages = Messages[..take] };
    }
}
