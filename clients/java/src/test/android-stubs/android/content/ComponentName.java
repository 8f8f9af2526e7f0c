package android.content;

/** A stub, written by hand: what the sample uses, and no more. */
public final class ComponentName {
}
