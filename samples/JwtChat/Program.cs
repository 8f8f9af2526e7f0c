using System.Net.Http.Headers;
using System.Security.Claims;
using System.Text.RegularExpressions;
using JwtChat;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Mvc;

var builder = WebApplication.CreateBuilder(args);
var push = builder.Configuration.GetSection("Push").Get<PushSettings>() ?? new PushSettings();
var tokens = new TokenIssuer(push, TimeProvider.System);
using var server = new HttpClient { BaseAddress = new Uri(push.Url) };

// The application's own sign-in, of which the push server knows nothing. It is asked by scripts, so it answers 401 and no redirect.
builder.Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie(cookie =>
{
    cookie.Cookie.Name = "JwtChat";
    cookie.Cookie.SameSite = SameSiteMode.Strict;
    cookie.Events.OnRedirectToLogin = redirect =>
    {
        redirect.Response.StatusCode = StatusCodes.Status401Unauthorized;
        return Task.CompletedTask;
    };
});
builder.Services.AddAuthorization();

var app = builder.Build();

// Of the push server, the page may load the client's files and may call everything. JSONP would need scripts of all its addresses.
var policy = $"default-src 'none'; script-src 'self' {push.Url}/js/; style-src 'self'; img-src data:; connect-src 'self' {push.Url}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
app.Use((context, next) =>
{
    var (request, headers) = (context.Request, context.Response.Headers);
    headers.ContentSecurityPolicy = policy;
    headers.XContentTypeOptions = "nosniff";

    // Not no-referrer, by which a form's Origin would be null.
    headers["Referrer-Policy"] = "same-origin";

    // A page of another site or another port cannot sign in, sign out, get a token or write a note in the user's name. SameSite alone
    // does not keep off another port of the same host. Behind a proxy this needs ForwardedHeaders, for the scheme.
    if (HttpMethods.IsGet(request.Method) || request.Headers.Origin == $"{request.Scheme}://{request.Host}") return next(context);
    context.Response.StatusCode = StatusCodes.Status403Forbidden;
    return context.Response.WriteAsync("The request is not of this application's own page.");
});
app.UseDefaultFiles();
app.UseStaticFiles();
app.UseAuthentication();
app.UseAuthorization();

// No password: in its place stands the sign-in that an application has. The check of Origin above does what a form's antiforgery token would.
app.MapPost("/login", async ([FromForm] string name, HttpContext context) =>
{
    if (!UserName().IsMatch(name)) return Refuse("A name has 1 to 30 letters a to z, digits and hyphens.");
    await context.SignInAsync(new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, name)], CookieAuthenticationDefaults.AuthenticationScheme)));
    return Results.LocalRedirect("/");
}).DisableAntiforgery();

// Tokens that are out go on until they expire; the page forgets its own.
app.MapPost("/logout", async (HttpContext context) =>
{
    await context.SignOutAsync();
    return Results.LocalRedirect("/");
});

// What the page is told: who is signed in, null for no user, and where the push server is.
app.MapGet("/me", (ClaimsPrincipal user) => new { name = user.Identity?.Name, push = push.Url });

// Rights are looked up for each token, so a change of them counts from the next token on.
app.MapPost("/token", (ClaimsPrincipal user, HttpContext context, IConfiguration configuration) =>
{
    var moderators = configuration.GetSection("Moderators").Get<string[]>() ?? [];
    context.Response.Headers.CacheControl = "no-store";
    return new { token = tokens.CreateForUser(user.Identity!.Name!, moderators.Contains(user.Identity.Name)) };
}).RequireAuthorization();

// A user does not write to the inbox of another: the application does, by a token of its own, once it has looked at the note.
app.MapPost("/notes", async ([FromForm] string to, [FromForm] string text, ClaimsPrincipal user) =>
{
    if (!UserName().IsMatch(to) || text.Length is 0 or > 500) return Refuse("A note has the name of a user and up to 500 characters.");
    using var request = new HttpRequestMessage(HttpMethod.Post, "/pub") { Content = JsonContent.Create(new { channel = $"inbox.{to}", msg = text, sname = user.Identity!.Name }) };
    request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", tokens.CreateForApplication());
    try
    {
        using var answer = await server.SendAsync(request);
        return answer.IsSuccessStatusCode ? Results.Accepted() : Refuse(await answer.Content.ReadAsStringAsync(), StatusCodes.Status502BadGateway);
    }
    catch (HttpRequestException)
    {
        return Refuse("The push server cannot be reached.", StatusCodes.Status502BadGateway);
    }
}).RequireAuthorization().DisableAntiforgery();

app.Run();

static IResult Refuse(string reason, int status = StatusCodes.Status400BadRequest) => Results.Text(reason, statusCode: status);

internal static partial class Program
{
    /// <summary>Names that mean nothing in a channel's name or a pattern.</summary>
    [GeneratedRegex("^[a-z0-9-]{1,30}\\z")]
    private static partial Regex UserName();
}
