package io.ccomet;

import java.util.ArrayList;
import java.util.List;

/**
 * One connection and the channels that share it. {@code current} receives. When the channels change or the token is about to end, a
 * {@code successor} is opened from the cursors of all; at its first sign of life it takes over, and the other is ended. What comes by
 * both is dropped the second time, as its seqid has passed.
 *
 * <p>Guarded by the client's lock. What calls the application is done after the lock is given back.
 */
final class Link {
    /** The most channels of a connection. */
    static final int MAX_CHANNELS = 64;

    /** About the most characters of an address; and how many a channel takes beside its name. */
    private static final int MAX_ADDRESS = 6_000;
    private static final int ADDRESS_OF_CHANNEL = 70;

    final Hub hub;
    private final boolean alone;
    private final List<Follower> members = new ArrayList<Follower>();
    private Flight current;
    private Flight successor;
    private boolean settling;
    private Env.Timer resting;
    private Env.Timer handOver;
    private Env.Timer renewal;
    private Flight renewing;
    private int failures;
    private int handOverFailures;
    private boolean triedToken;
    private CCometException siftReason;
    private boolean closed;

    Link(Hub hub, boolean alone) {
        this.hub = hub;
        this.alone = alone;
    }

    boolean hasRoomFor(Follower follower) {
        if (alone || closed || members.size() >= MAX_CHANNELS) return false;
        int length = Wire.encode(follower.channel).length() + ADDRESS_OF_CHANNEL;
        for (Follower member : members) {
            // Which of two would a message be for?
            if (member.channel.equals(follower.channel)) return false;
            length += Wire.encode(member.channel).length() + ADDRESS_OF_CHANNEL;
        }

        return members.isEmpty() || length <= MAX_ADDRESS;
    }

    void add(Follower follower) {
        members.add(follower);
        follower.link(this);
        change();
    }

    void remove(Follower follower) {
        if (!members.remove(follower)) return;
        if (members.isEmpty()) close();
        else change();
    }

    /** Another set of channels is another request. Changes made close together make one. */
    private void change() {
        if (settling || closed) return;
        settling = true;
        hub.env.schedule(hub.settings.settle, new Runnable() {
            @Override
            public void run() {
                synchronized (hub.lock()) {
                    settling = false;
                    // What rests is opened with all that are there by then.
                    if (closed || resting != null) return;
                    if (current == null) start();
                    else if (!isCovered()) handOver();
                }
            }
        });
    }

    /** Takes them out, in the same hold of the lock in which they are found to be refused: nothing may be asked for them any more. */
    private void drop(List<Follower> followers) {
        if (followers.isEmpty()) return;
        members.removeAll(followers);
        if (members.isEmpty()) close();
        else change();
    }

    /** Whether none of them has left. */
    boolean hasAll(List<Follower> followers) {
        synchronized (hub.lock()) {
            return members.containsAll(followers);
        }
    }

    private boolean isCovered() {
        return current.followers.size() == members.size() && current.followers.containsAll(members);
    }

    private void start() {
        if (closed || members.isEmpty()) return;
        current = fly(hub.kind(), members);
    }

    private Flight fly(Flight.Kind kind, List<Follower> followers) {
        Flight flight = new Flight(this, kind, followers);
        hub.env.execute("link", flight);
        return flight;
    }

    private void handOver() {
        if (successor != null) successor.abort(null);
        successor = fly(hub.kind(), members);
    }

    private void handOverIn(long millis) {
        if (handOver != null) handOver.cancel();
        handOver = hub.env.schedule(millis, new Runnable() {
            @Override
            public void run() {
                synchronized (hub.lock()) {
                    handOver = null;
                    if (!closed && current != null && successor == null) handOver();
                }
            }
        });
    }

    private void rest(long millis) {
        resting = hub.env.schedule(millis, new Runnable() {
            @Override
            public void run() {
                synchronized (hub.lock()) {
                    resting = null;
                    if (current == null) start();
                }
            }
        });
    }

