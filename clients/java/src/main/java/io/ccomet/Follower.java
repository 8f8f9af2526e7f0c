package io.ccomet;

import java.util.ArrayDeque;

/**
 * One subscription inside the client: how far it has been read, and a bounded buffer of what is not taken yet. A flight (the thread
 * that reads the connection) puts in, and waits when the buffer is full, so that it stops reading; the application takes out.
 *
 * <p>Its monitor guards all of it. Where the client's lock is needed as well, that is taken first.
 */
final class Follower {
    /** The most events that wait to be taken. */
    static final int CAPACITY = 256;

    /** How long a full buffer holds up the other channels of a connection, in milliseconds; then this one gets a connection of its own. */
    static final long SLOW = 2_000;

    /** What comes of putting something in. */
    enum Put { TAKEN, UNWANTED, SLOW }

    /** Wakes the pump of a listener. */
    interface Pump {
        void wake();
    }

    final Env env;
    final String channel;
    private final Cursor given;
    private final ArrayDeque<Object> events = new ArrayDeque<Object>();

    /** The connection that reads for this; guarded by the client's lock and, when it is set, this monitor. */
    private Link link;

    /** Where reading goes on: null and -1 for from now on. */
    private String epoch;
    private long next;

    /** Everything that is kept was asked for, and nothing came yet: what is not kept any more is no loss. */
    private boolean fresh;

    /** What is told next is another log, though no epoch says so. */
    private boolean again;

    private Cursor opened;
    private Cursor taken;
    private boolean slow;
    private boolean closed;
    private boolean ended;
    private CCometException reason;
    private volatile Pump pump;

    Follower(Env env, String channel, Cursor from) {
        this.env = env;
        this.channel = channel;
        given = from;
        epoch = from.epoch;
        next = from.seqid;
        fresh = from == Cursor.START;
    }

    synchronized Link link() {
        return link;
    }

    synchronized void link(Link value) {
        link = value;
        slow = false;
        notifyAll();
    }

    void pump(Pump value) {
        pump = value;
    }

    /** Returns where reading goes on. */
    synchronized Cursor position() {
        return new Cursor(epoch, next);
    }

    /** Returns the cursor behind what was taken. */
    synchronized Cursor cursor() {
        return taken != null ? taken : opened != null ? opened : given;
    }

    /** Makes a flight look again whether it is still wanted. */
    synchronized void wake() {
        notifyAll();
    }

    // What comes from the connection.

    /** The server tells where this subscriber stands, before any message of the answer or in a quiet time. */
    Put cursor(Flight flight, String toldEpoch, long seqid) {
        Put put;
        synchronized (this) {
            if (!wants(flight)) return Put.UNWANTED;
            if (again) {
                put = reset(flight, toldEpoch);
            } else if (epoch == null) {
                epoch = toldEpoch;
                if (next < 0) next = seqid;
                put = open(flight, next);
            } else if (!epoch.equals(toldEpoch)) {
                put = reset(flight, toldEpoch);
            } else {
                put = opened == null ? open(flight, next) : Put.TAKEN;
                // The server tells of every gap; one that it did not tell must not pass in silence either.
                if (put == Put.TAKEN && seqid > next) put = skip(flight, next, seqid);
            }
        }

        wakePump();
        return put;
    }

    /** The log began anew. */
    Put reset(Flight flight, Item item) throws JsonException {
        String toldEpoch = item.text("epoch");
        if (toldEpoch == null) throw new JsonException("A RESET came without epoch.");
        Put put;
        synchronized (this) {
            if (!wants(flight)) return Put.UNWANTED;
            put = toldEpoch.equals(epoch) ? Put.TAKEN : reset(flight, toldEpoch);
        }

        wakePump();
        return put;
    }

    /** The seqid is beyond the end, and no epoch says whose it is: the log is another one. */
    void beginAgain() {
        synchronized (this) {
            epoch = null;
            if (next > 0) next = 0;
            again = true;
        }
    }

    /** Seqids are no longer kept. */
    Put gap(Flight flight, Item item) throws JsonException {
        long from = item.required("from");
        long to = item.required("to");
        String toldEpoch = item.text("epoch");
        Put put = Put.TAKEN;
        synchronized (this) {
            if (!wants(flight)) return Put.UNWANTED;
            if (epoch == null) epoch = toldEpoch;
            if (epoch == null) throw new JsonException("A GAP came without epoch.");
            if (to + 1 > next) put = skip(flight, Math.max(next, next < 0 ? from : next), to + 1);
        }

        wakePump();
        return put;
    }

