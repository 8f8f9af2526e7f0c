package android.widget;

import android.content.Context;
import android.view.ViewGroup;

/** A stub, written by hand: what the sample uses, and no more. */
public class ScrollView extends ViewGroup {
    public ScrollView(Context context) {
        super(context);
    }
}
