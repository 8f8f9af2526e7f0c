using CComet.Web.Hosting;
using CComet.Web.Hosting.Access;
using CComet.Web.Hosting.Commands;
using Microsoft.Extensions.Options;

WebApplication? app = null;
try
{
    if (await ServerCommands.RunAsync(args) is { } exitCode) return exitCode;
    if (CommandLine.Answer(args) is { } text)
    {
        await Console.Out.WriteAsync(text);
        return 0;
    }

    CCometHosting.InlineSockets();
    var builder = ServerBuilder.Create(args);
    builder.AddLogs();
    builder.AddCCometServer();
    builder.RequireStatedMode();

    app = builder.BuildChecked();
    app.UseCComet();
    using var signals = app.EndOnSecondSignal();
    app.TellChatPage();
    app.Services.GetRequiredService<IStartupValidator>().Validate();
    await app.StartAsync();
    await app.WaitForShutdownAsync();
    await app.DisposeAsync();
    return 0;
}
catch (Exception e) when (StartFailure.IsOurs(e))
{
    return await StartFailure.TellAsync(e, app);
}

/// <summary>The server; public so that tests can start it in their process.</summary>
public partial class Program;
