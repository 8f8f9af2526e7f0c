using CComet.Operations;
using Microsoft.AspNetCore.Http;

namespace CComet.Http.Ccomet2014;

/// <summary><c>/publish</c>: <c>/pub</c> for the page of 2014, which puts the message into the address as HTML entities and otherwise unencoded.</summary>
internal static class PublishEndpoint
{
    /// <summary>Creates the endpoint.</summary>
    public static RequestDelegate Create(RequestPipeline pipeline, ChannelOperations operations) => PubEndpoint.Create(pipeline, operations, RequestForm2014.Verb);
}
