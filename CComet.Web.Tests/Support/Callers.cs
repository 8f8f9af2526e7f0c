using System.Net;
using CComet.Access;

namespace CComet.Web.Tests.Support;

/// <summary>Callers as the doors make them of a request.</summary>
internal static class Callers
{
    /// <summary>A caller at an address, as a user or as none.</summary>
    public static CallerContext At(string address, string? user = null) =>
        new(IPAddress.Parse(address)) { Grant = user is null ? null : new Grant(new GrantRights([(ChannelRight.Subscribe, "*", "test"), (ChannelRight.Publish, "*", "test"), (ChannelRight.Sname, "*", "test")]), user) };
}
