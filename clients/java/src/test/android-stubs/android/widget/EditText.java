package android.widget;

import android.content.Context;

/** A stub, written by hand: what the sample uses, and no more. */
public class EditText extends TextView {
    public EditText(Context context) {
        super(context);
    }
}
