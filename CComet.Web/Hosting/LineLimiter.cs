using System.Collections.Concurrent;
using Serilog.Events;

namespace CComet.Web.Hosting;

/// <summary>
/// Bounds what clients can make the server log: of warnings, errors and failed requests so many of a kind pass in a second, and
/// the others are counted. A kind is the text of the line before its values are filled in, and its status if it has one. Lines of
/// requests that went well, and what else is below a warning, always pass.
/// </summary>
/// <param name="perSecond">How many of a kind pass in a second; asked when the first such line comes.</param>
/// <param name="time">The clock.</param>
internal sealed class LineLimiter(Func<int> perSecond, TimeProvider time)
{
    /// <summary>So many kinds are told apart: the texts are the programs' own, but a program may put a value into one.</summary>
    public const int MaxKinds = 200;

    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1);
    private static readonly (string, int) OtherKinds = ("others", 0);

    private readonly ConcurrentDictionary<(string Text, int Status), Kind> _kinds = new();
    private readonly Lazy<int> _perSecond = new(perSecond);

    /// <summary>Counts a line; false when it is to be left out.</summary>
    public bool TryPass(LogEvent line)
    {
        var status = line.Properties.TryGetValue("Status", out var value) && value is ScalarValue { Value: int number } ? number : 0;
        if (line.Level < LogEventLevel.Warning && status < StatusCodes.Status400BadRequest) return true;
        var key = (line.MessageTemplate.Text, status);
        if (!_kinds.TryGetValue(key, out var kind)) kind = _kinds.GetOrAdd(_kinds.Count < MaxKinds ? key : OtherKinds, _ => new Kind());
        lock (kind)
        {
            // Lines left out in an earlier second, and not told yet, are told with those of this one.
            if (IsOver(kind)) (kind.Began, kind.Passed) = (time.GetTimestamp(), 0);
            if (kind.Passed < _perSecond.Value)
            {
                kind.Passed++;
                return true;
            }

            kind.Level = line.Level;
            kind.Suppressed++;
            return false;
        }
    }

    /// <summary>Gives the counts of the lines that were left out in a second that is over, or until now, and begins them again at 0.</summary>
    public IEnumerable<(string Kind, int Status, LogEventLevel Level, int Count)> TakeSuppressed(bool all)
    {
        foreach (var (key, kind) in _kinds)
        {
            LogEventLevel level;
            int count;
            lock (kind)
            {
                if (!all && !IsOver(kind)) continue;
                (level, count, kind.Suppressed) = (kind.Level, kind.Suppressed, 0);
            }

            if (count > 0) yield return (key.Text, key.Status, level, count);
        }
    }

    private bool IsOver(Kind kind) => kind.Began is not { } began || time.GetElapsedTime(began) >= Window;

    private sealed class Kind
    {
        public long? Began { get; set; }

        public int Passed { get; set; }

        public int Suppressed { get; set; }

        public LogEventLevel Level { get; set; }
    }
}
