package android.app;

import android.content.ContextWrapper;
import android.os.Bundle;
import android.view.View;

/** A stub, written by hand: what the sample uses, and no more. */
public class Activity extends ContextWrapper {
    protected void onCreate(Bundle state) {
    }

    protected void onStart() {
    }

    protected void onStop() {
    }

    protected void onDestroy() {
    }

    public void setContentView(View view) {
    }
}
