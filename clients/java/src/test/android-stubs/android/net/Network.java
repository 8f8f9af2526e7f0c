package android.net;

/** A stub, written by hand: what the sample uses, and no more. */
public class Network {
}
