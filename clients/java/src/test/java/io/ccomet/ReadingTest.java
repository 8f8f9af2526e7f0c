package io.ccomet;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.fail;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import org.junit.Test;

/** Cursors, names, lines, tokens, addresses: what is read of texts and bytes. */
public class ReadingTest {
    private static final String ALL = "{\"a\":\"\u2604 \ud83d\ude00\"}\n\r\nb\r\n\n" + new String(new char[20_000]).replace('\0', '\u00e9') + "\nc";

    @Test
    public void cursor_is_read_as_it_is_written() {
        for (String text : new String[] { "e:0", "x:y:12", "\ud83d\ude00:123456789012345678", "start", "now" }) assertEquals(text, Cursor.parse(text).toString());
        assertSame(Cursor.START, Cursor.parse("start"));
        assertEquals(Cursor.parse("e:7"), Cursor.parse("e:7"));
        assertEquals(Cursor.parse("e:7").hashCode(), Cursor.parse("e:7").hashCode());
    }

    @Test
    public void what_is_no_cursor_is_named() {
        for (String text : new String[] { "", ":", "e:", ":1", "e:-1", "e:1x", "e:1234567890123456789", "e\n:1", "Start" }) {
            try {
                fail(Cursor.parse(text).toString());
            } catch (IllegalArgumentException expected) {
                assertEquals("text: '" + text + "' is no cursor; expected epoch:seqid, start or now.", expected.getMessage());
            }
        }
    }

    @Test
    public void bad_input_is_named() {
        String[][] wrong = {
            { "", "channel: is empty." }, { "a\u0085", "channel: has a control character." }, { "\ud800", "channel: has half of a surrogate pair." },
            { new String(new char[201]).replace('\0', 'x'), "channel: has 201 characters; at most 200 are allowed." }, { null, "channel: is null." },
        };
        CComet client = CComet.builder("http://127.0.0.1:1").build();
        for (String[] pair : wrong) {
            for (int i = 0; i < 2; i++) {
                try {
                    if (i == 0) client.subscribe(pair[0]);
                    else client.publish(pair[0], "x");
                    fail();
                } catch (IllegalArgumentException expected) {
                    assertEquals(pair[1], expected.getMessage());
                }
            }
        }

        try {
            client.subscribe("a", null);
            fail();
        } catch (IllegalArgumentException expected) {
            assertEquals("from: is null; give Cursor.START, Cursor.NOW or a saved cursor.", expected.getMessage());
        }

        client.close();
        try {
            client.subscribe("a");
            fail();
        } catch (IllegalStateException expected) {
            assertEquals("The client was closed.", expected.getMessage());
        }

        String[][] urls = {
            { null, "url: is null." }, { "push.example", "url: 'push.example' is not absolute; expected one like https://push.example." },
            { "ftp://x/", "url: 'ftp://x/' is no address of http or https." }, { "ws://x/", "url: 'ws://x/' is no address of http or https." },
            { "http:///x", "url: 'http:///x' has no host." }, { "http://u:p@x/", "url: has a user; give a token instead." },
            { "http://x/?a", "url: 'http://x/?a' has a query or a fragment." },
        };
        for (String[] pair : urls) {
            try {
                CComet.builder(pair[0]);
                fail(pair[0]);
            } catch (IllegalArgumentException expected) {
                assertEquals(pair[1], expected.getMessage());
            }
        }

        String[][] headers = { { "Authorization", "x" }, { "a b", "x" }, { "X-A", "x\r\ny: z" } };
        for (String[] pair : headers) {
            try {
                CComet.builder("http://x").header(pair[0], pair[1]);
                fail(pair[0]);
            } catch (IllegalArgumentException expected) {
                assertEquals(pair[1].length() > 1 ? "value:" : "name:", expected.getMessage().split(" ")[0]);
            }
        }
    }

    @Test
    public void lines_are_the_same_in_whatever_pieces_they_come() throws Exception {
        byte[] bytes = ALL.getBytes(StandardCharsets.UTF_8);
        List<String> expected = Arrays.asList("{\"a\":\"\u2604 \ud83d\ude00\"}", "", "b", "", new String(new char[20_000]).replace('\0', '\u00e9'));
        for (int size : new int[] { 1, 2, 3, 5, 7, 8191, 8192, 8193, bytes.length }) {
            LineReader reader = new LineReader(new InputStream() {
                private int at;

                @Override
                public int read() {
                    throw new UnsupportedOperationException();
                }

                @Override
                public int read(byte[] into, int from, int length) {
                    int count = Math.min(Math.min(size, length), bytes.length - at);
                    if (count == 0) return -1;
                    System.arraycopy(bytes, at, into, from, count);
                    at += count;
                    return count;
                }
            }, 100_000);
            List<String> lines = new ArrayList<>();
            for (String line; (line = reader.next()) != null;) lines.add(line);
            assertEquals("pieces of " + size, expected, lines);
        }
    }

