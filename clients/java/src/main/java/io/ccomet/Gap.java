package io.ccomet;

/** Messages that cannot be had any more: they are no longer kept, or the log began anew. */
public final class Gap {
    private final String channel;
    private final long from;
    private final long to;
    private final boolean reset;
    private final Cursor cursor;

    Gap(String channel, long from, long to, boolean reset, Cursor cursor) {
        this.channel = channel;
        this.from = from;
        this.to = to;
        this.reset = reset;
        this.cursor = cursor;
    }

    /**
     * Returns the channel.
     *
     * @return its name
     */
    public String channel() {
        return channel;
    }

    /**
     * Returns the first seqid that is lost; after a reset, the seqid of the old log that was wanted next.
     *
     * @return a seqid
     */
    public long from() {
        return from;
    }

    /**
     * Returns the last seqid that is lost. After a reset it is -1: how much of the old log was lost is not known.
     *
     * @return a seqid, or -1
     */
    public long to() {
        return to;
    }

    /**
     * Tells whether the log began anew, under a new epoch and from seqid 0.
     *
     * @return true for a reset
     */
    public boolean reset() {
        return reset;
    }

    /**
     * Returns the cursor from which to go on behind the gap.
     *
     * @return a cursor
     */
    public Cursor cursor() {
        return cursor;
    }

    @Override
    public String toString() {
        return reset
            ? "The log of channel '" + channel + "' began anew; go on from " + cursor + "."
            : "Messages " + from + " to " + to + " of channel '" + channel + "' are no longer kept; go on from " + cursor + ".";
    }
}
