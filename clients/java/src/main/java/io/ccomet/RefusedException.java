package io.ccomet;

/** A refusal by the server that asking again would not change. */
public final class RefusedException extends CCometException {
    private static final long serialVersionUID = 1;

    RefusedException(CCometException reason) {
        super(reason.status(), reason.code(), reason.detail(), reason.title(), reason.parameter(), reason.retryAfterMillis(), reason);
    }

    /**
     * Tells whether a newer subscriber took this one's place.
     *
     * @return true for the refusal 409
     */
    public boolean replaced() {
        return code().equals("409");
    }
}
