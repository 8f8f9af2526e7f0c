package io.ccomet;

/** How a message is published. */
public final class PublishOptions {
    static final long DEFAULT_TIMEOUT = 30_000;

    String id;
    String sname;
    long timeoutMillis = DEFAULT_TIMEOUT;

    /** Makes options with their defaults: a random id, no name, 30 s. */
    public PublishOptions() {
    }

    /**
     * Sets the message's id. The same id within five minutes on the same channel stores nothing.
     *
     * @param value 1 to 200 characters; a random one when it is not set
     * @return this
     */
    public PublishOptions id(String value) {
        id = Names.check("id", value);
        return this;
    }

    /**
     * Sets the name by which the message is published.
     *
     * @param value 1 to 200 characters
     * @return this
     */
    public PublishOptions sname(String value) {
        sname = Names.check("sname", value);
        return this;
    }

    /**
     * Sets when to give up.
     *
     * @param millis in milliseconds from the call, more than 0; 30,000 when it is not set
     * @return this
     */
    public PublishOptions timeoutMillis(long millis) {
        if (millis <= 0) throw new IllegalArgumentException("millis: is " + millis + "; it must be more than 0.");
        timeoutMillis = millis;
        return this;
    }
}
