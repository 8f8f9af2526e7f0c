package android.app;

/** A stub, written by hand: what the sample uses, and no more. */
public final class NotificationChannel {
    public NotificationChannel(String id, CharSequence name, int importance) {
    }
}
