using CComet.Storage;
using CsCheck;

namespace CComet.Web.Tests.Storage;

public sealed class SizeClassesTests
{
    [Fact]
    public void Largest_is_found_within_a_factor_of_two_whatever_grew_shrank_or_went()
    {
        Gen.Select(Gen.Int[0, 9], Gen.Long[0, 5_000], Gen.Int[0, 3]).List[0, 200].Sample(steps =>
        {
            var classes = new SizeClasses<int>();
            var sizes = new Dictionary<int, long>();
            foreach (var (item, size, kind) in steps)
            {
                var before = sizes.GetValueOrDefault(item);
                if (kind == 0 && sizes.Remove(item)) classes.Remove(item);
                else if (kind == 1 && sizes.ContainsKey(item)) sizes[item] = before / 2;
                else if (kind > 1 && size > before) classes.Raise(item, sizes[item] = size);

                var top = classes.FindLargest(i => sizes.GetValueOrDefault(i), out var found);
                var most = sizes.Values.DefaultIfEmpty().Max();
                if (most == 0 ? top != -1 : top < 0 || sizes[found] * 2 <= most) return false;
            }

            return true;
        });
    }
}
