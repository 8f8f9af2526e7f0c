package android.os;

/** A stub, written by hand: what the sample uses, and no more. */
public final class Looper {
    public static Looper getMainLooper() {
        throw new UnsupportedOperationException();
    }
}
