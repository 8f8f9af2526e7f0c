package android.os;

/** A stub, written by hand: what the sample uses, and no more. */
public class Handler {
    public Handler(Looper looper) {
    }

    public final boolean post(Runnable task) {
        throw new UnsupportedOperationException();
    }
}
