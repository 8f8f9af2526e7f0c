using System.Security.Claims;
using CComet.Access;
using CComet.Operations;
using EmbedInAspNet;
using Microsoft.AspNetCore.Authentication.Cookies;

var builder = WebApplication.CreateBuilder(args);

// The shop's own: who its users are, and which other sites may call it.
builder.Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie(cookie =>
    cookie.Events.OnRedirectToLogin = redirect =>
    {
        redirect.Response.StatusCode = StatusCodes.Status401Unauthorized;
        return Task.CompletedTask;
    });
builder.Services.AddAuthorization();
builder.Services.AddCors(cors => cors.AddPolicy("partners", policy => policy.WithOrigins("https://partner.example").AllowCredentials().AllowAnyHeader()));

// CComet: a store, and who may read and write which channel.
builder.Services.AddSingleton<IChannelAuthorizer, ShopChannels>();
var ccomet = builder.Services.AddCComet(hub => hub.History.MaxMessages = 100);
if (builder.Configuration["Store"] == "Sqlite") ccomet.AddSqliteStore(sqlite => sqlite.Path = builder.Configuration["Path"] ?? "data/shop.db");

var app = builder.Build();
app.UseCors();
app.UseAuthentication();
app.UseAuthorization();

app.MapGet("/", () => Results.Content(ShopPage.Html, "text/html; charset=utf-8"));
app.MapPost("/login", (string name) => Results.SignIn(new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, name)], CookieAuthenticationDefaults.AuthenticationScheme))));
app.MapPost("/orders", async (Order order, ChannelPublisher push) =>
{
    if (order.Item.Length > 200) return Results.BadRequest();
    await push.PublishJsonAsync("orders", order);
    return Results.Accepted();
}).RequireAuthorization();

app.MapGroup("/push").MapCComet().RequireAuthorization().RequireCors("partners");
app.Run();
