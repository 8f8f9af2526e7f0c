using System.Collections.Frozen;
using CComet.Channels;
using CComet.Diagnostics;
using CComet.Http.Admin;
using CComet.Http.Ccomet2014;
using CComet.Http.Credentials;
using CComet.Operations;
using CComet.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace CComet.Http;

/// <summary>A path of the contract.</summary>
/// <param name="Path">The path, exact.</param>
/// <param name="Methods">The methods it takes, exact, as the Allow header lists them.</param>
/// <param name="Answer">Answers a request with one of these methods.</param>
/// <param name="IsVerb">Whether it is a verb, which may wait, and writes its line of the log itself.</param>
internal sealed record WirePath(PathString Path, StringValues Methods, RequestDelegate Answer, bool IsVerb)
{
    /// <summary>Whether it is about credentials, and neither reads a channel nor publishes to one.</summary>
    public bool IsOfCredentials { get; init; }

    /// <summary>Whether it is of administration, which has addresses of its own, or conditions.</summary>
    public bool IsOfAdministration { get; init; }

    /// <summary>Whether it tells of health, which is told at every address.</summary>
    public bool IsOfHealth => !IsVerb && Path.StartsWithSegments("/health");

    /// <summary>Whether the Accept header chooses between forms of the answer.</summary>
    public bool VariesByAccept { get; init; }

    /// <summary>Whether it takes a method.</summary>
    public bool Takes(string method)
    {
        foreach (var own in Methods)
        {
            if (own == method) return true;
        }

        return false;
    }
}

/// <summary>The one table of all paths of the contract, from which the server answers and <c>MapCComet()</c> maps.</summary>
internal sealed class WirePaths
{
    private readonly FrozenDictionary<string, WirePath>.AlternateLookup<ReadOnlySpan<char>> _paths;

    /// <summary>All paths.</summary>
    public IReadOnlyList<WirePath> All { get; }

    /// <summary>Makes the table by the settings.</summary>
    public WirePaths(RequestPipeline pipeline, ChannelOperations operations, PresenceOperations presence, AccessOperations access, Carriers carriers, ChannelHub hub, IMessageStore store, MetricsText metrics, IOptions<EndpointOptions> options, AdminOperations admin, IHostApplicationLifetime lifetime)
    {
        string[] get = [HttpMethods.Get];
        string[] getOrHead = [HttpMethods.Get, HttpMethods.Head];
        string[] publish = options.Value.Publish.ByGet ? [HttpMethods.Get, HttpMethods.Post] : [HttpMethods.Post];
        All =
        [
            new("/sign", publish, SignEndpoint.Create(pipeline, operations), IsVerb: true),
            new("/pub", publish, PubEndpoint.Create(pipeline, operations), IsVerb: true),
            new("/sub", get, SubEndpoint.Create(pipeline, operations), IsVerb: true) { VariesByAccept = true },
            new("/sse", get, StreamEndpoints.CreateEvents(pipeline, operations), IsVerb: true),
            new("/stream", get, StreamEndpoints.CreateLines(pipeline, operations), IsVerb: true),

            // CONNECT is how HTTP/2 opens a WebSocket (RFC 8441).
            new("/ws", (string[])[HttpMethods.Get, HttpMethods.Connect], new WebSocketEndpoint(pipeline, operations, carriers).Create(), IsVerb: true),
            new("/presence", get, PresenceEndpoint.Create(pipeline, presence), IsVerb: true),

            // The dialect of 2014; its /sign is the same verb.
            new("/publish", publish, PublishEndpoint.Create(pipeline, operations), IsVerb: true),
            new("/subscribe", get, SubscribeEndpoint.Create(pipeline, operations), IsVerb: true),
            new("/ticket", (string[])[HttpMethods.Post], TicketEndpoint.Create(pipeline, access), IsVerb: true) { IsOfCredentials = true },
            new("/session", (string[])[HttpMethods.Post, HttpMethods.Delete], SessionEndpoint.Create(pipeline, access, carriers), IsVerb: true) { IsOfCredentials = true },
            .. OfAdministration(new AdminEndpoints(pipeline, admin), new StatisticsStream(pipeline, admin, lifetime), RevokeEndpoint.Create(pipeline, access)),
            new("/metrics", get, MetricsEndpoint.Create(pipeline, operations, metrics), IsVerb: true) { IsOfAdministration = true },
            new("/health/live", getOrHead, HealthEndpoints.AnswerLiveAsync, IsVerb: false),
            new("/health/ready", getOrHead, HealthEndpoints.CreateReady(hub, store), IsVerb: false),
        ];
        _paths = All.ToFrozenDictionary(p => p.Path.Value!, StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>Returns the entry of a path; null when there is none.</summary>
    public WirePath? Find(ReadOnlySpan<char> path)
    {
        if (_paths.TryGetValue(path, out var found)) return found;
        return AdminPath.PatternOf(path) is { } pattern && _paths.TryGetValue(pattern, out found) ? found : null;
    }

    private static IEnumerable<WirePath> OfAdministration(AdminEndpoints admin, StatisticsStream statistics, RequestDelegate revoke)
    {
        const string Channel = AdminPath.Channels + AdminPath.Name;
        return
        [
            Get("/admin/me", admin.CreateScope()),
            Get("/admin/channels", admin.CreateList()),
            Get(Channel, admin.CreateChannel()),
            Get($"{Channel}/messages", admin.CreateMessages()),
            Post($"{Channel}/clear", admin.CreateClear()),
            Post($"{Channel}/close", admin.CreateClose()),
            Post($"{Channel}/publish", admin.CreatePublish()),
            Post("/admin/broadcast", admin.CreateBroadcast()),
            Post("/admin/kick", admin.CreateKick()),
            Post("/admin/revoke", revoke) with { IsOfCredentials = true },
            Post("/admin/explain", admin.CreateExplain()),
            Get("/admin/nodes", admin.CreateNodes()),
            Get("/admin/stats", admin.CreateStatistics()),
            Get("/admin/stats/stream", statistics.Create()),
            Post("/admin/drain", admin.CreateDrain()),
        ];

        static WirePath Get(string path, RequestDelegate answer) => new(path, (string[])[HttpMethods.Get], answer, IsVerb: true) { IsOfAdministration = true };

        static WirePath Post(string path, RequestDelegate answer) => new(path, (string[])[HttpMethods.Post], answer, IsVerb: true) { IsOfAdministration = true };
    }
}
