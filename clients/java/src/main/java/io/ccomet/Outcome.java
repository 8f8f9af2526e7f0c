package io.ccomet;

/** How a flight ended, and so what comes next. */
final class Outcome {
    enum Kind {
        /** Something that passes: try again after a pause. */
        FAILED,

        /** The server ended it on purpose: come back when it said. */
        BYE,

        /** Asking again does not change it. */
        REFUSED,

        /** No stream gets through: poll. */
        FALL_BACK,

        /** Go on at once. */
        AGAIN,

        /** Several were refused together, but none of them alone. */
        INNOCENT
    }

    final Kind kind;
    final CCometException error;
    final String token;
    final long retry;
    final boolean expired;

    /** Whether something came, so that the server is not one that accepts and cuts. */
    boolean delivered;

    private Outcome(Kind kind, CCometException error, String token, long retry, boolean expired) {
        this.kind = kind;
        this.error = error;
        this.token = token;
        this.retry = retry;
        this.expired = expired;
    }

    static Outcome failed(CCometException error) {
        return new Outcome(Kind.FAILED, error, null, error == null ? -1 : error.retryAfterMillis(), false);
    }

    static Outcome bye(long retry, boolean expired, String token) {
        return new Outcome(Kind.BYE, null, token, retry, expired);
    }

    static Outcome refused(CCometException error, String token) {
        return new Outcome(Kind.REFUSED, error, token, -1, false);
    }

    static Outcome fallBack(CCometException error) {
        return new Outcome(Kind.FALL_BACK, error, null, -1, false);
    }

    static Outcome again() {
        return new Outcome(Kind.AGAIN, null, null, -1, false);
    }

    static Outcome innocent() {
        return new Outcome(Kind.INNOCENT, null, null, -1, false);
    }

    /** Tells refusals that are final from what passes. */
    static Outcome of(CCometException error, String token) {
        return isFinal(error) ? refused(error, token) : failed(error);
    }

    /** Whether asking again does not change it; a 401 may be changed by another token. */
    static boolean isFinal(CCometException error) {
        int status = error.status();
        return status >= 400 && status < 500 && status != 408 && status != 425 && status != 429;
    }
}
