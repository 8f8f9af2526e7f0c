package io.ccomet.sample;

import android.app.Notification;
import android.app.NotificationChannel;
import android.app.NotificationManager;
import android.app.Service;
import android.content.Context;
import android.content.Intent;
import android.net.ConnectivityManager;
import android.net.Network;
import android.net.NetworkRequest;
import android.os.Build;
import android.os.IBinder;
import io.ccomet.Gap;
import io.ccomet.Listener;
import io.ccomet.Message;
import io.ccomet.Subscription;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Follows the channel for as long as the service runs in the foreground; it goes on where it was, even after the process was killed. */
public final class PushService extends Service implements Listener {
    private static final String NOTIFICATIONS = "push";
    private static final int ONGOING = 1;
    private static final int NEWS = 2;

    private final ExecutorService executor = Executors.newSingleThreadExecutor();
    private final ConnectivityManager.NetworkCallback network = new ConnectivityManager.NetworkCallback() {
        @Override
        public void onAvailable(Network available) {
            // Otherwise the change of networks is noticed after 40 s of silence, or when a pause is over.
            Push.client().reconnect();
        }
    };
    private Subscription subscription;

    @Override
    public void onCreate() {
        super.onCreate();
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.O)
            notifications().createNotificationChannel(new NotificationChannel(NOTIFICATIONS, "Messages", NotificationManager.IMPORTANCE_DEFAULT));
        startForeground(ONGOING, notification("Listening for messages"));
        subscription = Push.client().listen(Push.CHANNEL, Push.saved(this), executor, this);
        connectivity().registerNetworkCallback(new NetworkRequest.Builder().build(), network);
    }

    @Override
    public int onStartCommand(Intent intent, int flags, int startId) {
        return START_STICKY;
    }

    @Override
    public void onDestroy() {
        connectivity().unregisterNetworkCallback(network);
        subscription.close();
        executor.shutdown();
        super.onDestroy();
    }

    @Override
    public IBinder onBind(Intent intent) {
        return null;
    }

    @Override
    public void message(Message m) {
        notifications().notify(NEWS, notification(m.text()));
        // Behind the message: if the process is killed before, the message comes again.
        Push.save(this, m.cursor());
    }

    @Override
    public void gap(Gap g) {
        notifications().notify(NEWS, notification("Some messages were missed."));
        Push.save(this, g.cursor());
    }

    @SuppressWarnings("deprecation")
    private Notification notification(String text) {
        Notification.Builder builder = Build.VERSION.SDK_INT >= Build.VERSION_CODES.O ? new Notification.Builder(this, NOTIFICATIONS) : new Notification.Builder(this);
        return builder.setSmallIcon(android.R.drawable.stat_notify_chat).setContentTitle("CComet").setContentText(text).build();
    }

    private NotificationManager notifications() {
        return (NotificationManager) getSystemService(Context.NOTIFICATION_SERVICE);
    }

    private ConnectivityManager connectivity() {
        return (ConnectivityManager) getSystemService(Context.CONNECTIVITY_SERVICE);
    }
}
