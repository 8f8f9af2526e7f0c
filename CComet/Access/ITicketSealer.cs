namespace CComet.Access;

/// <summary>Seals tickets so that only a server with the same keys opens them, and no client reads or changes them.</summary>
internal interface ITicketSealer
{
    /// <summary>Seals a ticket as a text that may stand in a query.</summary>
    /// <exception cref="AccessUnavailableException">The keys cannot be reached now, or there are none.</exception>
    string Seal(Ticket ticket);

    /// <summary>Opens one; null when it was not sealed by a server with these keys.</summary>
    /// <exception cref="AccessUnavailableException">The keys cannot be reached now, or there are none.</exception>
    Ticket? Open(string text);
}
