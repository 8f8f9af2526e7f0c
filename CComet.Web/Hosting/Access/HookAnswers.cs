namespace CComet.Web.Hosting.Access;

/// <summary>Answers of the application, and questions under way, by question; a bounded number of them.</summary>
/// <remarks>
/// Two generations: when the young one has half of the bound, it becomes the old one, and what the old one had is forgotten. An answer that is
/// used moves to the young one. So it costs no list of uses, and a flood of new questions does not take away the answers in use.
/// </remarks>
/// <typeparam name="T">What is kept of a question.</typeparam>
/// <param name="maxEntries">The bound, at least 1.</param>
internal sealed class HookAnswers<T>(int maxEntries)
    where T : class
{
    private readonly Lock _lock = new();
    private readonly int _maxYoung = Math.Max(1, maxEntries / 2);
    private Dictionary<HookQuestion, T> _young = [];
    private Dictionary<HookQuestion, T> _old = [];

    /// <summary>The number of entries.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return _young.Count + _old.Count;
        }
    }

    /// <summary>Returns the entry of a question, unless it no longer holds; else adds one.</summary>
    /// <param name="question">The question.</param>
    /// <param name="holds">Whether an entry still holds.</param>
    /// <param name="create">Makes an entry.</param>
    /// <returns>The entry, and whether it is a new one.</returns>
    public (T Entry, bool IsNew) GetOrAdd(in HookQuestion question, Func<T, bool> holds, Func<T> create)
    {
        lock (_lock)
        {
            if (_young.TryGetValue(question, out var entry) && holds(entry)) return (entry, false);
            var isKept = _old.Remove(question, out var old) && entry is null && holds(old);
            if (entry is null && _young.Count >= _maxYoung) (_old, _young) = (_young, []);
            _young[question] = entry = isKept ? old! : create();
            return (entry, !isKept);
        }
    }
}
