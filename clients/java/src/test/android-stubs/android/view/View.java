package android.view;

import android.content.Context;

/** A stub, written by hand: what the sample uses, and no more. */
public class View {
    public View(Context context) {
    }

    public void setOnClickListener(OnClickListener listener) {
    }

    public interface OnClickListener {
        void onClick(View view);
    }
}
