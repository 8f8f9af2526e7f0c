using System.Numerics;

namespace CComet.Storage;

/// <summary>
/// Finds a largest one of many things whose sizes change, within a factor of two, at constant cost: each is listed by the power of two
/// of its size.
/// </summary>
/// <remarks>
/// A class may be too high for what it lists, never too low: growth has to be told with <see cref="Raise"/>, shrinking is found
/// out when the thing comes to the top. So a size that goes up and down costs nothing, and each step down was paid for by a step up. Not
/// safe for use by several threads.
/// </remarks>
internal sealed class SizeClasses<T>
    where T : notnull
{
    private readonly List<T>[] _classes = [.. Enumerable.Range(0, 64).Select(_ => new List<T>(0))];
    private readonly Dictionary<T, (int Class, int Index)> _places = [];
    private int _top = -1;

    /// <summary>The class of a size.</summary>
    public static int ClassOf(long size) => BitOperations.Log2((ulong)Math.Max(1, size));

    /// <summary>Tells of the size of something; gives the class in which it is listed.</summary>
    public int Raise(T item, long size)
    {
        var wanted = ClassOf(size);
        if (_places.TryGetValue(item, out var place))
        {
            if (place.Class >= wanted) return place.Class;
            Remove(item);
        }

        Add(item, wanted);
        return wanted;
    }

    /// <summary>Takes something out.</summary>
    public void Remove(T item)
    {
        if (!_places.Remove(item, out var place)) return;
        var list = _classes[place.Class];
        var last = list[^1];
        list.RemoveAt(list.Count - 1);
        if (place.Index == list.Count) return;
        list[place.Index] = last;
        _places[last] = place;
    }

    /// <summary>Finds one of the largest; what has shrunk is listed where it belongs on the way.</summary>
    /// <param name="sizeOf">The present size of a thing.</param>
    /// <param name="largest">One of the largest.</param>
    /// <returns>Its class; -1 when nothing is listed whose size is above 0.</returns>
    public int FindLargest(Func<T, long> sizeOf, out T? largest)
    {
        while (_top >= 0)
        {
            if (_classes[_top].Count == 0)
            {
                _top--;
                continue;
            }

            largest = _classes[_top][^1];
            var size = sizeOf(largest);
            if (size > 0 && ClassOf(size) >= _top) return _top;
            Remove(largest);
            if (size > 0) Add(largest, ClassOf(size));
        }

        largest = default;
        return -1;
    }

    private void Add(T item, int wanted)
    {
        _places[item] = (wanted, _classes[wanted].Count);
        _classes[wanted].Add(item);
        _top = Math.Max(_top, wanted);
    }
}
