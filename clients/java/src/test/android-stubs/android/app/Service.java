package android.app;

import android.content.ContextWrapper;
import android.content.Intent;
import android.os.IBinder;

/** A stub, written by hand: what the sample uses, and no more. */
public abstract class Service extends ContextWrapper {
    public static final int START_STICKY = 1;

    public void onCreate() {
    }

    public int onStartCommand(Intent intent, int flags, int startId) {
        return 0;
    }

    public void onDestroy() {
    }

    public abstract IBinder onBind(Intent intent);

    public final void startForeground(int id, Notification notification) {
    }
}
