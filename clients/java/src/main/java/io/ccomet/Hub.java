package io.ccomet;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What the parts of one client share: its lock, its connections, and its publishes that are under way. */
final class Hub {
    final Env env;
    final Settings settings;
    final Tokens tokens;
    final Wire wire;

    /** Differs from client to client: of equal polls, a caching proxy would send one on and let the others wait for its answer. */
    final String tag;

    private final ErrorHandler errors;
    private final List<Link> links = new ArrayList<Link>();
    private final Set<Call> calls = new HashSet<Call>();
    private long pollUntil = Long.MIN_VALUE;
    private boolean closed;

    Hub(Env env, Settings settings, Tokens tokens, Wire wire, ErrorHandler errors) {
        this.env = env;
        this.settings = settings;
        this.tokens = tokens;
        this.wire = wire;
        this.errors = errors;
        tag = env.newId();
    }

    /** Guards this and the links. Nothing of the application is called under it. */
    Object lock() {
        return this;
    }

    synchronized boolean closed() {
        return closed;
    }

    /** Returns the pause before the next try: a random share of what grows with each failure, behind what the server asked for. */
    long pause(int failures, long retryAfter) {
        double longest = Math.min(settings.retryMax, settings.retryMin * Math.pow(2, Math.min(failures, 30)));
        return Math.max(0, retryAfter) + (long) (env.random() * longest);
    }

    synchronized Flight.Kind kind() {
        boolean polls = settings.transport == Transport.POLL || (settings.transport == Transport.AUTO && env.now() < pollUntil);
        return polls ? Flight.Kind.POLL : Flight.Kind.STREAM;
    }

    /** No stream gets through: polls for a while. */
    synchronized void fallBack() {
        pollUntil = env.now() + settings.pollPeriod;
    }

    /** Returns in how many milliseconds a stream is to be tried again. */
    synchronized long pollsFor() {
        return Math.max(1, pollUntil - env.now());
    }

    synchronized void join(Follower follower) {
        if (closed) throw new IllegalStateException("The client was closed.");
        for (Link link : links) {
            if (!link.hasRoomFor(follower)) continue;
            link.add(follower);
            return;
        }

        Link link = new Link(this, false);
        links.add(link);
        link.add(follower);
    }

    /** Gives a follower a connection of its own. */
    synchronized void joinAlone(Follower follower) {
        if (closed) return;
        Link link = new Link(this, true);
        links.add(link);
        link.add(follower);
    }

    synchronized void forget(Link link) {
        links.remove(link);
    }

    void leave(Follower follower) {
        follower.close();
        synchronized (this) {
            Link link = follower.link();
            if (link != null) link.remove(follower);
        }
    }

    synchronized void begin(Call call) {
        if (closed) throw new IllegalStateException("The client was closed.");
        calls.add(call);
    }

    synchronized void end(Call call) {
        calls.remove(call);
    }

    synchronized void reconnect() {
        for (Link link : links) link.reconnect();
    }

    /** Tells of something that is tried again. */
    void tell(CCometException error, List<Follower> followers) {
        for (Follower follower : followers) follower.failed(error);
        errors.error(error);
    }

    void close() {
        List<Follower> followers = new ArrayList<Follower>();
        synchronized (this) {
            if (closed) return;
            closed = true;
            for (Link link : new ArrayList<Link>(links)) followers.addAll(link.close());
            links.clear();
            for (Call call : calls) call.abort(new CCometException(0, "closed", "The client was closed.", null));
            env.execute("closer", new Runnable() {
                @Override
                public void run() {
                    wire.close();
                }
            });
        }

        for (Follower follower : followers) follower.end(null);
        env.shutDown();
    }
}
