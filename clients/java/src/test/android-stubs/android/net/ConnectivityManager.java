package android.net;

/** A stub, written by hand: what the sample uses, and no more. */
public class ConnectivityManager {
    public void registerNetworkCallback(NetworkRequest request, NetworkCallback callback) {
        throw new UnsupportedOperationException();
    }

    public void unregisterNetworkCallback(NetworkCallback callback) {
        throw new UnsupportedOperationException();
    }

    public static class NetworkCallback {
        public void onAvailable(Network network) {
        }
    }
}
