using System.Globalization;
using CComet.Access;
using CComet.Dialects.Native;
using CComet.Http.Requests;
using CComet.Operations;
using Microsoft.AspNetCore.Http;

namespace CComet.Http.Credentials;

/// <summary><c>/session</c>: puts a token into a cookie that no script reads (POST), and takes it out (DELETE).</summary>
internal static class SessionEndpoint
{
    private static readonly RequestForm Form = RequestForm.Native with { Names = ParameterNames.OfSession, IsAuthenticatedByHandler = true };

    /// <summary>Creates the endpoint.</summary>
    public static RequestDelegate Create(RequestPipeline pipeline, AccessOperations access, Carriers carriers) => pipeline.Create(
        parameters => parameters.Optional("token"),
        async (context, caller, asked, _) =>
        {
            if (HttpMethods.IsDelete(context.Request.Method)) await EndAsync(context);
            else await BeginAsync(context, caller, asked[0], access, carriers);
        },
        publishes: true,
        form: Form);

    private static async Task BeginAsync(HttpContext context, CallerContext caller, string? token, AccessOperations access, Carriers carriers)
    {
        token ??= Carriers.TokenOf(context.Request.Headers.Authorization.ToString()).ToString();
        Grant? grant = null;
        if (access.IsOn)
        {
            if (token.Length == 0) throw WireException.Unauthorized("token: is missing: send the JWT as Authorization: Bearer, or as the member token of a JSON object.");
            if (!carriers.Counts(context, CredentialUse.Read))
                throw WireException.Forbidden("Origin", "a cookie would not count: pages of all origins may call this server. Name those that may in CComet:Cors:Origins, or switch CComet:Cors:Enabled off.");
            grant = (await carriers.AuthenticateAsync(caller, token, ticket: null)).Grant;
            SetCookie(context.Response, token, grant!.Expires is { } expires ? Math.Max(0, (long)(expires - access.Now).TotalSeconds) : null);
        }

        await ResponseWriter.WriteAsync(context.Response, ResponseHead.Object, NativeJson.EncodeObjectLine(json =>
        {
            if (grant?.User is not null) json.WriteString("user", grant.User);
            if (grant?.Expires is { } expires) json.WriteNumber("expires", expires.ToUnixTimeMilliseconds());
        }));
    }

    private static Task EndAsync(HttpContext context)
    {
        SetCookie(context.Response, "", maxAge: 0);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        context.Response.Headers.CacheControl = "no-store";
        return Task.CompletedTask;
    }

    private static void SetCookie(HttpResponse response, string value, long? maxAge)
    {
        var age = maxAge is { } seconds ? string.Create(CultureInfo.InvariantCulture, $"; Max-Age={seconds}") : "";
        response.Headers.SetCookie = $"{Carriers.CookieName}={value}; Path=/; Secure; HttpOnly; SameSite=Strict{age}";
    }
}
