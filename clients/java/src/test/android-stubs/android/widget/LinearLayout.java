package android.widget;

import android.content.Context;
import android.view.ViewGroup;

/** A stub, written by hand: what the sample uses, and no more. */
public class LinearLayout extends ViewGroup {
    public static final int VERTICAL = 1;

    public LinearLayout(Context context) {
        super(context);
    }

    public void setOrientation(int orientation) {
    }
}
