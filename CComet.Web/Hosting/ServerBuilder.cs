using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using CComet.Web.Hosting.Admin;
using CComet.Web.Hosting.Icomet;
using Serilog.Debugging;

namespace CComet.Web.Hosting;

/// <summary>Makes the application's builder: arguments checked, the content root chosen, files read once and not watched.</summary>
internal static partial class ServerBuilder
{
    private const string WebRoot = "wwwroot";

    /// <summary>Has whatever still watches a file, as Kestrel does its certificates, look at it every four seconds.</summary>
    private const string PollFiles = "DOTNET_USE_POLLING_FILE_WATCHER";

    /// <summary>Makes the builder.</summary>
    /// <exception cref="StartException">An argument or an address means nothing.</exception>
    /// <remarks>
    /// Nothing but the keys of tokens is read again, for which <see cref="Access.KeyRefreshService"/> looks at the files, so they are not
    /// watched. No file is watched by inotify: a user has 128 instances of it by default, which other programs may have used up.
    /// </remarks>
    public static WebApplicationBuilder Create(string[] args)
    {
        CommandLine.Check(args);
        if (IsOwnProcess && Environment.GetEnvironmentVariable(PollFiles) is null) Environment.SetEnvironmentVariable(PollFiles, "1");
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            Args = ["--hostBuilder:reloadConfigOnChange=false", .. args],
            ContentRootPath = ContentRoot(args),
        });
        ListenAddresses.Check(builder.Configuration);
        ListenAddresses.CheckOthers(builder.Configuration, [.. IcometAddresses.Of(builder.Configuration), .. AdminAddresses.Of(builder.Configuration).Select(address => (AdminAddresses.Urls, address))]);

        // Without its file of settings the server would log to nowhere.
        if (!builder.Configuration.GetSection("Serilog:WriteTo").Exists()) builder.Configuration.AddInMemoryCollection([new("Serilog:WriteTo:0:Name", "Console")]);
        return builder;
    }

    /// <summary>Builds the application. A log that is configured in part only, such as one with a sink that does not exist, would be silent.</summary>
    /// <exception cref="StartException">The section <c>Serilog</c> has an entry that is not known.</exception>
    public static WebApplication BuildChecked(this WebApplicationBuilder builder)
    {
        if (!IsOwnProcess) return builder.Build();
        var problems = new ConcurrentQueue<string>();
        SelfLog.Enable(problems.Enqueue);
        try
        {
            var app = builder.Build();
            _ = app.Logger;
            return problems.TryDequeue(out var problem) ? throw new StartException($"Serilog: {SelfLogFrame().Replace(problem, "")}") : app;
        }
        finally
        {
            SelfLog.Disable();
        }
    }

    /// <summary>Whether the process is the server's own, and not that of a test.</summary>
    public static bool IsOwnProcess { get; } = System.Reflection.Assembly.GetEntryAssembly() == typeof(Program).Assembly;

    /// <summary>The time before a line of Serilog about itself, and the list of all methods that it knows behind it.</summary>
    [GeneratedRegex(@"^\S+Z |\. Candidate methods are:.*|\s+$", RegexOptions.Singleline)]
    private static partial Regex SelfLogFrame();

    /// <summary>
    /// Returns the folder of the program, as published; <c>dotnet run</c> runs a program without the pages in the folder of the
    /// project, which has them. Null when it is given, or when there are no pages: then the host decides.
    /// </summary>
    private static string? ContentRoot(string[] args)
    {
        var given = new ConfigurationBuilder().AddEnvironmentVariables("DOTNET_").AddEnvironmentVariables("ASPNETCORE_").AddCommandLine(args).Build();
        if (given[HostDefaults.ContentRootKey] is not null) return null;
        return !Directory.Exists(Path.Combine(AppContext.BaseDirectory, WebRoot)) && Directory.Exists(WebRoot) ? null : AppContext.BaseDirectory;
    }
}
