package android.widget;

import android.content.Context;

/** A stub, written by hand: what the sample uses, and no more. */
public class Button extends TextView {
    public Button(Context context) {
        super(context);
    }
}
