using System.ComponentModel;

namespace CComet.Web.Hosting.Admin;

/// <summary>The settings under <c>CComet:Admin</c>.</summary>
[Settings("CComet:Admin")]
internal sealed record AdminSettings
{
    /// <summary>The addresses at which administration is, such as <c>http://127.0.0.1:5080</c>, and then nowhere else; nothing else but health is there.</summary>
    [Description("addresses of administration, such as http://127.0.0.1:5080, which is nowhere else then")]
    public IReadOnlyList<string> Urls { get; init; } = [];
}
