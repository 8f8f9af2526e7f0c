package android.view;

import android.content.Context;

/** A stub, written by hand: what the sample uses, and no more. */
public abstract class ViewGroup extends View {
    public ViewGroup(Context context) {
        super(context);
    }

    public void addView(View child) {
    }
}
