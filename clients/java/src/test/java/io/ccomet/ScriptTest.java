package io.ccomet;

import static io.ccomet.ScriptServer.cursor;
import static io.ccomet.ScriptServer.msg;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import io.ccomet.ScriptServer.Connection;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.After;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.Timeout;
import org.junit.runner.RunWith;
import org.junit.runners.Parameterized;

/**
 * One subscription against a server whose every byte is said here. Each test runs twice: over a socket of the client's own, as a JVM
 * does without TLS, and over HttpURLConnection, as Android does.
 */
@RunWith(Parameterized.class)
public class ScriptTest {
    @Rule
    public final Timeout timeout = Timeout.millis(ManualEnv.PATIENCE);

    private final boolean byUrlConnection;
    private final ManualEnv env = new ManualEnv();
    private final BlockingQueue<CCometException> errors = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> tokens = new LinkedBlockingQueue<>();
    private ScriptServer server;
    private CComet client;

    public ScriptTest(String name, boolean byUrlConnection) {
        this.byUrlConnection = byUrlConnection;
    }

    @Parameterized.Parameters(name = "{0}")
    public static Collection<Object[]> engines() {
        return Arrays.asList(new Object[][] { { "socket", false }, { "HttpURLConnection", true } });
    }

    @Before
    public void start() throws Exception {
        server = new ScriptServer();
        client = builder().build();
    }

    private CComet.Builder builder() {
        CComet.Builder builder = CComet.builder(server.url()).env(env).onError(errors::add);
        return byUrlConnection ? builder.onlyUrlConnection() : builder;
    }

    private void useTokens(String... given) {
        tokens.addAll(Arrays.asList(given));
        client = builder().silenceTimeout(10_000_000).token(() -> tokens.size() > 1 ? tokens.remove() : tokens.element()).build();
    }

    @After
    public void stop() throws Exception {
        client.close();
        server.close();
        env.joinAll();
    }

    private CCometException nextError() throws InterruptedException {
        CCometException error = errors.poll(ManualEnv.PATIENCE, TimeUnit.MILLISECONDS);
        assertTrue("No error was told.", error != null);
        return error;
    }

    private static void expect(Iterator<Message> messages, long from, String... texts) {
        for (int i = 0; i < texts.length; i++) {
            Message message = messages.next();
            assertEquals(texts[i], message.text());
            assertEquals(from + i, message.seqid());
        }
    }

    private void refused(Subscription subscription, int status, String code) {
        try {
            Message message = subscription.iterator().next();
            fail("Got " + message);
        } catch (RefusedException refused) {
            assertEquals(status + " " + code, refused.status() + " " + refused.code());
        }
    }

    @Test
    public void request_asks_for_the_cursor_and_for_what_may_not_be_held_back() throws Exception {
        client = builder().header("X-Mine", "1").token(() -> "t0").build();
        Subscription now = client.subscribe("a b&c/\u2604");
        Connection first = server.stream();
        assertEquals(Arrays.asList("a b&c/\u2604", null, null), Arrays.asList(first.one("channel"), first.one("seqid"), first.one("epoch")));
        assertEquals("Bearer t0", first.headers.get("Authorization"));
        assertEquals("1", first.headers.get("X-Mine"));
        assertEquals("identity", first.headers.get("Accept-Encoding"));
        assertEquals("application/x-ndjson", first.headers.get("Accept"));
        assertEquals("127.0.0.1:" + server.port(), first.headers.get("Host"));
        first.lines(cursor("a b&c/\u2604", "e", 5));
        assertEquals(new Cursor("e", 5), now.awaitOpened());
        assertEquals(new Cursor("e", 5), now.cursor());
        now.close();
        first.close();

        Subscription start = client.subscribe("a", Cursor.START);
        Connection second = server.stream();
        assertEquals(Arrays.asList("0", null), Arrays.asList(second.one("seqid"), second.one("epoch")));
        second.close();
        start.close();
        Subscription from = client.subscribe("a", Cursor.parse("e+1:7"));
        Connection third = server.stream();
        assertEquals(Arrays.asList("7", "e+1"), Arrays.asList(third.one("seqid"), third.one("epoch")));
        third.close();
        from.close();
    }

