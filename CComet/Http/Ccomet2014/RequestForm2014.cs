using CComet.Http.Requests;

namespace CComet.Http.Ccomet2014;

/// <summary>The forms of requests in the dialect of 2014.</summary>
internal static class RequestForm2014
{
    /// <summary>Of <c>/sign</c> and <c>/publish</c>.</summary>
    public static readonly RequestForm Verb = new(ParameterNames.Ccomet2014);

    /// <summary>Of <c>/subscribe</c>.</summary>
    public static readonly RequestForm Poll = Verb with { HoldsBackErrors = true };
}
