package io.ccomet.sample;

import android.app.Activity;
import android.content.Intent;
import android.os.Build;
import android.os.Bundle;
import android.os.Handler;
import android.os.Looper;
import android.view.View;
import android.widget.Button;
import android.widget.EditText;
import android.widget.LinearLayout;
import android.widget.ScrollView;
import android.widget.TextView;
import io.ccomet.CComet;
import io.ccomet.CCometException;
import io.ccomet.Cursor;
import io.ccomet.Gap;
import io.ccomet.Listener;
import io.ccomet.Message;
import io.ccomet.Subscription;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Shows a channel while it is on the screen, and publishes to it. */
public final class ChatActivity extends Activity implements Listener {
    private final Handler main = new Handler(Looper.getMainLooper());
    private final ExecutorService background = Executors.newSingleThreadExecutor();
    private Cursor next = Cursor.START;
    private Subscription subscription;
    private TextView log;
    private EditText input;

    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        LinearLayout layout = new LinearLayout(this);
        layout.setOrientation(LinearLayout.VERTICAL);
        input = new EditText(this);
        Button send = new Button(this);
        send.setText("Send");
        send.setOnClickListener(new View.OnClickListener() {
            @Override
            public void onClick(View view) {
                publish(input.getText().toString());
                input.setText("");
            }
        });
        log = new TextView(this);
        ScrollView scroll = new ScrollView(this);
        scroll.addView(log);
        layout.addView(input);
        layout.addView(send);
        layout.addView(scroll);
        setContentView(layout);
        // Goes on in the background, and tells by notifications.
        Intent service = new Intent(this, PushService.class);
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.O) startForegroundService(service);
        else startService(service);
    }

    @Override
    protected void onStart() {
        super.onStart();
        // On the main thread: the listener may touch views.
        subscription = Push.client().listen(Push.CHANNEL, next, main::post, this);
    }

    @Override
    protected void onStop() {
        subscription.close();
        super.onStop();
    }

    @Override
    protected void onDestroy() {
        background.shutdown();
        super.onDestroy();
    }

    @Override
    public void message(Message m) {
        log.append((m.sname() == null ? "" : m.sname() + ": ") + m.text() + "\n");
        next = m.cursor();
    }

    @Override
    public void gap(Gap g) {
        log.append("… " + g + "\n");
        next = g.cursor();
    }

    @Override
    public void ended(CCometException reason) {
        if (reason != null) log.append("Refused: " + reason.detail() + "\n");
    }

    private void publish(final String text) {
        final CComet client = Push.client();
        background.execute(new Runnable() {
            @Override
            public void run() {
                try {
                    client.publish(Push.CHANNEL, text);
                } catch (final CCometException e) {
                    main.post(new Runnable() {
                        @Override
                        public void run() {
                            log.append("Not sent: " + e.detail() + "\n");
                        }
                    });
                }
            }
        });
    }
}
