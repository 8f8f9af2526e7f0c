package io.ccomet;

import java.io.Closeable;
import java.util.Iterator;
import java.util.NoSuchElementException;

/**
 * The messages of a channel, in order and each at most once. Iterate over it on one thread, and close it at the end; leaving a
 * {@code try} block with it does. It reconnects by itself for as long as it is open.
 *
 * <p>The iteration waits for messages and ends when the subscription or the client is closed, or an administrator closes the channel. It
 * throws a {@link GapException} when messages are lost, unless a {@link GapHandler} was given; a {@link RefusedException} when the server
 * refuses for good; and a {@link CCometException} when the thread is interrupted while it waits, which ends nothing.
 */
public final class Subscription implements Iterable<Message>, Closeable {
    private final Hub hub;
    private final Follower follower;
    private final GapHandler onGap;
    private final boolean listens;
    private final Messages messages = new Messages();

    Subscription(Hub hub, Follower follower, GapHandler onGap, boolean listens) {
        this.hub = hub;
        this.follower = follower;
        this.onGap = onGap;
        this.listens = listens;
    }

    /**
     * Returns the channel.
     *
     * @return its name
     */
    public String channel() {
        return follower.channel;
    }

    /**
     * Returns the cursor behind the last message or gap that was taken: what to save to go on from there. Before the first it is
     * where the subscription begins, as far as that is known.
     *
     * @return a cursor
     */
    public Cursor cursor() {
        return follower.cursor();
    }

    /**
     * Waits until the server has told where the subscription begins: what is published from then on comes.
     *
     * @return the cursor, or null when the subscription was closed before
     * @throws InterruptedException the thread was interrupted
     * @throws RefusedException the server has refused the subscription
     */
    public Cursor awaitOpened() throws InterruptedException {
        Cursor cursor = follower.awaitOpened();
        if (cursor == null) throwReason();
        return cursor;
    }

    /**
     * Returns the messages. There is one iteration: each call goes on where the last one is.
     *
     * @return an iterator that waits for messages
     * @throws IllegalStateException a listener has the messages
     */
    @Override
    public Iterator<Message> iterator() {
        if (listens) throw new IllegalStateException("The listener has the messages of this subscription.");
        return messages;
    }

    /**
     * Waits for the next message for a while.
     *
     * @param timeoutMillis how long to wait, in milliseconds; 0 for not at all
     * @return the message, or null when none came or the subscription was closed
     * @throws InterruptedException the thread was interrupted
     * @throws GapException messages are lost, and no {@link GapHandler} was given
     * @throws RefusedException the server has refused the subscription
     */
    public Message poll(long timeoutMillis) throws InterruptedException {
        if (listens) throw new IllegalStateException("The listener has the messages of this subscription.");
        long end = hub.env.now() + timeoutMillis;
        Message waiting = messages.take();
        if (waiting != null) return waiting;
        while (follower.awaitReady(Math.max(0, end - hub.env.now()))) {
            Message message = take();
            if (message != null) return message;
            if (!follower.isOver()) continue;
            throwReason();
            return null;
        }

        return null;
    }

    /** Ends it. An iteration that waits on another thread ends as well. */
    @Override
    public void close() {
        hub.leave(follower);
    }

    /** Returns how many events wait to be taken. */
    int waiting() {
        return follower.waiting();
    }

    /** Takes what is there up to the next message. */
    private Message take() {
        for (Object event; (event = follower.poll()) != null;) {
            if (event instanceof Message) return (Message) event;
            if (event instanceof Gap) gap((Gap) event);
        }

        return null;
    }

    private void gap(Gap gap) {
        if (onGap != null) {
            onGap.gap(gap);
            return;
        }

        close();
        throw new GapException(gap);
    }

    private void throwReason() {
        CCometException reason = follower.reason();
        if (reason != null) throw reason;
    }

    private final class Messages implements Iterator<Message> {
        private Message next;

        Message take() {
            Message message = next;
            next = null;
            return message;
        }

        @Override
        public boolean hasNext() {
            while (next == null) {
                try {
                    follower.awaitReady();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new CCometException(0, "", "The thread was interrupted while it waited for messages.", e);
                }

                next = Subscription.this.take();
                if (next == null && follower.isOver()) {
                    throwReason();
                    return false;
                }
            }

            return true;
        }

        @Override
        public Message next() {
            if (!hasNext()) throw new NoSuchElementException("The subscription has ended.");
            return take();
        }

        // Android before 7.0 has no default for it.
        @Override
        public void remove() {
            throw new UnsupportedOperationException("A message cannot be removed.");
        }
    }
}
