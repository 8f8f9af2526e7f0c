package io.ccomet.sample;

import android.content.Context;
import android.content.SharedPreferences;
import io.ccomet.CComet;
import io.ccomet.Cursor;

/** What the activity and the service share: one client for the process, and the place to go on from. */
final class Push {
    static final String CHANNEL = "lobby";

    /** 10.0.2.2 is the emulator's name of the machine that it runs on. */
    private static final String URL = "http://10.0.2.2:5000";

    private static final String CURSOR = "cursor";

    private static CComet client;

    private Push() {
    }

    static synchronized CComet client() {
        if (client == null) client = CComet.builder(URL).build();
        return client;
    }

    static Cursor saved(Context context) {
        return Cursor.parse(preferences(context).getString(CURSOR, "start"));
    }

    static void save(Context context, Cursor cursor) {
        preferences(context).edit().putString(CURSOR, cursor.toString()).apply();
    }

    private static SharedPreferences preferences(Context context) {
        return context.getSharedPreferences("push", Context.MODE_PRIVATE);
    }
}
