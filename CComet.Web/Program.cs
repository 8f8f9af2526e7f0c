using CComet.Web;
using CComet.Web.Endpoints;
using Microsoft.Extensions.Options;

try
{
    CCometHosting.InlineSockets();
    var builder = WebApplication.CreateBuilder(args);
    builder.AddLogs();
    builder.AddCComet();

    var app = builder.Build();
    app.UseCCometVerbs();
    app.UseCCometErrors();
    app.UseRouting();
    app.UseCors();
    app.UseDefaultFiles();
    app.UseStaticFiles();
    app.MapCComet();
    app.EndOnSecondSignal();
    app.TellChatPage();
    app.Services.GetRequiredService<IStartupValidator>().Validate();
    await app.RunAsync();
    return 0;
}
catch (Exception e) when (e is OptionsValidationException or InvalidOperationException { InnerException: FormatException or ArgumentException })
{
    // A setting that cannot hold is the operator's to mend: one clear line, and no stack.
    await Console.Error.WriteLineAsync($"CComet cannot start: {e.Message}");
    return 1;
}

/// <summary>The server; public so that tests can start it in their process.</summary>
public partial class Program;
