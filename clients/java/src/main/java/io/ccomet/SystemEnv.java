package io.ccomet;

import java.security.SecureRandom;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** The real clock, daemon threads with names, and timers on one thread that ends when it has had nothing to do for a while. */
final class SystemEnv implements Env {
    private static final AtomicInteger CLIENTS = new AtomicInteger();
    private static final int ID_BYTES = 16;
    private static final long IDLE_SECONDS = 10;

    private final SecureRandom random = new SecureRandom();
    private final String prefix = "ccomet-" + CLIENTS.incrementAndGet() + "-";
    private final ScheduledThreadPoolExecutor timers;
    private boolean over;

    SystemEnv() {
        timers = new ScheduledThreadPoolExecutor(1, new ThreadFactory() {
            @Override
            public Thread newThread(Runnable task) {
                return SystemEnv.this.newThread("timer", task);
            }
        });
        timers.setKeepAliveTime(IDLE_SECONDS, TimeUnit.SECONDS);
        timers.allowCoreThreadTimeOut(true);
        timers.setRemoveOnCancelPolicy(true);
    }

    @Override
    public long now() {
        return System.nanoTime() / 1_000_000;
    }

    @Override
    public long wallTime() {
        return System.currentTimeMillis();
    }

    @Override
    public double random() {
        return random.nextDouble();
    }

    @Override
    public String newId() {
        byte[] bytes = new byte[ID_BYTES];
        random.nextBytes(bytes);
        StringBuilder id = new StringBuilder(ID_BYTES * 2);
        for (byte b : bytes) id.append(Character.forDigit((b >> 4) & 15, 16)).append(Character.forDigit(b & 15, 16));
        return id.toString();
    }

    @Override
    public synchronized Timer schedule(long millis, Runnable task) {
        if (over) return new Scheduled(null);
        return new Scheduled(timers.schedule(task, millis, TimeUnit.MILLISECONDS));
    }

    @Override
    public synchronized void execute(String name, Runnable task) {
        if (!over) newThread(name, task).start();
    }

    @Override
    public synchronized void shutDown() {
        over = true;
        timers.shutdownNow();
    }

    private Thread newThread(String name, Runnable task) {
        Thread thread = new Thread(task, prefix + name);
        thread.setDaemon(true);
        return thread;
    }

    private static final class Scheduled implements Timer {
        private final ScheduledFuture<?> future;

        Scheduled(ScheduledFuture<?> future) {
            this.future = future;
        }

        @Override
        public void cancel() {
            if (future != null) future.cancel(false);
        }
    }
}
