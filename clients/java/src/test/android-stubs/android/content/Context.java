package android.content;

/** A stub, written by hand: what the sample uses, and no more. */
public abstract class Context {
    public static final int MODE_PRIVATE = 0;
    public static final String NOTIFICATION_SERVICE = "notification";
    public static final String CONNECTIVITY_SERVICE = "connectivity";

    public abstract SharedPreferences getSharedPreferences(String name, int mode);

    public abstract Object getSystemService(String name);

    public abstract ComponentName startService(Intent intent);

    public abstract ComponentName startForegroundService(Intent intent);
}
