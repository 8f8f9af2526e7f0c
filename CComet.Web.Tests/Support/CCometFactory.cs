using CComet.Access;
using CComet.Channels;
using CComet.Operations;
using CComet.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace CComet.Web.Tests.Support;

/// <summary>The one way in which tests start the application: with settings, and a clock of their own where time matters.</summary>
public sealed class CCometFactory : WebApplicationFactory<Program>
{
    private readonly TimeProvider? _time;
    private readonly string[] _settings;
    private IAsyncDisposable? _store;

    /// <summary>Settings are written <c>CComet:Poll:Timeout=00:00:02</c>.</summary>
    public CCometFactory(params string[] settings) => _settings = settings;

    /// <summary>With a clock that the test turns.</summary>
    public CCometFactory(TimeProvider time, params string[] settings)
        : this(settings) => _time = time;

    /// <summary>The port of 127.0.0.1 that a real Kestrel listens on; 0 for a free one.</summary>
    public int Port { get; set; }

    /// <summary>Sees every request before the application does; unless a setting says otherwise, none is parked then.</summary>
    public Action<HttpContext>? OnRequest { get; init; }

    /// <summary>Sets what is no setting of the server.</summary>
    public Action<IServiceCollection>? OnServices { get; init; }

    /// <summary>Decides what callers may do; without one everything is allowed.</summary>
    public IChannelAuthorizer? Authorizer { get; init; }

    public ChannelHub Hub => Services.GetRequiredService<ChannelHub>();

    internal ChannelOperations Operations => Services.GetRequiredService<ChannelOperations>();

    /// <summary>Ends the application. Its own entry point ends it at the same time: only the store can say when it has released its file.</summary>
    public override async ValueTask DisposeAsync()
    {
        var store = _store;
        await base.DisposeAsync();
        if (store is not null) await store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected override IHost CreateHost(IHostBuilder builder)
    {
        var host = base.CreateHost(builder);
        _store = host.Services.GetRequiredService<IMessageStore>() as IAsyncDisposable;
        return host;
    }

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseSetting("Serilog:MinimumLevel:Default", "Error");
        builder.UseSetting("Serilog:MinimumLevel:Override:Microsoft.Hosting.Lifetime", "Error");
        builder.UseSetting("CComet:Drain:Grace", "00:00:00");
        builder.UseSetting("CComet:Store:Kind", "Memory");

        // A request that is parked comes to no middleware.
        if (OnRequest is not null) builder.UseSetting("CComet:Parking:Enabled", "false");

        // By the wall clock, a run that stalls for as long would find a heartbeat where the next message is read; tests of heartbeats set their own.
        if (_time is null) builder.UseSetting("CComet:Stream:Heartbeat", "00:10:00");

        // By the address, not by UseKestrel(port): that one is set while the application may be starting already.
        builder.UseSetting("urls", $"http://127.0.0.1:{Port}");
        foreach (var setting in _settings)
        {
            var equals = setting.IndexOf('=', StringComparison.Ordinal);
            builder.UseSetting(setting[..equals], setting[(equals + 1)..]);
        }

        if (_time is not null) builder.ConfigureTestServices(services => services.AddSingleton(_time));
        if (Authorizer is not null) builder.ConfigureTestServices(services => services.AddSingleton(Authorizer));
        if (OnServices is not null) builder.ConfigureTestServices(OnServices);
        if (OnRequest is not null) builder.ConfigureTestServices(services => services.AddSingleton<IStartupFilter>(new Watching(OnRequest)));
    }

    private sealed class Watching(Action<HttpContext> onRequest) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use((context, rest) =>
            {
                onRequest(context);
                return rest(context);
            });
            next(app);
        };
    }
}