    @Test
    public void line_that_is_too_long_is_told() throws Exception {
        try {
            new LineReader(new ByteArrayInputStream(new byte[200_000]), 100_000).next();
            fail();
        } catch (TooLongException expected) {
            assertEquals("A message has more than 100000 bytes.", expected.getMessage());
        }
    }

    @Test
    public void bytes_that_are_no_utf8_are_told() throws Exception {
        try {
            new LineReader(new ByteArrayInputStream(new byte[] { 'a', (byte) 0xc3, '\n' }), 100).next();
            fail();
        } catch (IOException expected) {
            assertEquals("What came is not UTF-8.", expected.getMessage());
        }
    }

    @Test
    public void life_of_a_token_is_read_of_its_claims() {
        long now = 1_000_000_000_000L;
        assertEquals(300_000, Tokens.life(jwt("{\"exp\":1000000300,\"iat\":1000000000}"), now));
        assertEquals(200_000, Tokens.life(jwt("{\"exp\":1000000300,\"iat\":1000000000}"), now + 100_000));
        assertEquals("by a clock that is fast", 300_000, Tokens.life(jwt("{\"exp\":1000000300,\"iat\":1000000000}"), now + 9_000_000));
        assertEquals("by a clock that is slow", 300_000, Tokens.life(jwt("{\"exp\":1000000300,\"iat\":1000000000}"), now - 9_000_000));
        assertEquals(300_000, Tokens.life(jwt("{\"exp\":1000000300.7}"), now));
        for (String token : new String[] { "", "a", "a.b", "a.b.c", jwt("{}"), jwt("[]"), jwt("{\"exp\":\"x\"}"), jwt("{\"exp\":-1}"), jwt("{\"exp\":1e300}"), "a.\u00e9.c" })
            assertEquals(token, 0, Tokens.life(token, now));
    }

    static String jwt(String claims) {
        return "e30." + Base64.getUrlEncoder().withoutPadding().encodeToString(claims.getBytes(StandardCharsets.UTF_8)) + ".sig";
    }

    @Test
    public void base64url_is_decoded_as_java_does() {
        for (int length = 0; length < 40; length++) {
            byte[] bytes = new byte[length];
            for (int i = 0; i < length; i++) bytes[i] = (byte) (i * 89 + length);
            assertEquals(Arrays.toString(bytes), Arrays.toString(Bytes.fromBase64Url(Base64.getUrlEncoder().withoutPadding().encodeToString(bytes))));
        }

        assertNull(Bytes.fromBase64Url("a+b"));
    }

    @Test
    public void retry_after_is_seconds_or_a_date() {
        assertEquals(7_000, Wire.pause(" 7 ", 0));
        assertEquals(3_600_000, Wire.pause("99999", 0));
        assertEquals(60_000, Wire.pause("Thu, 01 Jan 1970 00:01:00 GMT", 0));
        assertEquals(300_000, Wire.pause("Fri, 02 Jan 1970 00:00:00 GMT", 0));
        assertEquals(0, Wire.pause("Thu, 01 Jan 1970 00:01:00 GMT", 100_000));
        for (String text : new String[] { null, "", "x", "-1", "1.5" }) assertEquals(-1, Wire.pause(text, 0));
    }

    @Test
    public void redirect_is_followed_within_the_server_alone() throws Exception {
        Exchange.Request get = new Exchange.Request("GET", new URL("http://push.example/a/sub?x"));
        assertEquals("http://push.example/b", Wire.redirect(get, 302, "/b").toString());
        assertEquals("http://push.example:80/b", Wire.redirect(get, 302, "http://PUSH.example:80/b").toString().replace("PUSH", "push"));
        assertEquals("https://push.example/b", Wire.redirect(get, 301, "https://push.example/b").toString());
        for (String location : new String[] { null, "http://other.example/", "http://push.example:81/", "https://push.example:8443/", "http://u@push.example/", "nothing:x", "//other.example/" })
            assertNull(location, Wire.redirect(get, 302, location));
        get.body = new byte[0];
        assertNull("A POST must not become a GET.", Wire.redirect(get, 302, "/b"));
        assertEquals("http://push.example/b", Wire.redirect(get, 307, "/b").toString());
        assertNull("Nothing goes back to clear text.", Wire.redirect(new Exchange.Request("GET", new URL("https://push.example/")), 302, "http://push.example/"));
    }
}
