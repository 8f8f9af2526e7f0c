package android.os;

/** A stub, written by hand: what the sample uses, and no more. */
public interface IBinder {
}
