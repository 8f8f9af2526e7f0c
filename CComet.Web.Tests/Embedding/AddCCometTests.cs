using CComet.Channels;
using CComet.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace CComet.Web.Tests.Embedding;

/// <summary>Adding CComet to an application changes nothing that is the application's.</summary>
public sealed class AddCCometTests
{
    private static readonly Type StartupValidation = typeof(IStartupValidator).Assembly.GetType("Microsoft.Extensions.Options.StartupValidatorOptions", throwOnError: true)!;

    [Fact]
    public void AddCComet_removes_and_replaces_no_service_and_adds_only_its_own()
    {
        var services = WebApplication.CreateBuilder().Services;
        var before = services.ToArray();
        services.AddCComet().AddSqliteStore().AddRedisStore();
        Assert.Equal(before, services.Take(before.Length));
        Assert.All(services.Skip(before.Length), service => Assert.True(IsOwn(service), $"{service}"));
    }

    [Fact]
    public void AddCComet_leaves_the_web_server_and_the_host_with_their_options()
    {
        Assert.Equal(OptionsOf(WebApplication.CreateBuilder()), OptionsOf(With(builder => builder.Services.AddCComet())));
        Assert.NotEqual(OptionsOf(WebApplication.CreateBuilder()), OptionsOf(With(builder =>
        {
            builder.Services.AddCComet();
            builder.WebHost.UseCCometKestrel();
        })));
    }

    [Fact]
    public void AddCComet_twice_is_one_hub_with_the_options_of_both()
    {
        using var app = (IDisposable)With(builder =>
        {
            builder.Services.AddCComet(hub => hub.Limits.Channels = 7);
            builder.Services.AddCComet(hub => hub.Limits.Subscribers = 9);
        }).Build();
        var services = ((WebApplication)app).Services;
        Assert.Single(services.GetServices<ChannelHub>());
        Assert.Single(services.GetServices<IHostedService>().OfType<HubSweeper>());
        var limits = services.GetRequiredService<IOptions<HubOptions>>().Value.Limits;
        Assert.Equal((7, 9), (limits.Channels, limits.Subscribers));
    }

    [Fact]
    public async Task Option_out_of_its_bounds_stops_the_start()
    {
        await using var app = With(builder => builder.Services.AddCComet(hub => hub.Limits.Channels = 0)).Build();
        var failure = await Assert.ThrowsAsync<OptionsValidationException>(() => app.StartAsync());
        Assert.Contains("Channels", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Store_of_the_application_is_used()
    {
        var store = Support.HubFixture.NewStore(new HubOptions(), TimeProvider.System);
        await using var app = With(builder =>
        {
            builder.Services.AddSingleton<IMessageStore>(store);
            builder.Services.AddCComet();
        }).Build();
        Assert.Same(store, app.Services.GetRequiredService<IMessageStore>());
    }

    private static WebApplicationBuilder With(Action<WebApplicationBuilder> add)
    {
        var builder = WebApplication.CreateBuilder([$"--urls=http://127.0.0.1:{Support.Ports.Take()}"]);
        add(builder);
        return builder;
    }

    /// <summary>What the host's options are, as one text.</summary>
    private static string OptionsOf(WebApplicationBuilder builder)
    {
        using var app = (IDisposable)builder.Build();
        var services = ((WebApplication)app).Services;
        var kestrel = services.GetRequiredService<IOptions<KestrelServerOptions>>().Value;
        return string.Join('\n', Values(kestrel).Concat(Values(kestrel.Limits)).Concat(Values(kestrel.Limits.Http2))
            .Concat(Values(services.GetRequiredService<IOptions<SocketTransportOptions>>().Value))
            .Concat(Values(services.GetRequiredService<IOptions<HostOptions>>().Value)));
    }

    private static IEnumerable<string> Values(object options) => options.GetType().GetProperties()
        .Where(p => p.PropertyType.IsValueType || p.PropertyType == typeof(string))
        .Select(p => $"{options.GetType().Name}.{p.Name}={p.GetValue(options)}");

    private static bool IsOwn(ServiceDescriptor service)
    {
        var type = service.ServiceType;

        // Validation at the start is noted for each of its options in a list that the host reads.
        if (type == typeof(IConfigureOptions<>).MakeGenericType(StartupValidation)) return true;
        Type?[] about = [type, .. type.GenericTypeArguments, service.ImplementationType, service.ImplementationInstance?.GetType(), service.ImplementationFactory?.Method.DeclaringType];
        return type == typeof(TimeProvider) || about.Any(t => t?.Assembly.GetName().Name!.StartsWith("CComet", StringComparison.Ordinal) == true);
    }
}
