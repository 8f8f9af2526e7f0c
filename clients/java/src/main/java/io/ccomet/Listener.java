package io.ccomet;

/**
 * Hears of a channel's messages, on the executor that was given, one call at a time and in order. What a method throws goes to the
 * executor; the subscription goes on with the next message.
 */
public interface Listener {
    /**
     * A message came.
     *
     * @param message the message; save its {@link Message#cursor()} to go on behind it later
     */
    void message(Message message);

    /**
     * Messages are lost. What follows goes on from {@link Gap#cursor()}.
     *
     * @param gap what is lost
     */
    void gap(Gap gap);

    /**
     * The cursor from which the subscription follows is known for the first time: what is published from then on comes.
     *
     * @param cursor where the subscription begins
     */
    default void opened(Cursor cursor) {
    }

    /**
     * Something went wrong, and is tried again by itself.
     *
     * @param error what went wrong
     */
    default void error(CCometException error) {
    }

    /**
     * The subscription ended by itself; no other call follows.
     *
     * @param reason why, a {@link RefusedException} for a final refusal; null when the client was closed, or the channel by an administrator
     */
    default void ended(CCometException reason) {
    }
}
