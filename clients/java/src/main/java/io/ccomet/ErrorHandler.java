package io.ccomet;

/** Hears of what went wrong while the client goes on by itself. Meant for logs. */
public interface ErrorHandler {
    /**
     * Is called on a thread of the client, which must not be kept long.
     *
     * @param error what went wrong; {@link CCometException#retryInMillis()} says when it is tried again
     */
    void error(CCometException error);
}