    /** Tries now instead of later; what is open is opened anew, as it may be dead without a sign of it. */
    void reconnect() {
        failures = 0;
        if (closed) return;
        if (current != null) {
            handOver();
            return;
        }

        if (resting != null) resting.cancel();
        resting = null;
        start();
    }

    /** The first thing has come by a flight. Gives whether it is wanted. */
    boolean begun(Flight flight) {
        synchronized (hub.lock()) {
            if (closed || flight.aborted()) return false;
            if (flight == successor) {
                Flight old = current;
                current = flight;
                successor = null;
                handOverFailures = 0;
                cancelRenewal();
                if (old != null) old.abort(null);
                if (!isCovered()) change();
            } else if (flight != current) {
                return false;
            }

            if (flight.kind == Flight.Kind.POLL && hub.settings.transport == Transport.AUTO) handOverIn(hub.pollsFor());
            return true;
        }
    }

    /** A flight has brought more than its first notice. */
    void delivered(Flight flight) {
        synchronized (hub.lock()) {
            if (flight != current) return;
            failures = 0;
            triedToken = false;
        }
    }

    /** The server has told when the rights of a stream end, in milliseconds since 1970: a new one is opened before. */
    void expires(final Flight flight, long wallTime) {
        synchronized (hub.lock()) {
            long left = wallTime - hub.env.wallTime();
            if (flight != current || renewing == flight || !hub.tokens.canRenew()) return;
            // By a clock that is set wrong it may be over already; then the token itself says how long it holds.
            if (left <= 0 && flight.token() != null) left = Tokens.life(flight.token(), hub.env.wallTime());
            if (left <= 0) return;
            cancelRenewal();
            renewing = flight;
            renewal = hub.env.schedule(Math.max(Tokens.MIN_LIFE, (long) (Tokens.RENEW_AT * left)), new Runnable() {
                @Override
                public void run() {
                    synchronized (hub.lock()) {
                        if (closed || current != flight) return;
                        hub.tokens.drop(flight.token());
                        handOver();
                    }
                }
            });
        }
    }

    private void cancelRenewal() {
        if (renewal != null) renewal.cancel();
        renewal = null;
        renewing = null;
    }

    /** Ends a subscription by the server's will. */
    void end(Follower follower, RefusedException reason) {
        synchronized (hub.lock()) {
            remove(follower);
        }

        follower.end(reason);
    }

    /** One channel is not taken, and holds up the others: it goes on by a connection of its own. */
    void isolate(Follower follower) {
        synchronized (hub.lock()) {
            if (closed || members.size() < 2 || !members.remove(follower)) return;
            hub.joinAlone(follower);
            change();
        }
    }

    /** A flight has ended. */
    void ended(Flight flight, Outcome outcome) {
        List<Follower> refused = new ArrayList<Follower>();
        CCometException told = null;
        synchronized (hub.lock()) {
            if (closed) return;
            if (flight == successor) {
                successor = null;
                told = successorEnded(flight, outcome, refused);
            } else if (flight == current) {
                current = null;
                cancelRenewal();
                told = currentEnded(flight, outcome, refused);
            }

            drop(refused);
        }

        if (!refused.isEmpty()) {
            for (Follower follower : refused) follower.end(new RefusedException(told));
        } else if (told != null) {
            hub.tell(told, flight.followers);
        }
    }

    /** Gives the error to tell; followers that it ends are put into {@code refused}. */
    private CCometException currentEnded(Flight flight, Outcome outcome, List<Follower> refused) {
        if (outcome.expired) hub.tokens.drop(outcome.token);
        if (successor != null) {
            // What takes its place is on its way.
            current = successor;
            successor = null;
            return null;
        }

        switch (outcome.kind) {
            case FAILED:
                if (outcome.error == null) start();
                else restAfter(outcome.error);
                return outcome.error;
            case BYE:
                rest(outcome.retry >= 0 ? outcome.retry : hub.pause(failures++, -1));
                return null;
            case FALL_BACK:
                if (hub.settings.transport == Transport.AUTO) {
                    hub.fallBack();
                    outcome.error.retryIn(0);
                    start();
                } else {
                    restAfter(outcome.error);
                }

                return outcome.error;
            case AGAIN:
                start();
                return null;
            case INNOCENT:
                refused.addAll(members(flight));
                if (refused.isEmpty()) change();
                return refused.isEmpty() ? null : siftReason;
            default:
                return currentRefused(flight, outcome, refused);
        }
    }

