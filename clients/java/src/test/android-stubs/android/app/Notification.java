package android.app;

import android.content.Context;

/** A stub, written by hand: what the sample uses, and no more. */
public class Notification {
    public static class Builder {
        public Builder(Context context, String channel) {
        }

        @Deprecated
        public Builder(Context context) {
        }

        public Builder setSmallIcon(int icon) {
            return this;
        }

        public Builder setContentTitle(CharSequence title) {
            return this;
        }

        public Builder setContentText(CharSequence text) {
            return this;
        }

        public Notification build() {
            throw new UnsupportedOperationException();
        }
    }
}
