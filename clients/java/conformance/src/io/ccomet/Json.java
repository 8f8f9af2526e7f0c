package io.ccomet;

import java.io.IOException;

/** The client's own JSON, which its jar does not offer to applications, for the adapter. */
public final class Json {
    private Json() {
    }

    /**
     * Reads a value.
     *
     * @param text its JSON
     * @return the value
     * @throws IOException the text is no JSON
     */
    public static Object read(String text) throws IOException {
        return JsonReader.read(text);
    }

    /**
     * Writes a value.
     *
     * @param value what JSON has
     * @return its JSON
     */
    public static String write(Object value) {
        return JsonWriter.write(value);
    }
}
