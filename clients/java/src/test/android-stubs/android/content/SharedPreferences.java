package android.content;

/** A stub, written by hand: what the sample uses, and no more. */
public interface SharedPreferences {
    String getString(String key, String otherwise);

    Editor edit();

    interface Editor {
        Editor putString(String key, String value);

        void apply();
    }
}
