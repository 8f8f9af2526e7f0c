package io.ccomet;

/**
 * A place in a channel's log: an epoch and the next seqid wanted, written {@code epoch:seqid}. Save the
 * {@linkplain Message#cursor() cursor of a message} to go on behind that message later; it is valid on every transport.
 */
public final class Cursor {
    /** Everything that is kept, from the oldest message on. */
    public static final Cursor START = new Cursor(null, 0);

    /** What is published from now on. */
    public static final Cursor NOW = new Cursor(null, -1);

    private static final int MAX_EPOCH = 200;

    final String epoch;
    final long seqid;

    Cursor(String epoch, long seqid) {
        this.epoch = epoch;
        this.seqid = seqid;
    }

    /**
     * Reads what {@link #toString()} wrote.
     *
     * @param text {@code epoch:seqid}, {@code start} or {@code now}
     * @return the cursor
     * @throws IllegalArgumentException the text is none of these
     */
    public static Cursor parse(String text) {
        if (text == null) throw new IllegalArgumentException("text: is null; expected epoch:seqid, start or now.");
        if (text.equals("start")) return START;
        if (text.equals("now")) return NOW;
        Cursor cursor = read(text);
        if (cursor == null) throw new IllegalArgumentException("text: '" + Names.shorten(text) + "' is no cursor; expected epoch:seqid, start or now.");
        return cursor;
    }

    /** Reads {@code epoch:seqid}; null when it is none. */
    static Cursor read(String text) {
        int colon = text.lastIndexOf(':');
        if (colon < 1 || colon > MAX_EPOCH * 2 || text.length() - colon - 1 > 18 || colon == text.length() - 1) return null;
        long seqid = 0;
        for (int i = colon + 1; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < '0' || c > '9') return null;
            seqid = seqid * 10 + (c - '0');
        }

        String epoch = text.substring(0, colon);
        return Names.problem(epoch) == null ? new Cursor(epoch, seqid) : null;
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof Cursor)) return false;
        Cursor cursor = (Cursor) other;
        return seqid == cursor.seqid && (epoch == null ? cursor.epoch == null : epoch.equals(cursor.epoch));
    }

    @Override
    public int hashCode() {
        return (int) (seqid ^ (seqid >>> 32)) * 31 + (epoch == null ? 0 : epoch.hashCode());
    }

    /**
     * Writes the cursor, for {@link #parse(String)} to read.
     *
     * @return {@code epoch:seqid}, {@code start} or {@code now}
     */
    @Override
    public String toString() {
        if (epoch != null) return epoch + ":" + seqid;
        return seqid < 0 ? "now" : "start";
    }
}
