using CComet.Kestrel.Parking;

namespace CComet.Web.Tests.Kestrel.Parking;

/// <summary>What slots have in common.</summary>
public sealed class SharedTableTests
{
    private readonly SharedTable<string> _table = new();

    [Fact]
    public void Equal_values_have_one_number_for_as_long_as_one_of_them_is_used()
    {
        var number = _table.Take("a");
        Assert.Equal(number, _table.Take(new string('a', 1)));
        _table.Release(number);
        Assert.Equal("a", _table[number]);
        Assert.NotEqual(number, _table.Take("b"));
        _table.Release(number);
        Assert.Null(_table[number]);
        Assert.Equal(1, _table.InUse);
    }

    [Fact]
    public void Number_that_is_not_in_use_is_given_again()
    {
        var (a, b) = (_table.Take("a"), _table.Take("b"));
        _table.Release(a);
        Assert.Equal(a, _table.Take("c"));
        Assert.Equal(("c", "b"), (_table[a], _table[b]));
        Assert.NotEqual(a, _table.Take("a"));
    }

    [Fact]
    public void Zero_is_no_number_and_may_be_released()
    {
        _table.Release(0);
        Assert.Equal(1, _table.Take("a"));
        _table.Release(0);
        Assert.Equal("a", _table[1]);
    }

    [Fact]
    public void Table_grows_and_keeps_what_it_has()
    {
        var numbers = Enumerable.Range(0, 1_000).Select(i => _table.Take($"{i}")).ToArray();
        Assert.Equal(Enumerable.Range(1, 1_000), numbers.Order());
        for (var i = 0; i < 1_000; i++) Assert.Equal($"{i}", _table[numbers[i]]);
        foreach (var number in numbers) _table.Release(number);
        Assert.Equal(Enumerable.Range(1, 1_000), Enumerable.Range(0, 1_000).Select(i => _table.Take($"again {i}")).Order());
    }

    [Fact]
    public async Task Threads_that_take_and_release_see_their_own_values()
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Factory.StartNew(
            () =>
            {
                for (var i = 0; i < 20_000; i++)
                {
                    var value = $"{(i % 7 == 0 ? "shared" : thread)} {i % 40}";
                    var number = _table.Take(value);
                    Assert.Equal(value, _table[number]);
                    _table.Release(number);
                }
            },
            TaskCreationOptions.LongRunning)));
        Assert.InRange(_table.Take("a"), 1, 4);
    }
}
