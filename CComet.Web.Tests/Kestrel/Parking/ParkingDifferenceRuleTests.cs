namespace CComet.Web.Tests.Kestrel.Parking;

/// <summary>What the comparison of two servers takes for the same.</summary>
public sealed class ParkingDifferenceRuleTests
{
    private const string Callback = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nf('[]')\r\n0\r\n\r\n";
    private const string GivenUp = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nVary: Accept\r\n\r\n";
    private const string Poll = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nVary: Accept\r\n\r\n[]";

    [Theory]
    [InlineData(GivenUp, "", true)]
    [InlineData(GivenUp, Poll, true)]
    [InlineData(Callback + GivenUp, Callback, true)]
    [InlineData(Callback + GivenUp, Callback + Poll, true)]
    [InlineData(Poll + GivenUp, Poll + Callback, true)]
    [InlineData(Callback + Poll, Callback, false)]
    [InlineData(Callback + GivenUp, Poll, false)]
    public void Poll_that_was_given_up_is_no_difference_behind_any_answer(string plain, string parking, bool areSame) =>
        Assert.Equal(areSame, ParkingDifferenceTests.AreSame(Seen(plain), Seen(parking), endsSending: true, ParkingWire.Native));

    private static string Seen(string text) => ParkingDifferenceTests.Plain(text) + ParkingDifferenceTests.End;
}
