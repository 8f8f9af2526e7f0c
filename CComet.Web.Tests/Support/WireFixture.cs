namespace CComet.Web.Tests.Support;

/// <summary>One server in this process with the settings as delivered, for all the tests of a class; each uses channels of its own.</summary>
public sealed class WireFixture : IDisposable
{
    public WireFixture()
    {
        Factory = new CCometFactory();
        Http = Factory.CreateClient();
    }

    public CCometFactory Factory { get; }

    public HttpClient Http { get; }

    public void Dispose()
    {
        Http.Dispose();
        Factory.Dispose();
    }
}
