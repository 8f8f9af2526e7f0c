using CComet.Access;
using CComet.Channels;
using CComet.Operations;
using Microsoft.AspNetCore.Http;

namespace CComet.Http.Icomet;

/// <summary>The paths of the dialect of icomet, a table for each of its two addresses.</summary>
internal sealed class IcometPaths
{
    private readonly Dictionary<string, WirePath> _front;
    private readonly Dictionary<string, WirePath> _admin;

    /// <summary>Makes the tables.</summary>
    public IcometPaths(RequestPipeline pipeline, ChannelHub hub, ChannelOperations operations, ChannelAdministration administration, ChannelOccupancy occupancy, ChannelTokens tokens, AccessAudit audit, IcometFront subscribing, IcometOptions options)
    {
        administration.Enable();
        var front = new FrontEndpoints(pipeline, operations, subscribing);
        var admin = new AdminEndpoints(pipeline, hub, operations, administration, occupancy, tokens, audit, options);
        string[] get = [HttpMethods.Get];
        string[] getOrPost = [HttpMethods.Get, HttpMethods.Post];
        _front = Index(
        [
            .. IcometFront.Waiting.Select(waiting => new WirePath(waiting.Path, get, waiting.Framing is null ? front.CreatePoll() : front.CreateStream(waiting.Framing), IsVerb: true)),
            new("/ping", get, front.CreatePing(), IsVerb: true),
        ]);
        _admin = Index(
            new("/sign", getOrPost, admin.CreateSign(), IsVerb: true),
            new("/push", getOrPost, admin.CreatePush(), IsVerb: true),
            new("/pub", getOrPost, admin.CreatePub(), IsVerb: true),
            new("/broadcast", getOrPost, admin.CreateBroadcast(), IsVerb: true),
            new("/close", getOrPost, admin.CreateClose(), IsVerb: true),
            new("/clear", getOrPost, admin.CreateClear(), IsVerb: true),
            new("/info", get, admin.CreateInfo(), IsVerb: true),
            new("/check", get, admin.CreateCheck(), IsVerb: true),
            new("/psub", get, admin.CreatePsub(), IsVerb: true));
    }

    /// <summary>Returns the entry of a path of the front side; null when there is none.</summary>
    public WirePath? FindFront(string path) => _front.GetValueOrDefault(path);

    /// <summary>Returns the entry of a path of the admin side; null when there is none.</summary>
    public WirePath? FindAdmin(string path) => _admin.GetValueOrDefault(path);

    private static Dictionary<string, WirePath> Index(params WirePath[] paths) => paths.ToDictionary(path => path.Path.Value!, StringComparer.Ordinal);
}
