package io.ccomet;

import java.util.Collection;
import java.util.Map;

/** Writes values as JSON. */
final class JsonWriter {
    /** What the server allows in a message. */
    private static final int MAX_DEPTH = 62;

    private static final String HEX = "0123456789abcdef";

    private JsonWriter() {
    }

    /** Writes a value. */
    static String write(Object value) {
        StringBuilder out = new StringBuilder();
        write(out, value, 0);
        return out.toString();
    }

    /** Writes a value behind what is there. */
    static void write(StringBuilder out, Object value) {
        write(out, value, 0);
    }

    private static void write(StringBuilder out, Object value, int depth) {
        if (depth > MAX_DEPTH) throw new IllegalArgumentException("msg: is nested deeper than " + MAX_DEPTH + " levels, or contains itself.");
        if (value == null || value instanceof Boolean) {
            out.append(value);
        } else if (value instanceof CharSequence) {
            string(out, (CharSequence) value);
        } else if (value instanceof Number) {
            number(out, (Number) value);
        } else if (value instanceof Map) {
            map(out, (Map<?, ?>) value, depth);
        } else if (value instanceof Collection) {
            elements(out, ((Collection<?>) value).toArray(), depth);
        } else if (value instanceof Object[]) {
            elements(out, (Object[]) value, depth);
        } else {
            throw new IllegalArgumentException("msg: a " + value.getClass().getName() + " cannot be written as JSON; give a String, Number, Boolean, Map, Collection, Object[] or null.");
        }
    }

    private static void number(StringBuilder out, Number number) {
        double value = number.doubleValue();
        boolean fits = !(number instanceof Double || number instanceof Float) || !(Double.isNaN(value) || Double.isInfinite(value));
        if (!fits) throw new IllegalArgumentException("msg: " + number + " is no number of JSON.");
        String text = number.toString();
        try {
            JsonReader.read(text);
        } catch (JsonException notJson) {
            throw new IllegalArgumentException("msg: the " + number.getClass().getName() + " " + Names.shorten(text) + " is no number of JSON.");
        }

        out.append(text);
    }

    private static void map(StringBuilder out, Map<?, ?> map, int depth) {
        out.append('{');
        String separator = "";
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            if (!(entry.getKey() instanceof CharSequence)) throw new IllegalArgumentException("msg: the key " + entry.getKey() + " of a Map is no String.");
            out.append(separator);
            string(out, (CharSequence) entry.getKey());
            out.append(':');
            write(out, entry.getValue(), depth + 1);
            separator = ",";
        }

        out.append('}');
    }

    private static void elements(StringBuilder out, Object[] elements, int depth) {
        out.append('[');
        for (int i = 0; i < elements.length; i++) {
            if (i > 0) out.append(',');
            write(out, elements[i], depth + 1);
        }

        out.append(']');
    }

    private static void string(StringBuilder out, CharSequence text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < 0x20) {
                out.append("\\u00").append(HEX.charAt(c >> 4)).append(HEX.charAt(c & 15));
            } else if (Character.isSurrogate(c) && !isPaired(text, i)) {
                throw new IllegalArgumentException("msg: has half of a surrogate pair at character " + i + ".");
            } else {
                out.append(c);
            }
        }

        out.append('"');
    }

    private static boolean isPaired(CharSequence text, int i) {
        char c = text.charAt(i);
        return Character.isHighSurrogate(c)
            ? i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))
            : i > 0 && Character.isHighSurrogate(text.charAt(i - 1));
    }
}
