namespace CComet.Kestrel.Parking;

/// <summary>Objects that slots have in common, by numbers from 1 on, each for as long as a slot uses it.</summary>
/// <typeparam name="T">By what they are equal, they are one.</typeparam>
internal sealed class SharedTable<T>
    where T : notnull
{
    private readonly Lock _lock = new();
    private readonly Dictionary<T, int> _numbers = [];
    private readonly Stack<int> _free = new();
    private (T? Value, int Uses)[] _values = new (T?, int)[16];
    private int _count;

    /// <summary>The object of a number that is in use.</summary>
    public T this[int number] => Volatile.Read(ref _values)[number].Value!;

    /// <summary>Returns an object's number, for one use more.</summary>
    public int Take(T value)
    {
        lock (_lock)
        {
            if (!_numbers.TryGetValue(value, out var number))
            {
                if (!_free.TryPop(out number)) number = ++_count;
                if (number == _values.Length)
                {
                    var larger = new (T?, int)[_values.Length * 2];
                    _values.CopyTo(larger, 0);
                    Volatile.Write(ref _values, larger);
                }

                _values[number].Value = value;
                _numbers.Add(value, number);
            }

            _values[number].Uses++;
            return number;
        }
    }

    /// <summary>Ends one use of a number. 0 is none.</summary>
    public void Release(int number)
    {
        if (number == 0) return;
        lock (_lock)
        {
            ref var entry = ref _values[number];
            if (--entry.Uses > 0) return;
            _numbers.Remove(entry.Value!);
            entry.Value = default;
            _free.Push(number);
        }
    }
}
