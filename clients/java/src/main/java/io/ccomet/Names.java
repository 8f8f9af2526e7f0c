package io.ccomet;

/** Checks names (channel, sname, id, epoch) as the server does, so that a bad one fails where it is given. */
final class Names {
    static final int MAX_LENGTH = 200;

    private static final int MAX_QUOTED = 60;

    private Names() {
    }

    /** Returns the name. */
    static String check(String parameter, String name) {
        String problem = name == null ? "is null" : problem(name);
        if (problem != null) throw new IllegalArgumentException(parameter + ": " + problem + ".");
        return name;
    }

    /** Tells what is wrong with a name; null when nothing is. */
    static String problem(String name) {
        int length = 0;
        for (int i = 0; i < name.length(); length++) {
            int c = name.codePointAt(i);
            if (c < 0x20 || (c >= 0x7f && c <= 0x9f)) return "has a control character";
            if (c >= 0xd800 && c <= 0xdfff) return "has half of a surrogate pair";
            i += Character.charCount(c);
        }

        if (length == 0) return "is empty";
        return length > MAX_LENGTH ? "has " + length + " characters; at most " + MAX_LENGTH + " are allowed" : null;
    }

    /** Shortens what is quoted in an error. */
    static String shorten(String text) {
        return text.length() <= MAX_QUOTED ? text : text.substring(0, MAX_QUOTED) + "…";
    }
}
