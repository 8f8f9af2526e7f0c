using CComet.Access;
using CComet.Dialects.Native;
using CComet.Http.Requests;
using CComet.Operations;
using Microsoft.AspNetCore.Http;

namespace CComet.Http.Credentials;

/// <summary><c>/admin/revoke</c>: takes back what tokens give, of a user (<c>sub</c>), of one token (<c>jti</c>), or on a channel.</summary>
internal static class RevokeEndpoint
{
    private static readonly RequestForm Form = RequestForm.Administration with { Names = ParameterNames.OfRevocation };

    /// <summary>The longest id of a token that can be revoked, in characters: it is part of the name of a record.</summary>
    private const int MaxIdLength = 900;

    private static readonly RevocationSubject[] Subjects = Enum.GetValues<RevocationSubject>();

    /// <summary>Creates the endpoint.</summary>
    public static RequestDelegate Create(RequestPipeline pipeline, AccessOperations access) => pipeline.Create(
        Read,
        async (context, caller, asked, _) =>
        {
            var (subject, value) = asked[0];
            await access.RevokeAsync(caller, subject, value, CancellationToken.None);
            await ResponseWriter.WriteAsync(context.Response, ResponseHead.Object, NativeJson.EncodeObjectLine(json => json.WriteString("revoked", GrantFactory.NameOf(subject))));
        },
        publishes: true,
        form: Form);

    private static (RevocationSubject Subject, string Value) Read(Parameters parameters)
    {
        var given = Subjects.Where(subject => parameters.Has(GrantFactory.NameOf(subject))).ToList();
        if (given.Count != 1) throw WireException.Bad(given.Count == 0 ? "sub" : GrantFactory.NameOf(given[1]), "give one of sub, jti and channel.");
        var value = parameters.Required(GrantFactory.NameOf(given[0]));
        return (given[0], given[0] == RevocationSubject.Jti ? CheckId(value) : Parameters.CheckName(GrantFactory.NameOf(given[0]), value));
    }

    private static string CheckId(string id)
    {
        if (id.Length > MaxIdLength) throw WireException.Bad("jti", $"is longer than {MaxIdLength} characters.");
        return id.Any(char.IsControl) ? throw WireException.Bad("jti", "has a control character.") : id;
    }
}
