package io.ccomet;

import java.util.Map;

/** A message of a channel. */
public final class Message {
    private final Item item;
    private final String channel;
    private final Cursor cursor;

    Message(String channel, Item item, Cursor cursor) {
        this.channel = channel;
        this.item = item;
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
     * Returns {@code MSG} for what was published, {@code SIGN} when somebody signed in. Channels of the server have types of their own.
     *
     * @return the type
     */
    public String type() {
        return item.type;
    }

    /**
     * Returns the name by which it was published.
     *
     * @return null when it is not known
     */
    public String sname() {
        return item.text("sname");
    }

    /**
     * Returns what was published, as a text: a string itself, any other value as JSON.
     *
     * @return null when the message has no content
     */
    public String text() {
        Object value = item.msg();
        return value instanceof String ? (String) value : item.rawMsg();
    }

    /**
     * Returns what was published, as a value: a {@link String}, {@link Boolean}, {@link Long} or {@link Double}, a
     * {@link java.util.List} or a {@link Map} of such, or null. A number that is no {@code long} is given as the nearest
     * {@code double}; {@link #json()} has all of its digits.
     *
     * @return the value, which is not copied
     */
    public Object value() {
        return item.msg();
    }

    /**
     * Returns what was published, as JSON.
     *
     * @return the JSON text, or null when the message has no content
     */
    public String json() {
        Object value = item.msg();
        return value instanceof String ? JsonWriter.write(value) : item.rawMsg();
    }

    /**
     * Returns another member of the message, such as {@code user} of a {@code JOIN}.
     *
     * @param name the member's name
     * @return its value, or null when there is none
     */
    public Object member(String name) {
        return item.get(name);
    }

    /**
     * Returns its number in the channel.
     *
     * @return 0 for the first
     */
    public long seqid() {
        return item.number("seqid", -1);
    }

    /**
     * Returns when it was stored.
     *
     * @return in milliseconds since 1970-01-01 UTC
     */
    public long time() {
        return item.number("time", 0);
    }

    /**
     * Returns the cursor behind this message: what to save to go on from here.
     *
     * @return a cursor
     */
    public Cursor cursor() {
        return cursor;
    }

    @Override
    public String toString() {
        return channel + " " + seqid() + " " + text();
    }
}
