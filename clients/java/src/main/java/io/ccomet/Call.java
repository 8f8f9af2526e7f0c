package io.ccomet;

import java.io.IOException;

/** One request and all that is waited for on its way: whoever has it can end it from another thread. */
class Call {
    private final Env env;
    private Exchange exchange;
    private volatile boolean aborted;
    private volatile CCometException reason;

    Call(Env env) {
        this.env = env;
    }

    final boolean aborted() {
        return aborted;
    }

    /** Returns why it was aborted; null when it was for no fault. */
    final CCometException reason() {
        return reason;
    }

    /** Names the exchange that {@link #abort} is to end. */
    final void attach(Exchange next) throws IOException {
        synchronized (this) {
            exchange = next;
            if (!aborted) return;
        }

        next.abort();
        throw new IOException("The request was ended.");
    }

    /** Ends it. The socket is closed on another thread, because Android lets nothing near the network on the main one. */
    final void abort(CCometException why) {
        final Exchange open;
        synchronized (this) {
            if (aborted) return;
            reason = why;
            aborted = true;
            open = exchange;
            notifyAll();
        }

        onAbort();
        if (open == null) return;
        env.execute("closer", new Runnable() {
            @Override
            public void run() {
                open.abort();
            }
        });
    }

    /** Wakes what waits elsewhere on behalf of this call. */
    void onAbort() {
    }

    /** Makes {@link #await} look at its condition again. */
    final synchronized void signal() {
        notifyAll();
    }

    /** Something that is waited for. */
    interface Condition {
        boolean holds();
    }

    /**
     * Waits until a condition holds, and gives whether it does: not when the time is over first, or the call was aborted.
     *
     * @throws InterruptedException the thread was interrupted
     */
    final boolean await(Condition condition, long millis) throws InterruptedException {
        final boolean[] over = new boolean[1];
        Env.Timer timer = env.schedule(millis, new Runnable() {
            @Override
            public void run() {
                synchronized (Call.this) {
                    over[0] = true;
                    Call.this.notifyAll();
                }
            }
        });
        try {
            synchronized (this) {
                while (!condition.holds() && !over[0] && !aborted) wait();
            }

            return condition.holds();
        } finally {
            timer.cancel();
        }
    }

    /** Waits, unless it is aborted meanwhile. */
    final void rest(long millis) throws InterruptedException {
        await(new Condition() {
            @Override
            public boolean holds() {
                return false;
            }
        }, millis);
    }
}