    private CCometException currentRefused(Flight flight, Outcome outcome, List<Follower> refused) {
        CCometException error = outcome.error;
        if (error.status() == 401 && hub.tokens.canRenew() && !triedToken) {
            triedToken = true;
            hub.tokens.drop(outcome.token);
            error.retryIn(0);
            start();
            return error;
        }

        List<Follower> asked = members(flight);
        if (asked.size() > 1 && flight.kind != Flight.Kind.SIFT) {
            siftReason = error;
            current = fly(Flight.Kind.SIFT, asked);
            return null;
        }

        if (error.code().equals("402")) {
            for (Follower follower : asked) follower.beginAgain();
            restAfter(error);
            return error;
        }

        refused.addAll(asked);
        if (asked.isEmpty()) change();
        return asked.isEmpty() ? null : error;
    }

    private CCometException successorEnded(Flight flight, Outcome outcome, List<Follower> refused) {
        if (outcome.expired) hub.tokens.drop(outcome.token);
        CCometException error = outcome.error;
        List<Follower> added = members(flight);
        if (current != null) added.removeAll(current.followers);
        switch (outcome.kind) {
            case AGAIN:
                if (!isCovered()) handOver();
                return null;
            case INNOCENT:
                refused.addAll(added);
                return added.isEmpty() ? null : siftReason;
            case BYE:
                handOverIn(outcome.retry >= 0 ? outcome.retry : hub.pause(handOverFailures++, -1));
                return null;
            case FALL_BACK:
                // No stream gets through yet.
                hub.fallBack();
                handOverIn(current.kind == Flight.Kind.POLL ? hub.pollsFor() : hub.pause(handOverFailures++, -1));
                return error;
            case REFUSED:
                if (error.status() == 401 && hub.tokens.canRenew()) {
                    hub.tokens.drop(outcome.token);
                } else if (flight.kind == Flight.Kind.SIFT || added.size() == 1 && isCoveredWithout(added)) {
                    if (!error.code().equals("402")) {
                        refused.addAll(added);
                        return error;
                    }
                } else if (!added.isEmpty()) {
                    siftReason = error;
                    successor = fly(Flight.Kind.SIFT, added);
                    return null;
                }

                break;
            default:
                if (error == null) return null;
                break;
        }

        long pause = hub.pause(handOverFailures++, error.retryAfterMillis());
        error.retryIn(pause);
        handOverIn(pause);
        return error;
    }

    /** Whether the one channel was asked for alone, so that it is known to be at fault. */
    private boolean isCoveredWithout(List<Follower> added) {
        return members.size() == added.size();
    }

    private List<Follower> members(Flight flight) {
        List<Follower> asked = new ArrayList<Follower>(flight.followers);
        asked.retainAll(members);
        return asked;
    }

    private void restAfter(CCometException error) {
        long pause = hub.pause(failures++, error.retryAfterMillis());
        error.retryIn(pause);
        rest(pause);
    }

    /** Ends the connection; gives those that followed by it. */
    List<Follower> close() {
        closed = true;
        hub.forget(this);
        cancelRenewal();
        if (resting != null) resting.cancel();
        if (handOver != null) handOver.cancel();
        if (current != null) current.abort(null);
        if (successor != null) successor.abort(null);
        current = successor = null;
        List<Follower> left = new ArrayList<Follower>(members);
        members.clear();
        return left;
    }
}
