package io.ccomet;

import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/** Gives what comes to a listener on its executor: one call at a time, in order. */
final class ListenerPump implements Follower.Pump, Runnable {
    /** After so many events others get their turn on the executor. */
    private static final int TURN = 64;

    private final Hub hub;
    private final Follower follower;
    private final Executor executor;
    private final Listener listener;
    private boolean scheduled;
    private boolean over;

    ListenerPump(Hub hub, Follower follower, Executor executor, Listener listener) {
        this.hub = hub;
        this.follower = follower;
        this.executor = executor;
        this.listener = listener;
    }

    @Override
    public void wake() {
        synchronized (this) {
            if (scheduled || over || !follower.isReady()) return;
            scheduled = true;
        }

        try {
            executor.execute(this);
        } catch (RejectedExecutionException e) {
            // An executor that was shut down takes nothing more.
            hub.leave(follower);
        }
    }

    @Override
    public void run() {
        try {
            for (int i = 0; i < TURN; i++) {
                Object event = follower.poll();
                if (event == null) break;
                tell(event);
            }
        } finally {
            boolean ended;
            synchronized (this) {
                scheduled = false;
                ended = !over && follower.isOver();
                over |= ended;
            }

            if (!ended) wake();
            else if (!follower.closed()) listener.ended(follower.reason());
        }
    }

    private void tell(Object event) {
        if (event instanceof Message) listener.message((Message) event);
        else if (event instanceof Gap) listener.gap((Gap) event);
        else if (event instanceof Cursor) listener.opened((Cursor) event);
        else listener.error((CCometException) event);
    }
}
