using CComet.Dialects.Native;
using CComet.Http.Requests;
using CComet.Web.Tests.Http.Requests;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Hardening;

/// <summary>The attack: a body of some kilobytes that decodes to gigabytes. It costs no more than a body at its limit, and is refused.</summary>
public sealed class DecompressionBombTests(WireFixture wire) : IClassFixture<WireFixture>
{
    private const int Bomb = 64 << 20;

    private readonly DirectCall _call = new(wire.Factory);
    private readonly int _limit = WireLimits.MaxBodyBytes(new LimitOptions());

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("deflate")]
    [InlineData("gzip, gzip")]
    [InlineData("br, gzip")]
    [InlineData("gzip, br")]
    public void Decoding_stops_at_the_limit_of_a_body(string coding)
    {
        foreach (var type in (string[])["text/plain", "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"])
        {
            var (answer, allocated, _) = _call.Publish("?channel=a", ContentEncodingTests.Encode(new byte[Bomb], coding), type, coding);
            answer.AssertProblem(413, "body");
            Assert.InRange(allocated, 0, 4 * _limit);
        }
    }

    [Fact]
    public void Codings_between_which_it_is_large_and_at_the_end_small_stop_there_as_well()
    {
        // A gzip file of empty members, which decodes to nothing, compresses to a thousandth.
        var empty = ContentEncodingTests.Encode([], "gzip");
        var members = Enumerable.Repeat(empty, Bomb / empty.Length).SelectMany(member => member).ToArray();
        var (answer, allocated, _) = _call.Publish("?channel=a", ContentEncodingTests.Encode(members, "gzip"), "text/plain", "gzip, gzip");
        answer.AssertProblem(413, "body");
        Assert.InRange(allocated, 0, 4 * _limit);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("deflate")]
    public void Limit_is_exact(string coding)
    {
        foreach (var length in (int[])[_limit - 1, _limit, _limit + 1, _limit + 2])
        {
            using var decoded = length > _limit ? null : ContentCoding.Decode(ContentEncodingTests.Encode(new byte[length], coding), [coding], _limit);
            if (length <= _limit) Assert.Equal(length, decoded!.Written.Length);
            else Assert.Equal(413, Assert.Throws<WireException>(() => ContentCoding.Decode(ContentEncodingTests.Encode(new byte[length], coding), [coding], _limit)).Status);
        }
    }

    [Fact]
    public void Many_codings_in_one_header_are_refused_before_the_body_is_read()
    {
        var (answer, _, bodyRead) = _call.Publish("?channel=a", new byte[1_000], "text/plain", string.Join(',', Enumerable.Repeat("gzip", 10_000)));
        answer.AssertProblem(415, "Content-Encoding");
        Assert.Equal(0, bodyRead);
    }
}
