package io.ccomet;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** One object of the wire: a message or a notice. */
final class Item {
    final String type;
    private final Map<String, Object> members;
    private final String rawMsg;

    private Item(Map<String, Object> members, String rawMsg) throws JsonException {
        Object type = members.get("type");
        if (!(type instanceof String)) throw new JsonException("What came has no type.");
        this.type = (String) type;
        this.members = members;
        this.rawMsg = rawMsg;
    }

    /** Reads a line of a stream. */
    static Item read(String line) throws JsonException {
        JsonReader reader = new JsonReader(line);
        Item item = read(reader);
        reader.end();
        return item;
    }

    /** Reads the array that a poll or a publish is answered with. */
    static List<Item> readAll(String text) throws JsonException {
        JsonReader reader = new JsonReader(text);
        List<Item> items = new ArrayList<Item>();
        reader.expect('[');
        if (!reader.skip(']')) {
            do {
                items.add(read(reader));
            } while (reader.skip(','));
            reader.expect(']');
        }

        reader.end();
        return items;
    }

    private static Item read(JsonReader reader) throws JsonException {
        Map<String, Object> members = new HashMap<String, Object>();
        String rawMsg = null;
        reader.expect('{');
        if (!reader.skip('}')) {
            do {
                if (reader.peek() != '"') throw new JsonException("A member of what came has no name.");
                String name = reader.string();
                reader.expect(':');
                reader.peek();
                int from = reader.position();
                Object value = reader.value(1);
                if (name.equals("msg") && !(value instanceof String)) rawMsg = reader.slice(from);
                members.put(name, value);
            } while (reader.skip(','));
            reader.expect('}');
        }

        return new Item(members, rawMsg);
    }

    Object get(String name) {
        return members.get(name);
    }

    Object msg() {
        return members.get("msg");
    }

    /** The JSON text of a msg that is no string; null when it is a string or there is none. */
    String rawMsg() {
        return rawMsg;
    }

    String text(String name) {
        Object value = members.get(name);
        return value instanceof String ? (String) value : null;
    }

    long number(String name, long otherwise) {
        Object value = members.get(name);
        return value instanceof Long ? (Long) value : otherwise;
    }

    /** A number of the wire that must be there. */
    long required(String name) throws JsonException {
        long value = number(name, -1);
        if (value < 0) throw new JsonException("A " + Names.shorten(type) + " came without " + name + ".");
        return value;
    }

    boolean isTrue(String name) {
        return Boolean.TRUE.equals(members.get(name));
    }

    /** Whether this is a refusal that came in place of a message. */
    boolean isRefusal() {
        return type.length() == 3 && (type.charAt(0) == '4' || type.charAt(0) == '5') && Character.isDigit(type.charAt(1)) && Character.isDigit(type.charAt(2));
    }

    CCometException refusal() {
        int status = type.equals("402") ? 409 : Integer.parseInt(type);
        String reason = text("reason");
        return new CCometException(status, type, reason == null ? "The server has refused the request (" + type + ")." : reason, null);
    }
}
