package io.ccomet;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads JSON (RFC 8259), strictly: no comments, no trailing commas, no bare control characters in strings, nothing behind the value.
 * Depth is bounded here; the caller bounds the length of the text.
 */
final class JsonReader {
    /** The server allows 62 levels in a message, which itself is in an object in an array. */
    static final int MAX_DEPTH = 100;

    private final String text;
    private int at;

    JsonReader(String text) {
        this.text = text;
    }

    /** Reads one value, and nothing behind it. */
    static Object read(String text) throws JsonException {
        JsonReader reader = new JsonReader(text);
        Object value = reader.value(0);
        reader.end();
        return value;
    }

    int position() {
        return at;
    }

    String slice(int from) {
        return text.substring(from, at);
    }

    void end() throws JsonException {
        space();
        if (at < text.length()) throw wrong("nothing more");
    }

    /** Consumes white space and looks at the next character; 0 at the end. */
    char peek() {
        space();
        return at < text.length() ? text.charAt(at) : 0;
    }

    void expect(char c) throws JsonException {
        if (peek() != c || at >= text.length()) throw wrong("'" + c + "'");
        at++;
    }

    /** Consumes {@code c} if it is next. */
    boolean skip(char c) {
        if (peek() != c || at >= text.length()) return false;
        at++;
        return true;
    }

    Object value(int depth) throws JsonException {
        if (depth > MAX_DEPTH) throw new JsonException("The JSON is nested deeper than " + MAX_DEPTH + " levels.");
        switch (peek()) {
            case '{': return object(depth);
            case '[': return array(depth);
            case '"': return string();
            case 't': return word("true", Boolean.TRUE);
            case 'f': return word("false", Boolean.FALSE);
            case 'n': return word("null", null);
            default: return number();
        }
    }

    String string() throws JsonException {
        expect('"');
        int from = at;
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c == '"') return text.substring(from, at++);
            if (c == '\\') return escaped(from);
            if (c < 0x20) throw wrong("no control character");
            at++;
        }

        throw wrong("'\"'");
    }

    private String escaped(int from) throws JsonException {
        StringBuilder builder = new StringBuilder(Math.min(text.length() - from, 256)).append(text, from, at);
        while (at < text.length()) {
            char c = text.charAt(at++);
            if (c == '"') return builder.toString();
            if (c < 0x20) throw wrong("no control character");
            builder.append(c == '\\' ? escape() : c);
        }

        throw wrong("'\"'");
    }

    private char escape() throws JsonException {
        char c = at < text.length() ? text.charAt(at++) : 0;
        switch (c) {
            case '"': case '\\': case '/': return c;
            case 'b': return '\b';
            case 'f': return '\f';
            case 'n': return '\n';
            case 'r': return '\r';
            case 't': return '\t';
            case 'u': return unicode();
            default: throw wrong("an escape");
        }
    }

    private char unicode() throws JsonException {
        int code = 0;
        for (int i = 0; i < 4; i++) {
            char c = at < text.length() ? text.charAt(at) : 0;
            int digit = c < 0x80 ? Character.digit(c, 16) : -1;
            if (digit < 0) throw wrong("four hexadecimal digits");
            code = code * 16 + digit;
            at++;
        }

        return (char) code;
    }

    private Map<String, Object> object(int depth) throws JsonException {
        expect('{');
        Map<String, Object> members = new LinkedHashMap<String, Object>();
        if (skip('}')) return members;
        do {
            if (peek() != '"') throw wrong("a name");
            String name = string();
            expect(':');
            members.put(name, value(depth + 1));
        } while (skip(','));
        expect('}');
        return members;
    }

    private List<Object> array(int depth) throws JsonException {
        expect('[');
        List<Object> elements = new ArrayList<Object>();
        if (skip(']')) return elements;
        do {
            elements.add(value(depth + 1));
        } while (skip(','));
        expect(']');
        return elements;
    }

    private Object word(String word, Object value) throws JsonException {
        if (!text.startsWith(word, at)) throw wrong("a value");
        at += word.length();
        return value;
    }

    private Number number() throws JsonException {
        int from = at;
        if (at < text.length() && text.charAt(at) == '-') at++;
        int digits = at;
        if (digits() > 1 && text.charAt(digits) == '0') throw wrong("no leading zero");
        boolean integral = true;
        if (at < text.length() && text.charAt(at) == '.') {
            at++;
            digits();
            integral = false;
        }

        if (at < text.length() && (text.charAt(at) == 'e' || text.charAt(at) == 'E')) {
            at++;
            if (at < text.length() && (text.charAt(at) == '+' || text.charAt(at) == '-')) at++;
            digits();
            integral = false;
        }

        String number = slice(from);
        if (integral && number.length() <= 20) {
            try {
                return Long.valueOf(number);
            } catch (NumberFormatException beyondLong) {
                return Double.valueOf(number);
            }
        }

        return Double.valueOf(number);
    }

    /** Consumes at least one digit, and counts them. */
    private int digits() throws JsonException {
        int from = at;
        while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') at++;
        if (at == from) throw wrong(from == 0 || text.length() == from ? "a value" : "a digit");
        return at - from;
    }

    private void space() {
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c != ' ' && c != '\t' && c != '\r' && c != '\n') return;
            at++;
        }
    }

    private JsonException wrong(String expected) {
        return new JsonException("The JSON is wrong at character " + at + ": expected " + expected + ".");
    }
}
