package io.ccomet;

import java.util.ArrayList;
import java.util.List;

/** A clock that a test turns. Chance always throws one half, so each pause is half of the longest. */
final class ManualEnv implements Env {
    /** When a test that hangs is given up; it decides nothing else. */
    static final long PATIENCE = Long.getLong("ccomet.patience", 120_000);

    private final List<Entry> timers = new ArrayList<Entry>();
    private final List<Thread> threads = new ArrayList<Thread>();
    private long now = 1_000_000;
    private long wallOffset = 1_790_000_000_000L;
    private int ids;

    /** Timers of this length fire at once; 0 for none. */
    volatile long immediate = new Settings().settle;

    private static final class Entry {
        long due;
        long length;
        Runnable task;
    }

    @Override
    public synchronized long now() {
        return now;
    }

    @Override
    public synchronized long wallTime() {
        return wallOffset + now;
    }

    @Override
    public double random() {
        return 0.5;
    }

    @Override
    public synchronized String newId() {
        return "id-" + ++ids;
    }

    @Override
    public Timer schedule(long millis, Runnable task) {
        if (millis == immediate) {
            execute("timer", task);
            return () -> { };
        }

        Entry entry = new Entry();
        entry.length = millis;
        entry.task = task;
        synchronized (this) {
            entry.due = now + millis;
            timers.add(entry);
            notifyAll();
        }

        return () -> {
            synchronized (this) {
                timers.remove(entry);
                notifyAll();
            }
        };
    }

    @Override
    public void execute(String name, Runnable task) {
        Thread thread = new Thread(task, "test-" + name);
        thread.setDaemon(true);
        synchronized (this) {
            threads.add(thread);
        }

        thread.start();
    }

    @Override
    public synchronized void shutDown() {
        timers.clear();
    }

    /** Turns the clock, and fires what becomes due, in order. */
    void advance(long millis) {
        long end;
        synchronized (this) {
            end = now + millis;
        }

        while (true) {
            Entry next = null;
            synchronized (this) {
                for (Entry entry : timers) if (entry.due <= end && (next == null || entry.due < next.due)) next = entry;
                if (next == null) {
                    now = end;
                    return;
                }

                timers.remove(next);
                now = Math.max(now, next.due);
            }

            next.task.run();
        }
    }

    /** Waits until a timer of this length is set, and turns the clock to where it fires. */
    void fire(long length) throws InterruptedException {
        awaitTimer(length);
        advance(length);
    }

    /** Waits until a timer of this length is set. */
    synchronized void awaitTimer(long length) throws InterruptedException {
        long end = System.nanoTime() / 1_000_000 + PATIENCE;
        while (!has(length)) {
            long left = end - System.nanoTime() / 1_000_000;
            if (left <= 0) throw new AssertionError("No timer of " + length + " ms was set, but of " + lengths() + ".");
            wait(left);
        }
    }

    synchronized List<Long> lengths() {
        List<Long> lengths = new ArrayList<>();
        for (Entry entry : timers) lengths.add(entry.length);
        return lengths;
    }

    private boolean has(long length) {
        return lengths().contains(length);
    }

    /** Waits for the end of every thread that was started. */
    void joinAll() throws InterruptedException {
        List<Thread> all;
        synchronized (this) {
            all = new ArrayList<>(threads);
        }

        for (Thread thread : all) {
            thread.join(PATIENCE);
            if (thread.isAlive()) throw new AssertionError("The thread " + thread.getName() + " goes on.");
        }
    }
}
