package android;

/** A stub, written by hand: what the sample uses, and no more. */
public final class R {
    public static final class drawable {
        public static final int stat_notify_chat = 17301623;
    }
}
