package io.ccomet;

/** Tells that a message is stored, and where. */
public final class Receipt {
    private final String channel;
    private final String epoch;
    private final long seqid;
    private final boolean duplicate;

    Receipt(String channel, String epoch, long seqid, boolean duplicate) {
        this.channel = channel;
        this.epoch = epoch;
        this.seqid = seqid;
        this.duplicate = duplicate;
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
     * Returns the epoch of the log.
     *
     * @return a short text
     */
    public String epoch() {
        return epoch;
    }

    /**
     * Returns the number of the message in its channel.
     *
     * @return 0 for the first
     */
    public long seqid() {
        return seqid;
    }

    /**
     * Tells whether the message had been stored before, by the same id within five minutes.
     *
     * @return true when this call stored nothing
     */
    public boolean duplicate() {
        return duplicate;
    }

    @Override
    public String toString() {
        return channel + " " + epoch + ":" + seqid + (duplicate ? " (duplicate)" : "");
    }
}
