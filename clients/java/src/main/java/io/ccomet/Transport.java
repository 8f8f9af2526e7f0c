package io.ccomet;

/** How messages are received. */
public enum Transport {
    /** By {@link #STREAM}, and by {@link #POLL} for five minutes when a stream does not get through. */
    AUTO,

    /** By {@code /stream}: one JSON object a line, over a response that stays open. */
    STREAM,

    /** By {@code /sub}: a request that is held until there is something to tell. */
    POLL
}
