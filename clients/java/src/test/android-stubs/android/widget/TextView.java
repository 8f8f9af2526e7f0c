package android.widget;

import android.content.Context;
import android.view.View;

/** A stub, written by hand: what the sample uses, and no more. */
public class TextView extends View {
    public TextView(Context context) {
        super(context);
    }

    public final void setText(CharSequence text) {
    }

    public final void append(CharSequence text) {
    }

    public CharSequence getText() {
        throw new UnsupportedOperationException();
    }
}