    /** A message. */
    Put message(Flight flight, Item item) throws JsonException {
        long seqid = item.required("seqid");
        Put put = Put.TAKEN;
        synchronized (this) {
            if (!wants(flight)) return Put.UNWANTED;
            if (epoch == null) throw new JsonException("A message came before the epoch.");
            if (opened == null) put = open(flight, next < 0 ? seqid : next);
            if (put == Put.TAKEN && next >= 0 && seqid > next) put = skip(flight, next, seqid);
            if (put == Put.TAKEN && seqid >= next) {
                put = room(flight);
                // Another flight may have brought it while this one waited for room.
                if (put == Put.TAKEN && seqid >= next) {
                    next = seqid + 1;
                    fresh = false;
                    events.add(new Message(channel, item, new Cursor(epoch, next)));
                    notifyAll();
                }
            }
        }

        wakePump();
        return put;
    }

    private boolean wants(Flight flight) {
        return !closed && !ended && !flight.aborted() && flight.link == link;
    }

    private Put open(Flight flight, long seqid) {
        Put put = room(flight);
        if (put != Put.TAKEN || opened != null) return put;
        opened = new Cursor(epoch, seqid);
        events.add(opened);
        notifyAll();
        return put;
    }

    private Put reset(Flight flight, String toldEpoch) {
        Put put = room(flight);
        if (put != Put.TAKEN || toldEpoch.equals(epoch)) return put;
        boolean known = epoch != null || again;
        again = false;
        long wanted = Math.max(0, next);
        epoch = toldEpoch;
        next = 0;
        fresh = false;
        Cursor cursor = new Cursor(epoch, 0);
        if (opened == null) events.add(opened = cursor);
        if (known) events.add(new Gap(channel, wanted, -1, true, cursor));
        notifyAll();
        return put;
    }

    private Put skip(Flight flight, long from, long to) {
        if (fresh) {
            next = to;
            return Put.TAKEN;
        }

        Put put = room(flight);
        if (put != Put.TAKEN || to <= next) return put;
        long first = Math.max(from, next);
        next = to;
        events.add(new Gap(channel, first, to - 1, false, new Cursor(epoch, to)));
        notifyAll();
        return put;
    }

    /** Waits until there is room, or the flight is wanted no more. */
    private Put room(Flight flight) {
        if (events.size() < CAPACITY) return Put.TAKEN;
        Env.Timer timer = null;
        try {
            while (events.size() >= CAPACITY) {
                if (!wants(flight)) return Put.UNWANTED;
                if (slow) return Put.SLOW;
                if (timer == null && flight.isShared()) timer = env.schedule(SLOW, new Runnable() {
                    @Override
                    public void run() {
                        synchronized (Follower.this) {
                            slow = true;
                            Follower.this.notifyAll();
                        }
                    }
                });
                wait();
            }

            return wants(flight) ? Put.TAKEN : Put.UNWANTED;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Put.UNWANTED;
        } finally {
            if (timer != null) timer.cancel();
            slow = false;
        }
    }

    private void wakePump() {
        Pump current = pump;
        if (current != null) current.wake();
    }

    /** Tells of something that is tried again; only a listener hears of it. */
    void failed(CCometException error) {
        if (pump == null) return;
        synchronized (this) {
            // An application that takes nothing is not told of each failure of a long outage.
            if (closed || ended || events.size() >= CAPACITY) return;
            events.add(error);
            notifyAll();
        }

        wakePump();
    }

    /** Ends it behind what has come; {@code why} is null when the client or the channel was closed. */
    void end(CCometException why) {
        synchronized (this) {
            if (ended || closed) return;
            ended = true;
            reason = why;
            notifyAll();
        }

        wakePump();
    }

    // What the application does.

    /** Ends it, and drops what has come. */
    void close() {
        synchronized (this) {
            closed = true;
            events.clear();
            notifyAll();
        }
    }

    synchronized boolean closed() {
        return closed;
    }

    /** Whether there is something to take, or all is over. */
    synchronized boolean isReady() {
        return !events.isEmpty() || ended || closed;
    }

    synchronized int waiting() {
        return events.size();
    }

    /** Whether all is taken and nothing more comes. */
    synchronized boolean isOver() {
        return closed || (ended && events.isEmpty());
    }

    /** Returns why it ended by itself. */
    synchronized CCometException reason() {
        return reason;
    }

    /** Takes what is next: a message, a gap, the cursor that was opened, or an error; null when nothing is there. */
    synchronized Object poll() {
        Object event = events.poll();
        if (event instanceof Message) taken = ((Message) event).cursor();
        else if (event instanceof Gap) taken = ((Gap) event).cursor();
        if (event != null) notifyAll();
        return event;
    }

    /** Waits until {@link #isReady()}. */
    synchronized void awaitReady() throws InterruptedException {
        while (!isReady()) wait();
    }

    /** The same, for a time; gives whether it is. */
    synchronized boolean awaitReady(long millis) throws InterruptedException {
        long end = env.now() + millis;
        for (long left = millis; !isReady() && left > 0; left = end - env.now()) wait(left);
        return isReady();
    }

    /** Waits until the cursor is known from which it follows; null when it ended before. */
    synchronized Cursor awaitOpened() throws InterruptedException {
        while (opened == null && !ended && !closed) wait();
        return opened;
    }
}
