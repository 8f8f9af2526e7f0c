package android.net;

/** A stub, written by hand: what the sample uses, and no more. */
public class NetworkRequest {
    public static class Builder {
        public NetworkRequest build() {
            throw new UnsupportedOperationException();
        }
    }
}
