package io.ccomet;

/** Tells why something failed. */
public class CCometException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** The HTTP status. */
    private final int status;
    /** CComet's number of the error. */
    private final String code;
    /** The kind of error. */
    private final String title;
    /** The parameter at fault. */
    private final String parameter;
    /** When the server asked to be asked again. */
    private final long retryAfterMillis;
    /** When the client tries again. */
    private volatile long retryInMillis = -1;

    CCometException(int status, String code, String detail, Throwable cause) {
        this(status, code, detail, null, null, -1, cause);
    }

    CCometException(int status, String code, String detail, String title, String parameter, long retryAfterMillis, Throwable cause) {
        super(detail, cause);
        this.status = status;
        this.code = code;
        this.title = title;
        this.parameter = parameter;
        this.retryAfterMillis = retryAfterMillis;
    }

    /**
     * Returns the HTTP status.
     *
     * @return 0 when there was no answer
     */
    public final int status() {
        return status;
    }

    /**
     * Returns the number that CComet has for the error: the status, but {@code 402} for a seqid beyond the end (HTTP 409).
     *
     * @return also {@code token} when the token source failed, {@code size} for a message that is too long, {@code gap},
     *     {@code timeout}, {@code closed}, or empty when CComet did not answer
     */
    public final String code() {
        return code;
    }

    /**
     * Returns what is wrong, in the server's words where it said so.
     *
     * @return a sentence
     */
    public final String detail() {
        return getMessage();
    }

    /**
     * Returns the kind of error in a few words.
     *
     * @return null when it was not told
     */
    public final String title() {
        return title;
    }

    /**
     * Returns the parameter that is at fault.
     *
     * @return null when it was not told
     */
    public final String parameter() {
        return parameter;
    }

    /**
     * Returns when the server asked to be asked again.
     *
     * @return in milliseconds from then, or -1
     */
    public final long retryAfterMillis() {
        return retryAfterMillis;
    }

    /**
     * Returns in how many milliseconds the client tries again by itself.
     *
     * @return -1 when it does not
     */
    public final long retryInMillis() {
        return retryInMillis;
    }

    final void retryIn(long millis) {
        retryInMillis = millis;
    }
}
