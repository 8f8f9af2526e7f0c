package io.ccomet;

/** Gives tokens (JWT). */
public interface TokenSource {
    /**
     * Gets a token that is good for a while, for example from the application's own server. It may block: it is called on a thread of the
     * client, one call at a time, when a token is needed and three quarters of the life of the last one are over, and after a 401.
     *
     * @return the token without {@code Bearer}, or null for none
     * @throws Exception no token could be had; it is tried again later, like after a network error
     */
    String token() throws Exception;
}
