package io.ccomet;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import java.math.BigDecimal;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.Test;

public class JsonTest {
    @Test
    public void reads_every_kind_of_value() throws Exception {
        Object value = JsonReader.read(" {\"a\":[1,-2.5,1e3,true,false,null,\"\"],\"b\":{\"c\":9223372036854775807},\"d\":9223372036854775808}\r\n");
        Map<String, Object> expected = new LinkedHashMap<>();
        expected.put("a", Arrays.asList(1L, -2.5, 1000.0, true, false, null, ""));
        expected.put("b", Collections.singletonMap("c", Long.MAX_VALUE));
        expected.put("d", 9.223372036854775808e18);
        assertEquals(expected, value);
    }

    @Test
    public void reads_escapes() throws Exception {
        assertEquals("a\"\\/\b\f\n\r\t\u00e9\ud83d\ude00", JsonReader.read("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00E9\\ud83d\\uDE00\""));
    }

    @Test
    public void refuses_what_is_no_json() {
        String[] wrong = {
            "", " ", "{", "[", "[1", "[1,", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "'a'", "\"a", "\"\\x\"", "\"\\u12g4\"", "\"\\u\uff11111\"", "\"\n\"", "\"\\",
            "01", "-", "1.", ".5", "1e", "+1", "tru", "nul", "NaN", "1 2", "[]]", "{} x", "/**/1", "\u00a01",
        };
        for (String text : wrong) {
            try {
                Object value = JsonReader.read(text);
                fail(text + " was read as " + value);
            } catch (JsonException expected) {
                assertTrue(expected.getMessage(), expected.getMessage().startsWith("The JSON is"));
            }
        }
    }

    @Test
    public void bounds_the_depth() throws Exception {
        JsonReader.read(nested(JsonReader.MAX_DEPTH));
        try {
            JsonReader.read(nested(100_000));
            fail();
        } catch (JsonException expected) {
            assertEquals("The JSON is nested deeper than 100 levels.", expected.getMessage());
        }
    }

    private static String nested(int depth) {
        return String.join("", Collections.nCopies(depth, "[")) + String.join("", Collections.nCopies(depth, "]"));
    }

    @Test
    public void writes_what_it_reads() throws Exception {
        Map<String, Object> value = new LinkedHashMap<>();
        value.put("text", "\u0000\"\\\n\u00e9\ud83d\ude00\u2028");
        value.put("list", Arrays.asList(1, 2L, 2.5f, new BigDecimal("1E+400"), true, null, new Object[] { "x" }));
        assertEquals("{\"text\":\"\\u0000\\\"\\\\\\u000a\u00e9\ud83d\ude00\u2028\",\"list\":[1,2,2.5,1E+400,true,null,[\"x\"]]}", JsonWriter.write(value));
        assertEquals(value.get("text"), ((Map<?, ?>) JsonReader.read(JsonWriter.write(value))).get("text"));
    }

    @Test
    public void tells_what_cannot_be_written() {
        Map<Object, Object> self = new LinkedHashMap<>();
        self.put("self", self);
        Object[][] wrong = {
            { Double.NaN, "msg: NaN is no number of JSON." },
            { Float.POSITIVE_INFINITY, "msg: Infinity is no number of JSON." },
            { new StringBuilder("\ud800"), "msg: has half of a surrogate pair at character 0." },
            { "a\udc00", "msg: has half of a surrogate pair at character 1." },
            { Collections.singletonMap(1, 2), "msg: the key 1 of a Map is no String." },
            { self, "msg: is nested deeper than 62 levels, or contains itself." },
            { new Thread[0].getClass(), "msg: a java.lang.Class cannot be written as JSON; give a String, Number, Boolean, Map, Collection, Object[] or null." },
        };
        for (Object[] pair : wrong) {
            try {
                fail(JsonWriter.write(pair[0]));
            } catch (IllegalArgumentException expected) {
                assertEquals(pair[1], expected.getMessage());
            }
        }
    }

    @Test
    public void items_keep_the_text_of_what_was_published() throws Exception {
        Item item = Item.read("{\"type\":\"MSG\",\"msg\": {\"n\": 1.10} ,\"seqid\":3}");
        assertEquals("{\"n\": 1.10}", item.rawMsg());
        Message message = new Message("a", item, new Cursor("e", 4));
        assertEquals("{\"n\": 1.10}", message.text());
        assertEquals("{\"n\": 1.10}", message.json());
        assertEquals(Collections.singletonMap("n", 1.1), message.value());
        Message text = new Message("a", Item.read("{\"type\":\"MSG\",\"msg\":\"x\\\"\",\"user\":\"ann\"}"), new Cursor("e", 4));
        assertEquals("x\"", text.text());
        assertEquals("\"x\\\"\"", text.json());
        assertEquals("ann", text.member("user"));
        assertNull(text.sname());
        List<Item> items = Item.readAll("[{\"type\":\"A\",\"msg\":null},{\"type\":\"B\"}]\n");
        assertEquals("null", items.get(0).rawMsg());
        assertNull(items.get(1).rawMsg());
        assertTrue(Item.readAll(" [ ] ").isEmpty());
    }

    @Test
    public void items_without_type_are_refused() {
        for (String text : new String[] { "{}", "{\"type\":1}", "[]", "1", "{\"type\":\"A\"} {}", "{\"type\":\"A\",}" }) {
            try {
                Item.read(text);
                fail(text);
            } catch (JsonException expected) {
                assertTrue(expected.getMessage().length() > 0);
            }
        }
    }
}