    @Test
    public void messages_come_in_order_and_once() throws Exception {
        Subscription s = client.subscribe("a", Cursor.START);
        Connection stream = server.stream();
        stream.chunk(cursor("e", 0) + "\n" + msg(0, "zero") + "\n" + msg(1, "one") + "\r\n\n" + msg(0, "again") + "\n");
        stream.lines("{\"type\":\"SIGN\",\"channel\":\"a\",\"sname\":\"bob\",\"msg\":\"SIGN\",\"seqid\":2,\"time\":7}");
        expect(s.iterator(), 0, "zero", "one");
        Message sign = s.iterator().next();
        assertEquals("SIGN bob a 2 7 e:3", sign.type() + " " + sign.sname() + " " + sign.channel() + " " + sign.seqid() + " " + sign.time() + " " + sign.cursor());
        assertEquals(sign.cursor(), s.cursor());
        assertNull(s.poll(0));
    }

    @Test
    public void stream_cut_at_any_byte_goes_on_without_loss_or_repetition() throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(Connection.STREAM_HEAD.getBytes(StandardCharsets.UTF_8));
        out.write(Connection.chunkOf(cursor("e", 0) + "\n"));
        out.write(Connection.chunkOf(msg(0, "\u2604 \ud83d\ude00") + "\n" + msg(1, "x")));
        out.write(Connection.chunkOf("\n" + msg(2, "y") + "\n"));
        byte[] bytes = out.toByteArray();
        // Where the head is cut, HttpURLConnection may ask again by itself: how often is the platform's affair.
        int first = byUrlConnection ? Connection.STREAM_HEAD.length() : 0;
        for (int cut = first; cut < bytes.length; cut++) {
            try (Subscription s = client.subscribe("a", Cursor.parse("e:0"))) {
                Connection broken = server.accept();
                broken.send(Arrays.copyOf(bytes, cut));
                if (cut % 2 == 0) broken.close();
                else broken.reset();
                nextError();
                env.fire(250);
                Connection next = server.stream();
                assertEquals("e", next.one("epoch"));
                int seqid = Integer.parseInt(next.one("seqid"));
                next.lines(cursor("e", seqid));
                String[] texts = { "\u2604 \ud83d\ude00", "x", "y", "z" };
                for (int i = seqid; i < 4; i++) next.lines(msg(i, texts[i]));
                expect(s.iterator(), 0, texts);
                next.close();
                nextError();
            }
        }
    }

    @Test
    public void trickle_of_single_bytes_is_read() throws Exception {
        Subscription s = client.subscribe("a", Cursor.START);
        Connection stream = server.stream();
        for (byte b : (cursor("e", 0) + "\n" + msg(0, "\u2604 \ud83d\ude00\u00e9") + "\n").getBytes(StandardCharsets.UTF_8))
            stream.send((byte) '1', (byte) '\r', (byte) '\n', b, (byte) '\r', (byte) '\n');
        expect(s.iterator(), 0, "\u2604 \ud83d\ude00\u00e9");
    }

    @Test
    public void pauses_grow_and_begin_again_after_a_connection_that_delivered() throws Exception {
        Subscription s = client.subscribe("a", Cursor.START);
        long[] pauses = { 250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000 };
        for (long pause : pauses) {
            Connection connection = server.stream();
            // A server that accepts and cuts has delivered nothing.
            connection.lines(cursor("e", 0)).close();
            assertEquals(pause, nextError().retryInMillis());
            env.fire(pause);
        }

        server.stream().lines(cursor("e", 0), msg(0, "x")).close();
        assertEquals(250, nextError().retryInMillis());
        expect(s.iterator(), 0, "x");
    }

    @Test
    public void retry_after_is_obeyed_in_seconds() throws Exception {
        Subscription s = client.subscribe("a", Cursor.START);
        int[] statuses = { 503, 429, 500, 502, 504, 408, 425 };
        for (int i = 0; i < statuses.length; i++) {
            server.accept().problem(statuses[i], "" + statuses[i], "Not now.", "Retry-After: 7");
            CCometException error = nextError();
            assertEquals(statuses[i] + " Not now. 7000", error.status() + " " + error.detail() + " " + error.retryAfterMillis());
            assertEquals(7_000 + Math.min(15_000, 250L << i), error.retryInMillis());
            env.fire(error.retryInMillis());
        }

        server.stream().lines(cursor("e", 0), msg(0, "x"));
        expect(s.iterator(), 0, "x");
    }

    @Test
    public void bye_is_obeyed() throws Exception {
        Subscription s = client.subscribe("a", Cursor.START);
        Connection first = server.stream().lines(cursor("e", 0), msg(0, "x"), "{\"type\":\"BYE\",\"retry\":1234}");
        env.fire(1_234);
        Connection second = server.stream();
        assertEquals("1", second.one("seqid"));
        second.lines(cursor("e", 1), msg(1, "y"));
        expect(s.iterator(), 0, "x", "y");
        assertTrue("A BYE is no error.", errors.isEmpty());
        first.awaitEnd();
    }

    @Test
    public void polls_go_on_over_cuts_and_refusals() throws Exception {
        client = (byUrlConnection ? builder().onlyUrlConnection() : builder()).transport(Transport.POLL).build();
        Subscription s = client.subscribe("a", Cursor.START);
        server.accept().json("[" + msg(0, "0") + "]", "CComet-Cursor: e:1");
        Connection held = server.accept();
        held.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCComet-Cursor: e:2\r\nContent-Length: 500\r\n\r\n[" + msg(1, "1"));
        held.close();
        nextError();
        env.fire(250);
        server.accept().problem(503, "503", "Not now.", "Retry-After: 1");
        env.fire(nextError().retryInMillis());
        Connection again = server.accept();
        assertEquals("1 e", again.one("seqid") + " " + again.one("epoch"));
        again.json("[" + msg(1, "1") + "," + msg(2, "2") + "]", "CComet-Cursor: e:3");
        server.accept().problem(403, "403", "No.");
        expect(s.iterator(), 0, "0", "1", "2");
        refused(s, 403, "403");
    }

    @Test
    public void gap_ends_the_iteration_with_the_cursor_to_go_on_from() throws Exception {
        Subscription s = client.subscribe("a", Cursor.parse("e:5"));
        server.stream().lines(cursor("e", 5), "{\"type\":\"GAP\",\"channel\":\"a\",\"epoch\":\"e\",\"from\":5,\"to\":19,\"seqid\":19}", msg(20, "x"));
        try {
            fail("Got " + s.iterator().next());
        } catch (GapException e) {
            assertEquals("5 19 false e:20", e.gap().from() + " " + e.gap().to() + " " + e.gap().reset() + " " + e.gap().cursor());
            assertEquals("Messages 5 to 19 of channel 'a' are no longer kept; go on from e:20.", e.getMessage());
        }

        assertFalse("It has ended.", s.iterator().hasNext());
        assertEquals(new Cursor("e", 20), s.cursor());
    }

    @Test
    public void gaps_are_told_in_order_where_they_are_handled() throws Exception {
        List<String> seen = new ArrayList<>();
        Subscription s = client.subscribe("a", Cursor.parse("e:5"), gap -> seen.add(gap.from() + "-" + gap.to() + (gap.reset() ? " reset " : " ") + gap.cursor()));
        server.stream().lines(cursor("e", 5), msg(5, "5"), "{\"type\":\"GAP\",\"channel\":\"a\",\"epoch\":\"e\",\"from\":6,\"to\":8,\"seqid\":8}", msg(9, "9"),
            // One that the server did not tell must not pass in silence either.
            msg(12, "12"), cursor("e", 15),
            "{\"type\":\"RESET\",\"channel\":\"a\",\"epoch\":\"f\",\"seqid\":0}", "{\"type\":\"GAP\",\"channel\":\"a\",\"epoch\":\"f\",\"from\":0,\"to\":2,\"seqid\":2}", msg(3, "3"));
        for (Message message : s) {
            seen.add(message.text() + " " + message.cursor());
            if (message.seqid() == 3) break;
        }

        assertEquals(Arrays.asList("5 e:6", "6-8 e:9", "9 e:10", "10-11 e:12", "12 e:13", "13-14 e:15", "15--1 reset f:0", "0-2 f:3", "3 f:4"), seen);
    }

    @Test
    public void start_takes_what_is_kept_without_a_gap() throws Exception {
        Subscription s = client.subscribe("a", Cursor.START);
        server.stream().lines(cursor("e", 0), "{\"type\":\"GAP\",\"channel\":\"a\",\"epoch\":\"e\",\"from\":0,\"to\":6,\"seqid\":6}", msg(7, "x"));
        expect(s.iterator(), 7, "x");
    }

    @Test
    public void reset_of_a_saved_cursor_is_told() throws Exception {
        Subscription s = client.subscribe("a", Cursor.parse("old:57"));
        server.stream().lines("{\"type\":\"RESET\",\"channel\":\"a\",\"epoch\":\"e\",\"seqid\":0}", cursor("e", 0), msg(0, "x"));
        try {
            fail("Got " + s.iterator().next());
        } catch (GapException e) {
            assertTrue(e.gap().reset());
            assertEquals("57 -1 e:0", e.gap().from() + " " + e.gap().to() + " " + e.gap().cursor());
        }
    }

    @Test
    public void another_epoch_without_reset_is_a_reset() throws Exception {
        Subscription s = client.subscribe("a", Cursor.parse("e:3"));
        server.stream().lines(cursor("f", 2));
        try {
            fail("Got " + s.iterator().next());
        } catch (GapException e) {
            assertEquals("true f:0", e.gap().reset() + " " + e.gap().cursor());
        }
    }

    @Test
    public void seqid_beyond_the_end_is_a_reset() throws Exception {
        Subscription s = client.subscribe("a", Cursor.START);
        server.accept().problem(409, "402", "seqid: 0 is beyond the end.");
        env.fire(250);
        Connection next = server.stream();
        assertEquals(Arrays.asList("0", null), Arrays.asList(next.one("seqid"), next.one("epoch")));
        next.lines(cursor("e", 0), msg(0, "x"));
        try {
            fail("Got " + s.iterator().next());
        } catch (GapException e) {
            assertEquals("true e:0", e.gap().reset() + " " + e.gap().cursor());
        }
    }

    @Test
    public void final_refusals_stop() throws Exception {
        for (int status : new int[] { 400, 401, 403, 404, 405, 413, 415, 431 }) {
            Subscription s = client.subscribe("a");
            server.accept().problem(status, "" + status, "channel: no.");
            refused(s, status, "" + status);
            try {
                s.awaitOpened();
                fail();
            } catch (RefusedException e) {
                assertEquals("channel: no. T p false", e.detail() + " " + e.title() + " " + e.parameter() + " " + e.replaced());
            }
        }

        assertTrue(errors.isEmpty());
        assertEquals("Nothing is tried again.", new ArrayList<Long>(), env.lengths());
    }

    @Test
    public void refusals_within_a_stream_stop() throws Exception {
        Subscription s = client.subscribe("a");
        server.stream().lines(cursor("e", 0), msg(0, "x"), "{\"type\":\"409\",\"reason\":\"A newer one.\",\"channel\":\"a\",\"sname\":\"n\",\"seqid\":1}");
        expect(s.iterator(), 0, "x");
        try {
            fail("Got " + s.iterator().next());
        } catch (RefusedException e) {
            assertEquals("409 true A newer one.", e.status() + " " + e.replaced() + " " + e.detail());
        }

        Subscription revoked = client.subscribe("a");
        server.stream().lines(cursor("e", 0), "{\"type\":\"403\",\"reason\":\"channel: the right was revoked.\"}");
        refused(revoked, 403, "403");
        Subscription closed = client.subscribe("a");
        server.stream().lines(cursor("e", 0), "{\"type\":\"CLOSE\",\"channel\":\"a\"}");
        assertFalse("A closed channel ends the loop, as the client's own close does.", closed.iterator().hasNext());
    }

    @Test
    public void token_that_is_refused_is_renewed_once() throws Exception {
        useTokens("t1", "t2", "t3");
        Subscription s = client.subscribe("a", Cursor.START);
        Connection first = server.accept();
        assertEquals("Bearer t1", first.headers.get("Authorization"));
        first.problem(401, "401", "token: has expired.", "WWW-Authenticate: Bearer realm=\"ccomet\", error=\"invalid_token\"");
        assertEquals(0, nextError().retryInMillis());
        Connection second = server.accept();
        assertEquals("Bearer t2", second.headers.get("Authorization"));
        second.send(Connection.STREAM_HEAD);
        second.lines(cursor("e", 0), msg(0, "x"), "{\"type\":\"401\",\"reason\":\"token: no.\"}");
        Connection third = server.accept();
        assertEquals("Bearer t3", third.headers.get("Authorization"));
        third.problem(401, "401", "token: no.");
        expect(s.iterator(), 0, "x");
        refused(s, 401, "401");
    }

    @Test
    public void token_source_that_throws_is_tried_again() throws Exception {
        BlockingQueue<RuntimeException> failures = new LinkedBlockingQueue<>();
        failures.add(new IllegalStateException("logged out"));
        client = builder().token(() -> {
            RuntimeException failure = failures.poll();
            if (failure != null) throw failure;
            return "t";
        }).build();
        Subscription s = client.subscribe("a", Cursor.START);
        CCometException error = nextError();
        assertEquals("token No token could be had: java.lang.IllegalStateException: logged out", error.code() + " " + error.detail());
        env.fire(250);
        server.stream().lines(cursor("e", 0), msg(0, "x"));
        expect(s.iterator(), 0, "x");
    }

    @Test
    public void token_that_would_add_a_header_is_no_token() throws Exception {
        useTokens("t\r\nX-Evil: 1", "t");
        client.subscribe("a");
        assertEquals("token", nextError().code());
        env.fire(250);
        assertEquals("Bearer t", server.stream().headers.get("Authorization"));
    }

    @Test
    public void stream_is_renewed_before_its_rights_end() throws Exception {
        useTokens("t1", "t2");
        Subscription s = client.subscribe("a", Cursor.START);
        Connection old = server.stream();
        old.lines(cursor("e", 0).replace("}", ",\"expires\":" + (env.wallTime() + 100_000) + "}"), msg(0, "x"));
        expect(s.iterator(), 0, "x");
        env.fire(75_000);
        Connection next = server.accept();
        assertEquals("Bearer t2", next.headers.get("Authorization"));
        assertEquals("1", next.one("seqid"));
        // The old one goes on until the new one has begun.
        old.lines(msg(1, "y"));
        expect(s.iterator(), 1, "y");
        next.send(Connection.STREAM_HEAD);
        next.lines(cursor("e", 1), msg(1, "y"), msg(2, "z"));
        expect(s.iterator(), 2, "z");
        if (byUrlConnection) old.lines(msg(2, "z"));
        old.awaitEnd();
        assertTrue(errors.isEmpty());
    }

    @Test
    public void renewal_that_fails_is_tried_again_while_the_old_stream_goes_on() throws Exception {
        useTokens("t1", "t2");
        Subscription s = client.subscribe("a", Cursor.START);
        Connection old = server.stream();
        old.lines(cursor("e", 0).replace("}", ",\"expires\":" + (env.wallTime() + 100_000) + "}"), msg(0, "x"));
        env.fire(75_000);
        server.accept().problem(503, "503", "Draining.", "Retry-After: 3");
        CCometException error = nextError();
        assertEquals(3_250, error.retryInMillis());
        old.lines(msg(1, "y"));
        expect(s.iterator(), 0, "x", "y");
        env.fire(3_250);
        Connection next = server.stream().lines(cursor("e", 2), msg(2, "z"));
        assertEquals("2", next.one("seqid"));
        expect(s.iterator(), 2, "z");
    }

    @Test
    public void bye_of_an_expired_token_takes_a_new_one() throws Exception {
        useTokens(ReadingTest.jwt("{\"exp\":9000000000,\"iat\":8999990000}"), "t2");
        Subscription s = client.subscribe("a", Cursor.START);
        server.stream().lines(cursor("e", 0), msg(0, "x"), "{\"type\":\"BYE\",\"reason\":\"expired\",\"retry\":10}");
        env.fire(10);
        assertEquals("Bearer t2", server.stream().lines(cursor("e", 1), msg(1, "y")).headers.get("Authorization"));
        expect(s.iterator(), 0, "x", "y");
    }

    @Test
    public void answer_that_is_none_of_ccomet_is_tried_again() throws Exception {
        Subscription s = client.subscribe("a", Cursor.START);
        server.accept().answer("200 OK", "text/html", "<html>Please log in to the hotel.</html>");
        assertEquals("The answer is no stream of CComet.", nextError().detail());
        env.fire(250);
        server.accept().answer("302 Found", "text/html", "", "Location: http://login.example/");
        assertEquals("The answer is a redirect to another server, which is not followed (HTTP 302).", nextError().detail());
        env.fire(500);
        server.stream().lines("garbage");
        assertTrue(nextError().detail().startsWith("The JSON is wrong"));
        env.fire(1_000);
        server.accept().answer("307 Moved", "text/html", "", "Location: /below/stream?channel=a&seqid=0");
        Connection moved = server.accept();
        assertEquals("/below/stream", moved.path);
        moved.send(Connection.STREAM_HEAD);
        moved.lines(cursor("e", 0), msg(0, "x"));
        expect(s.iterator(), 0, "x");
    }

    @Test
    public void message_of_eight_mebibytes_comes_and_one_above_the_limit_is_told() throws Exception {
        char[] chars = new char[Wire.MAX_MESSAGE];
        Arrays.fill(chars, 'x');
        String longest = new String(chars);
        Subscription s = client.subscribe("a", Cursor.START);
        Connection stream = server.stream();
        stream.lines(cursor("e", 0), msg(0, longest));
        assertEquals(longest, s.iterator().next().text());
        stream.lines(msg(1, longest + "x"));
        try {
            fail("Got " + s.iterator().next().seqid());
        } catch (RefusedException e) {
            assertEquals("size Message 1 of channel 'a' is longer than 8 MiB.", e.code() + " " + e.detail());
        }
    }

    @Test
    public void reconnect_skips_the_pause_and_opens_anew_what_is_open() throws Exception {
        Subscription s = client.subscribe("a", Cursor.START);
        server.accept().problem(503, "503", "No.", "Retry-After: 1000");
        env.awaitTimer(nextError().retryInMillis());
        client.reconnect();
        Connection old = server.stream().lines(cursor("e", 0), msg(0, "x"));
        expect(s.iterator(), 0, "x");
        client.reconnect();
        Connection next = server.stream();
        assertEquals("1", next.one("seqid"));
        next.lines(cursor("e", 1), msg(1, "y"));
        expect(s.iterator(), 1, "y");
        if (byUrlConnection) old.lines(msg(1, "y"));
        old.awaitEnd();
    }

    @Test
    public void close_of_the_subscription_or_the_client_ends_the_iteration() throws Exception {
        for (int i = 0; i < 2; i++) {
            Subscription s = client.subscribe("a", Cursor.START);
            Connection stream = server.stream().lines(cursor("e", 0), msg(0, "x"));
            expect(s.iterator(), 0, "x");
            Thread closer = new Thread(i == 0 ? s::close : client::close);
            closer.start();
            assertFalse(s.iterator().hasNext());
            assertNull(s.poll(1_000));
            closer.join();
            if (byUrlConnection) stream.close();
            else stream.awaitEnd();
        }
    }

    @Test
    public void interrupt_ends_the_wait_and_not_the_subscription() throws Exception {
        Subscription s = client.subscribe("a", Cursor.START);
        Connection stream = server.stream().lines(cursor("e", 0));
        s.awaitOpened();
        Thread.currentThread().interrupt();
        try {
            fail("Got " + s.iterator().next());
        } catch (CCometException e) {
            assertSame(InterruptedException.class, e.getCause().getClass());
            assertTrue("The thread stays interrupted.", Thread.interrupted());
        }

        stream.lines(msg(0, "x"));
        expect(s.iterator(), 0, "x");
    }
}
