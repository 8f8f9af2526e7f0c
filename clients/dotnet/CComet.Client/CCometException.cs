using System.Diagnostics.CodeAnalysis;

namespace CComet.Client;

/// <summary>The server refused a request for good, a publish was not acknowledged in time, or (told to <see cref="CCometClientOptions.OnRetry"/>) an attempt failed.</summary>
[SuppressMessage("Design", "CA1032:Implement standard exception constructors", Justification = "It always has a detail.")]
public class CCometException : Exception
{
    /// <summary>The <see cref="Code"/> of a failed token function.</summary>
    internal const string TokenCode = "token";

    /// <summary>Creates an exception.</summary>
    /// <param name="detail">What is wrong; becomes the message.</param>
    /// <param name="status">The HTTP status, or 0.</param>
    /// <param name="code">The wire's code; by default the status.</param>
    /// <param name="parameter">The parameter at fault, or null.</param>
    /// <param name="title">The kind of error in a few words, or null.</param>
    /// <param name="innerException">The cause, or null.</param>
    public CCometException(string detail, int status = 0, string? code = null, string? parameter = null, string? title = null, Exception? innerException = null)
        : base(detail, innerException)
    {
        Status = status;
        Code = code ?? (status == 0 ? "" : status.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Parameter = parameter;
        Title = title;
    }

    /// <summary>Gets the HTTP status; 0 when the server gave no answer.</summary>
    public int Status { get; }

    /// <summary>Gets the code of the wire: the status, but <c>402</c> (with status 409) for a seqid beyond the end. <c>token</c> when <see cref="CCometClientOptions.Token"/> failed; empty when the server gave no answer.</summary>
    public string Code { get; }

    /// <summary>Gets what is wrong, in the server's words.</summary>
    public string Detail => Message;

    /// <summary>Gets the parameter at fault, if the server told it.</summary>
    public string? Parameter { get; }

    /// <summary>Gets the kind of error in a few words, if the server told it.</summary>
    public string? Title { get; }

    /// <summary>Gets whether a newer subscriber of the same channel and sname took this one's place.</summary>
    public bool IsReplaced => Status == 409 && Code == "409";

    /// <summary>Gets after how long the server asks to be asked again.</summary>
    internal TimeSpan? RetryAfter { get; set; }

    /// <summary>Gets the channel that the refusal is about, if told.</summary>
    internal string? Channel { get; set; }

    /// <summary>Gets the token that was refused.</summary>
    internal string? Token { get; set; }

    /// <summary>Gets or sets whether nothing will change by trying again although no status says so.</summary>
    internal bool IsHopeless { get; set; }

    internal bool IsBeyondEnd => Code == "402";

    /// <summary>Gets whether trying again is pointless.</summary>
    internal bool IsFinal => IsHopeless || (Status is >= 400 and < 500 and not (408 or 425 or 429) && !IsBeyondEnd);
}
