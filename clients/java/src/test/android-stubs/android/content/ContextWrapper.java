package android.content;

/** A stub, written by hand: what the sample uses, and no more. */
public class ContextWrapper extends Context {
    @Override
    public SharedPreferences getSharedPreferences(String name, int mode) {
        throw new UnsupportedOperationException();
    }

    @Override
    public Object getSystemService(String name) {
        throw new UnsupportedOperationException();
    }

    @Override
    public ComponentName startService(Intent intent) {
        throw new UnsupportedOperationException();
    }

    @Override
    public ComponentName startForegroundService(Intent intent) {
        throw new UnsupportedOperationException();
    }
}
