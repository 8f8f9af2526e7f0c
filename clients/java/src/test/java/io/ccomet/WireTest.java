package io.ccomet;

import static io.ccomet.ScriptServer.cursor;
import static io.ccomet.ScriptServer.msg;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotEquals;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import io.ccomet.ScriptServer.Connection;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.After;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.Timeout;

/** Several channels, polls, publishing and listeners against a server whose every byte is said here. */
public class WireTest {
    @Rule
    public final Timeout timeout = Timeout.millis(ManualEnv.PATIENCE);

    private final ManualEnv env = new ManualEnv();
    private final BlockingQueue<CCometException> errors = new LinkedBlockingQueue<>();
    private ScriptServer server;
    private CComet client;

    @Before
    public void start() throws Exception {
        server = new ScriptServer();
        client = builder().build();
    }

    private CComet.Builder builder() {
        return CComet.builder(server.url()).env(env).silenceTimeout(10_000_000).onError(errors::add);
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

    private static void expect(Subscription subscription, String... texts) {
        for (String text : texts) assertEquals(text, subscription.iterator().next().text());
    }

    private static <T> FutureTask<T> start(Callable<T> work) {
        FutureTask<T> task = new FutureTask<>(work);
        Thread thread = new Thread(task, "test");
        thread.setDaemon(true);
        thread.start();
        return task;
    }

    // Several channels.

    @Test
    public void subscriptions_made_together_share_one_request() throws Exception {
        env.immediate = 0;
        Subscription a = client.subscribe("a", Cursor.START);
        Subscription b = client.subscribe("b");
        Subscription c = client.subscribe("c", Cursor.parse("f:9"));
        env.fire(5);
        Connection stream = server.stream();
        assertEquals(Arrays.asList("a", "b", "c"), stream.all("channel"));
        assertEquals(Arrays.asList("0", "", "9"), stream.all("seqid"));
        assertEquals(Arrays.asList("", "", "f"), stream.all("epoch"));
        stream.lines(cursor("a", "e", 0), cursor("b", "g", 4), cursor("c", "f", 9), msg("c", 9, "c9"), msg("a", 0, "a0"), msg("other", 3, "?"), msg("b", 4, "b4"));
        expect(a, "a0");
        expect(b, "b4");
        expect(c, "c9");
    }

    @Test
    public void subscription_added_later_joins_without_loss_or_repetition() throws Exception {
        Subscription a = client.subscribe("a", Cursor.START);
        Connection old = server.stream().lines(cursor("a", "e", 0), msg("a", 0, "0"));
        expect(a, "0");
        Subscription b = client.subscribe("b", Cursor.START);
        Connection next = server.accept();
        assertEquals(Arrays.asList("a", "b"), next.all("channel"));
        assertEquals(Arrays.asList("1", "0"), next.all("seqid"));
        assertEquals(Arrays.asList("e", ""), next.all("epoch"));
        old.lines(msg("a", 1, "1"), msg("a", 2, "2"));
        expect(a, "1", "2");
        next.send(Connection.STREAM_HEAD);
        next.lines(cursor("a", "e", 1), cursor("b", "g", 0), msg("a", 1, "1"), msg("b", 0, "b0"), msg("a", 2, "2"), msg("a", 3, "3"));
        expect(a, "3");
        expect(b, "b0");
        old.awaitEnd();
        b.close();
        Connection alone = server.stream();
        assertEquals(Arrays.asList("a"), alone.all("channel"));
        assertEquals("4", alone.one("seqid"));
        alone.lines(cursor("a", "e", 4), msg("a", 4, "4"));
        expect(a, "4");
        next.awaitEnd();
    }

    @Test
    public void channel_that_is_refused_does_not_disturb_the_others() throws Exception {
        Subscription a = client.subscribe("a", Cursor.START);
        Connection old = server.stream().lines(cursor("a", "e", 0), msg("a", 0, "0"));
        Subscription b = client.subscribe("b");
        server.accept().problem(403, "403", "channel: you have no right to subscribe to 'b'.");
        Connection alone = server.accept();
        assertEquals("/sub b 0", alone.path + " " + alone.one("channel") + " " + alone.one("wait"));
        alone.problem(403, "403", "channel: you have no right to subscribe to 'b'.");
        try {
            fail("Got " + b.iterator().next());
        } catch (RefusedException e) {
            assertEquals("channel: you have no right to subscribe to 'b'.", e.detail());
        }

        old.lines(msg("a", 1, "1"));
        expect(a, "0", "1");
    }

    @Test
    public void those_refused_together_are_asked_for_alone() throws Exception {
        env.immediate = 0;
        Subscription a = client.subscribe("a", Cursor.parse("e:1"));
        Subscription b = client.subscribe("b", Cursor.parse("e:1"));
        env.fire(5);
        server.accept().problem(403, "403", "No.");
        server.accept().json("[" + msg("a", 1, "1") + "]", "CComet-Cursor: e:2");
        server.accept().problem(403, "403", "No.");
        Connection rest = server.stream();
        assertEquals(Arrays.asList("a"), rest.all("channel"));
        assertEquals("2", rest.one("seqid"));
        rest.lines(cursor("a", "e", 2), msg("a", 2, "2"));
        expect(a, "1", "2");
        try {
            fail("Got " + b.iterator().next());
        } catch (RefusedException e) {
            assertEquals(403, e.status());
        }
    }

    @Test
    public void sixty_fifth_channel_and_a_channel_twice_get_another_connection() throws Exception {
        env.immediate = 0;
        for (int i = 0; i < 65; i++) client.subscribe("c" + i);
        client.subscribe("c0", Cursor.START);
        env.awaitTimer(5);
        env.advance(5);
        Connection one = server.stream();
        Connection two = server.stream();
        assertEquals(new HashSet<>(Arrays.asList(64, 2)), new HashSet<>(Arrays.asList(one.all("channel").size(), two.all("channel").size())));
    }

    @Test
    public void channel_that_is_not_taken_does_not_hold_up_the_others() throws Exception {
        env.immediate = 0;
        Subscription slow = client.subscribe("slow", Cursor.START);
        Subscription fast = client.subscribe("fast", Cursor.START);
        env.fire(5);
        Connection shared = server.stream().lines(cursor("slow", "e", 0), cursor("fast", "f", 0));
        // The event of the opening and 255 messages fill the buffer.
        for (int i = 0; i < 255; i++) shared.lines(msg("slow", i, "" + i));
        shared.lines(msg("slow", 255, "255"), msg("fast", 0, "f0"));
        env.fire(Follower.SLOW);
        expect(fast, "f0");
        env.fire(5);
        Connection first = server.stream();
        Connection second = server.stream();
        Connection alone = first.one("channel").equals("slow") ? first : second;
        Connection rest = alone == first ? second : first;
        assertEquals("slow 255 fast 1", alone.one("channel") + " " + alone.one("seqid") + " " + rest.one("channel") + " " + rest.one("seqid"));
        alone.lines(cursor("slow", "e", 255), msg("slow", 255, "255"));
        for (int i = 0; i < 256; i++) expect(slow, "" + i);
    }

    @Test
    public void buffer_is_bounded_and_holds_up_the_socket() throws Exception {
        Subscription s = client.subscribe("a", Cursor.START);
        Connection stream = server.stream().lines(cursor("e", 0));
        int count = 20_000;
        FutureTask<Void> writing = start(() -> {
            for (int i = 0; i < count; i++) stream.lines(msg(i, new String(new char[500]).replace('\0', 'x')));
            return null;
        });
        Message first = s.iterator().next();
        assertEquals(0, first.seqid());
        // 10 MB are more than sockets hold: it can end only when they are taken.
        assertFalse(writing.isDone());
        for (int i = 1; i < count; i++) {
            assertEquals(i, s.iterator().next().seqid());
            assertTrue(s.waiting() <= Follower.CAPACITY);
        }

        writing.get();
    }

    // Polls.

    @Test
    public void stream_that_does_not_begin_gives_way_to_polls_for_five_minutes() throws Exception {
        Subscription s = client.subscribe("a", Cursor.START);
        Connection held = server.stream();
        env.fire(10_000);
        assertEquals("The stream did not begin within 10000 ms.", nextError().detail());
        held.awaitEnd();
        Connection first = server.accept();
        assertEquals("/sub 0 0", first.path + " " + first.one("seqid") + " " + first.one("wait"));
        first.json("[" + msg(0, "0") + "]", "CComet-Cursor: e:1");
        Connection second = server.accept();
        assertEquals("1 e 28", second.one("seqid") + " " + second.one("epoch") + " " + second.one("wait"));
        expect(s, "0");
        env.advance(30_000);
        second.json("[]", "CComet-Cursor: e:1");
        Connection third = server.accept();
        env.advance(Flight.POLL_TIMEOUT);
        CCometException lost = nextError();
        assertEquals("The poll was not answered within 60000 ms.", lost.detail());
        third.awaitEnd();
        env.fire(lost.retryInMillis());
        Connection fourth = server.accept();
        assertEquals("/sub 1 0", fourth.path + " " + fourth.one("seqid") + " " + fourth.one("wait"));
        fourth.json("[" + msg(1, "1") + "]", "CComet-Cursor: e:2");
        expect(s, "1");
    }

    @Test
    public void stream_that_gets_through_again_takes_over_from_the_polls() throws Exception {
        Subscription s = client.subscribe("a", Cursor.START);
        server.stream();
        env.fire(10_000);
        server.accept().json("[]", "CComet-Cursor: e:0");
        for (int i = 0; i < 10; i++) {
            Connection poll = server.accept();
            env.advance(29_000);
            poll.json("[" + msg(i, "" + i) + "]", "CComet-Cursor: e:" + (i + 1));
            expect(s, "" + i);
        }

        Connection poll = server.accept();
        env.advance(10_000);
        Connection stream = server.stream();
        assertEquals("10", stream.one("seqid"));
        stream.lines(cursor("e", 10), msg(10, "10"));
        expect(s, "10");
        poll.awaitEnd();
    }

    @Test
    public void stream_that_falls_silent_is_opened_anew() throws Exception {
        client = builder().silenceTimeout(40_000).firstByteTimeout(80_000_000).build();
        Subscription s = client.subscribe("a", Cursor.START);
        Connection silent = server.stream().lines(cursor("e", 0), msg(0, "0"));
        expect(s, "0");
        FutureTask<Connection> accepting = start(() -> server.stream());
        // When exactly the reader begins to wait again is not seen from here: the clock runs until it has lost patience.
        while (!accepting.isDone()) {
            env.advance(1_000);
            Thread.yield();
        }

        assertEquals("The stream was silent for 40000 ms.", nextError().detail());
        silent.awaitEnd();
        Connection next = accepting.get().lines(cursor("e", 1), msg(1, "1"));
        assertEquals("1", next.one("seqid"));
        expect(s, "1");
    }

    @Test
    public void polls_follow_several_channels_over_gap_and_reset() throws Exception {
        env.immediate = 0;
        client = builder().transport(Transport.POLL).build();
        List<String> gaps = new ArrayList<>();
        Subscription a = client.subscribe("a", Cursor.parse("e:1"), gap -> gaps.add("a " + gap.from() + "-" + gap.to() + " " + gap.reset()));
        Subscription b = client.subscribe("b,\u2604", Cursor.NOW, gap -> gaps.add("b " + gap.from() + "-" + gap.to() + " " + gap.reset()));
        env.fire(5);
        Connection first = server.accept();
        assertEquals(Arrays.asList("1", ""), first.all("seqid"));
        first.json("[{\"type\":\"GAP\",\"channel\":\"a\",\"epoch\":\"e\",\"from\":1,\"to\":2,\"seqid\":2}," + msg("a", 3, "3") + "]", "CComet-Cursor: e:4,x%2Cy:7");
        Connection second = server.accept();
        assertEquals(Arrays.asList("e", "x,y"), second.all("epoch"));
        assertEquals(Arrays.asList("4", "7"), second.all("seqid"));
        second.json("[{\"type\":\"RESET\",\"channel\":\"a\",\"epoch\":\"f\",\"seqid\":0}," + msg("a", 0, "0") + "," + msg("b,\u2604", 7, "7") + "]", "CComet-Cursor: b%2C%E2%98%84=x%2Cy:8,a=f:1");
        Connection third = server.accept();
        assertEquals(Arrays.asList("f", "x,y"), third.all("epoch"));
        assertEquals(Arrays.asList("1", "8"), third.all("seqid"));
        expect(a, "3", "0");
        expect(b, "7");
        assertEquals(Arrays.asList("a 1-2 false", "a 4--1 true"), gaps);
        third.json("[]", "CComet-Cursor: f:1,x%2Cy:8", "CComet-Retry: 1500");
        env.fire(1_500);
        server.accept().answer("409 Conflict", "application/json", "[{\"type\":\"409\",\"reason\":\"Newer.\",\"channel\":\"a\",\"sname\":\"n\",\"seqid\":0}]");
        // Who is meant of several is asked again.
        server.accept().answer("409 Conflict", "application/json", "[{\"type\":\"409\",\"reason\":\"Newer.\",\"channel\":\"a\",\"sname\":\"n\",\"seqid\":0}]");
        try {
            fail("Got " + a.iterator().next());
        } catch (RefusedException e) {
            assertTrue(e.replaced());
        }
    }

    @Test
    public void empty_polls_that_were_not_waited_for_make_no_storm() throws Exception {
        client = builder().transport(Transport.POLL).build();
        client.subscribe("a");
        server.accept().json("[]", "CComet-Cursor: e:0");
        server.accept().json("[]", "CComet-Cursor: e:0");
        env.fire(250);
        assertEquals("0", server.accept().one("seqid"));
    }

    // Publishing.

    @Test
    public void publish_is_sent_again_by_the_same_id_until_it_is_stored() throws Exception {
        FutureTask<Receipt> publishing = start(() -> client.publish("a \u2604", "\"hi\"\n\ud83d\ude00"));
        Connection first = server.accept();
        assertEquals("POST /pub application/json; charset=utf-8", first.method + " " + first.path + first.query + " " + first.headers.get("Content-Type"));
        Map<?, ?> body = (Map<?, ?>) JsonReader.read(first.body);
        assertEquals("a \u2604 \"hi\"\n\ud83d\ude00", body.get("channel") + " " + body.get("msg"));
        first.problem(503, "503", "Not now.", "Retry-After: 2");
        env.fire(2_250);
        Connection second = server.accept();
        assertEquals(first.body, second.body);
        second.answer("200 OK", "text/html", "<html>");
        env.fire(500);
        Connection third = server.accept();
        assertEquals(first.body, third.body);
        third.json("[{\"type\":\"pub\",\"channel\":\"a \u2604\",\"epoch\":\"e\",\"seqid\":3,\"duplicate\":true}]\n");
        Receipt receipt = publishing.get();
        assertEquals("a \u2604 e 3 true", receipt.channel() + " " + receipt.epoch() + " " + receipt.seqid() + " " + receipt.duplicate());
        FutureTask<Receipt> another = start(() -> client.publish("a", "x"));
        Connection fourth = server.accept();
        assertNotEquals(body.get("id"), ((Map<?, ?>) JsonReader.read(fourth.body)).get("id"));
        fourth.json("[{\"type\":\"pub\",\"channel\":\"a\",\"epoch\":\"e\",\"seqid\":4}]");
        assertFalse(another.get().duplicate());
    }

    @Test
    public void publish_whose_connection_breaks_is_sent_again_by_the_same_id() throws Exception {
        FutureTask<Receipt> publishing = start(() -> client.publish("a", "x", new PublishOptions().id("m-1").sname("bob")));
        // HttpURLConnection may send it again by itself before the client does.
        String body = server.accept().body;
        assertEquals("{\"channel\":\"a\",\"msg\":\"x\",\"sname\":\"bob\",\"id\":\"m-1\"}", body);
        server.close();
        env.awaitTimer(250);
        server = restart();
        env.advance(250);
        Connection again = server.accept();
        assertEquals(body, again.body);
        again.json("[{\"type\":\"pub\",\"channel\":\"a\",\"epoch\":\"e\",\"seqid\":3}]");
        assertEquals(3, publishing.get().seqid());
    }

    private ScriptServer restart() throws Exception {
        java.net.ServerSocket listener = new java.net.ServerSocket();
        listener.setReuseAddress(true);
        listener.bind(new java.net.InetSocketAddress("127.0.0.1", server.port()));
        return new ScriptServer(listener);
    }

    @Test
    public void publish_gives_up_at_its_timeout_and_says_why() throws Exception {
        FutureTask<Receipt> publishing = start(() -> client.publish("a", 1, new PublishOptions().timeoutMillis(600)));
        server.accept().problem(500, "500", "Broken.");
        env.fire(250);
        server.accept().problem(500, "500", "Broken.");
        try {
            fail("Got " + publishing.get());
        } catch (ExecutionException e) {
            CCometException error = (CCometException) e.getCause();
            assertEquals("500 timeout The message was not stored in time: Broken.", error.status() + " " + error.code() + " " + error.detail());
        }
    }

    @Test
    public void publish_that_is_refused_is_not_sent_again() throws Exception {
        for (int status : new int[] { 400, 403, 404, 413, 415 }) {
            FutureTask<Receipt> publishing = start(() -> client.publish("a", Arrays.asList(1, null, Collections.singletonMap("k", true))));
            Connection connection = server.accept();
            assertTrue(connection.body, connection.body.contains("\"msg\":[1,null,{\"k\":true}]"));
            connection.problem(status, "" + status, "msg: no.");
            try {
                fail("Got " + publishing.get());
            } catch (ExecutionException e) {
                assertEquals(status + " msg: no.", ((RefusedException) e.getCause()).status() + " " + e.getCause().getMessage());
            }
        }
    }

    @Test
    public void publish_renews_a_refused_token_once_and_keeps_one_whose_life_is_known() throws Exception {
        long issued = env.wallTime() / 1000;
        BlockingQueue<String> tokens = new LinkedBlockingQueue<>();
        String known = ReadingTest.jwt("{\"exp\":" + (issued + 100) + ",\"iat\":" + issued + "}");
        tokens.addAll(Arrays.asList("t1", known, "t3", "t4"));
        client = builder().token(tokens::remove).build();
        String[] expected = { "t1", known, known, known, "t3" };
        int[] statuses = { 401, 200, 200, 200, 200 };
        FutureTask<Receipt> publishing = null;
        for (int i = 0; i < expected.length; i++) {
            if (publishing == null) publishing = start(() -> client.publish("a", "x"));
            Connection connection = server.accept();
            assertEquals("Bearer " + expected[i], connection.headers.get("Authorization"));
            if (statuses[i] == 401) {
                connection.problem(401, "401", "No.", "WWW-Authenticate: Bearer realm=\"ccomet\"");
                continue;
            }

            connection.json("[{\"type\":\"pub\",\"channel\":\"a\",\"epoch\":\"e\",\"seqid\":3}]");
            publishing.get();
            publishing = null;
            env.advance(i == 3 ? 15_000 : 30_000);
        }

        assertEquals("t4", tokens.element());
    }

    @Test
    public void close_ends_a_publish_that_waits() throws Exception {
        FutureTask<Receipt> publishing = start(() -> client.publish("a", "x"));
        Connection waiting = server.accept();
        client.close();
        try {
            fail("Got " + publishing.get());
        } catch (ExecutionException e) {
            assertEquals("The client was closed.", e.getCause().getMessage());
        }

        waiting.awaitEnd();
    }

    // Listeners.

    @Test
    public void listener_hears_everything_in_order_on_its_executor() throws Exception {
        BlockingQueue<Runnable> work = new LinkedBlockingQueue<>();
        List<String> heard = new ArrayList<>();
        client.listen("a", Cursor.parse("e:1"), work::add, new Listener() {
            @Override
            public void message(Message m) {
                heard.add("message " + m.text());
                if (m.text().equals("bad")) throw new IllegalStateException("by the application");
            }

            @Override
            public void gap(Gap g) {
                heard.add("gap " + g.from() + "-" + g.to());
            }

            @Override
            public void opened(Cursor cursor) {
                heard.add("opened " + cursor);
            }

            @Override
            public void error(CCometException error) {
                heard.add("error " + error.detail());
            }

            @Override
            public void ended(CCometException reason) {
                heard.add("ended " + reason.detail());
            }
        });
        server.stream().lines(cursor("e", 1), msg(1, "1"), msg(2, "bad"), msg(5, "5")).close();
        nextError();
        env.fire(250);
        server.accept().problem(403, "403", "No more.");
        int thrown = 0;
        while (!heard.contains("ended No more.")) {
            Runnable next = work.poll(ManualEnv.PATIENCE, TimeUnit.MILLISECONDS);
            assertTrue("There is never more than one call at a time.", work.isEmpty());
            try {
                next.run();
            } catch (IllegalStateException e) {
                thrown++;
            }
        }

        assertEquals(Arrays.asList("opened e:1", "message 1", "message bad", "gap 3-4", "message 5", "error The connection was cut.", "ended No more."), heard);
        assertEquals("It goes to the executor.", 1, thrown);
        assertTrue(work.isEmpty());
    }

    @Test
    public void two_methods_are_enough_for_a_listener_and_a_closed_executor_ends_it() throws Exception {
        BlockingQueue<String> heard = new LinkedBlockingQueue<>();
        java.util.concurrent.ExecutorService executor = java.util.concurrent.Executors.newSingleThreadExecutor();
        Subscription s = client.listen("a", Cursor.START, executor, new Listener() { public void message(Message m) { heard.add(m.text()); } public void gap(Gap g) { } });
        Connection stream = server.stream().lines(cursor("e", 0), msg(0, "0"));
        assertEquals("0", heard.poll(ManualEnv.PATIENCE, TimeUnit.MILLISECONDS));
        try {
            s.iterator();
            fail();
        } catch (IllegalStateException e) {
            assertEquals("The listener has the messages of this subscription.", e.getMessage());
        }

        executor.shutdown();
        assertTrue(executor.awaitTermination(ManualEnv.PATIENCE, TimeUnit.MILLISECONDS));
        stream.lines(msg(1, "1"));
        stream.awaitEnd();
    }
}
