package io.ccomet;

/** All that the client uses of its surroundings beside the network, so that a test can turn the clock. */
interface Env {
    /** A timer that can be stopped. */
    interface Timer {
        /** Stops it; what has begun goes on. */
        void cancel();
    }

    /** Returns a time in milliseconds for measuring lengths of time. */
    long now();

    /** Returns the time in milliseconds since 1970, which somebody may set meanwhile. */
    long wallTime();

    /** Returns a number from 0 to below 1. */
    double random();

    /** Makes an id that nobody else makes. */
    String newId();

    /** Runs something short later, on the one thread of the timers. */
    Timer schedule(long millis, Runnable task);

    /** Runs something that may block, on a daemon thread of its own. Does nothing after {@link #shutDown()}. */
    void execute(String name, Runnable task);

    /** Ends the timers, and each thread when its task has ended. */
    void shutDown();
}
