using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Hosting;

/// <summary>When the server keeps connections that wait outside of the web server.</summary>
public sealed class ParkingSettingTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ccomet-parking-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(true)]
    [InlineData(true, "--contentRoot={0}")]
    [InlineData(true, "--CComet:Parking:Enabled=true")]
    [InlineData(false, "--CComet:Parking:Enabled=false")]
    public async Task Connections_are_parked_unless_the_setting_says_otherwise(bool isOn, params string[] arguments)
    {
        if (!OperatingSystem.IsLinux()) return;

        // The folder has no appsettings.json, so that the key is absent.
        await using var server = ServerProcess.Start([.. arguments.Select(a => a.Replace("{0}", _folder.FullName, StringComparison.Ordinal))]);
        using var client = await server.ClientAsync();
        Assert.Equal(isOn ? Environment.ProcessorCount : 0, server.Threads.Count(name => name.StartsWith("CComet parking", StringComparison.Ordinal)));
    }
}
