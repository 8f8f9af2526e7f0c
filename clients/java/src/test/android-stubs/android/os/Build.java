package android.os;

/** A stub, written by hand: what the sample uses, and no more. */
public class Build {
    public static class VERSION {
        public static final int SDK_INT = Integer.getInteger("sdk", 21);
    }

    public static class VERSION_CODES {
        public static final int O = 26;
    }
}
