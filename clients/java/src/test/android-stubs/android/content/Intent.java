package android.content;

/** A stub, written by hand: what the sample uses, and no more. */
public class Intent {
    public Intent(Context context, Class<?> type) {
    }
}
