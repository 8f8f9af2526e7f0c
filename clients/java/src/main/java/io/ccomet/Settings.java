package io.ccomet;

/** The settings of a client; all times in milliseconds. */
final class Settings {
    Transport transport = Transport.AUTO;

    /** The first pause after a failure, and the longest. */
    long retryMin = 500;
    long retryMax = 30_000;

    /** When a silent stream is taken as dead; the server gives a sign of life every 15 s. */
    long silence = 40_000;

    /** When a stream whose first byte does not come is given up for polls. */
    long firstByte = 10_000;

    /** How long polls are kept before a stream is tried again. */
    long pollPeriod = 300_000;

    /** Subscriptions made within this time share one request. */
    long settle = 5;
}
