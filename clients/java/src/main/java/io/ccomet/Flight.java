package io.ccomet;

import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Receives by one connection, on a thread of its own, until that ends: a stream, a series of polls, or a question for each channel alone. */
final class Flight extends Call implements Runnable {
    /** How it receives. */
    enum Kind {
        STREAM, POLL,

        /** Asks for each channel alone: several were refused together, and it is not told which is at fault. */
        SIFT
    }

    /** The longest that a poll is held by the server, in seconds. */
    private static final int POLL_SECONDS = 28;

    /** An empty answer that came sooner than this, in milliseconds, was not waited for; asking again at once would make a storm. */
    private static final long UNWAITED = 500;

    /** A poll that has not been answered by then is lost, in milliseconds. */
    static final long POLL_TIMEOUT = 60_000;

    final Link link;
    final Kind kind;
    final List<Follower> followers;
    private final Hub hub;
    private final Map<String, Follower> byChannel = new HashMap<String, Follower>();
    private volatile boolean connected;
    private volatile boolean firstByte;
    private volatile String token;
    private boolean begun;
    private boolean delivered;

    Flight(Link link, Kind kind, List<Follower> followers) {
        super(link.hub.env);
        this.link = link;
        this.kind = kind;
        this.followers = new ArrayList<Follower>(followers);
        hub = link.hub;
        for (Follower follower : followers) byChannel.put(follower.channel, follower);
    }

    /** Whether others would be held up if one channel were not taken. */
    boolean isShared() {
        return followers.size() > 1;
    }

    /** Returns the token by which it was opened. */
    String token() {
        return token;
    }

    @Override
    void onAbort() {
        for (Follower follower : followers) follower.wake();
    }

    @Override
    public void run() {
        Outcome outcome;
        try {
            token = hub.tokens.get(this, Tokens.TIMEOUT, true);
            outcome = kind == Kind.STREAM ? stream() : kind == Kind.POLL ? poll() : sift();
        } catch (CCometException e) {
            outcome = Outcome.of(e, token);
        } catch (TooLongException e) {
            outcome = Outcome.refused(new CCometException(0, "size", e.getMessage(), e), token);
        } catch (IOException e) {
            outcome = lost(e);
        } catch (InterruptedException e) {
            outcome = Outcome.failed(new CCometException(0, "", "The thread was interrupted.", e));
        } catch (RuntimeException e) {
            outcome = Outcome.failed(new CCometException(0, "", "The client failed: " + e, e));
        } catch (OutOfMemoryError e) {
            outcome = Outcome.failed(new CCometException(0, "size", "A message did not fit into memory.", e));
        }

        outcome.delivered = delivered;
        link.ended(this, outcome);
    }

    private Outcome lost(IOException e) {
        CCometException why = reason();
        if (why != null && kind == Kind.STREAM && connected && !firstByte && why.code().equals("timeout")) return Outcome.fallBack(why);
        if (why != null) return Outcome.failed(why);
        String detail = e instanceof JsonException ? e.getMessage() : connected ? "The connection was cut." : "The server cannot be reached.";
        return Outcome.failed(new CCometException(0, e instanceof SocketTimeoutException ? "timeout" : "", detail, e));
    }

    // A stream.

    private Outcome stream() throws IOException {
        Exchange.Request request = hub.wire.request("GET", "stream", query(followers, null), token);
        request.streams = true;
        // Timers end a stream that is silent. This is for where they could not: an OpenJDK with a proxy, see UrlExchange.abort().
        request.readMillis = (int) Math.min(Integer.MAX_VALUE, Math.max(hub.settings.silence, hub.settings.firstByte));
        request.headers.put("Accept", "application/x-ndjson");
        final Watch watch = new Watch();
        Wire.Answer answer = null;
        try {
            answer = hub.wire.ask(this, request, new Wire.Connected() {
                @Override
                public void connected() {
                    connected = true;
                    watch.begin(hub.settings.firstByte);
                }
            });
            if (answer.status != 200) throw answer.refusal();
            String type = answer.header("Content-Type");
            if (type == null || !type.startsWith("application/x-ndjson")) throw new CCometException(0, "", "The answer is no stream of CComet.", null);
            LineReader lines = new LineReader(new Watched(answer.body(), watch), Wire.MAX_LINE);
            for (String line; (line = lines.next()) != null;) {
                if (aborted()) return Outcome.failed(reason());
                if (line.trim().isEmpty()) continue;
                Outcome outcome = take(Item.read(line));
                if (outcome != null) return outcome;
            }

            return Outcome.failed(new CCometException(0, "", "The stream was cut.", null));
        } finally {
            watch.end();
            if (answer != null) answer.close(false);
        }
    }

    /** Takes an object of a stream; gives how the flight ends, if it does. */
    private Outcome take(Item item) throws IOException {
        if (item.isRefusal()) return refused(item);
        if (item.type.equals("BYE")) return Outcome.bye(Wire.pause(item.number("retry", -1)), "expired".equals(item.text("reason")), token);
        boolean first = !begun;
        if (first && !begin()) return Outcome.failed(null);
        long expires = item.type.equals("CURSOR") ? item.number("expires", 0) : 0;
        if (expires > 0) link.expires(this, expires);
        // A server that is heard of again after its first notice is not one that accepts and cuts.
        if (!first) delivered();
        deliver(item);
        return null;
    }

    /** The first thing has come: this flight takes the place of the one before. */
    private boolean begin() {
        begun = true;
        return link.begun(this);
    }

    private void delivered() {
        if (delivered) return;
        delivered = true;
        link.delivered(this);
    }

    private Outcome refused(Item item) {
        CCometException error = item.refusal();
        Follower follower = byChannel.get(item.text("channel"));
        if (!item.type.equals("409") || follower == null || followers.size() == 1) return Outcome.of(error, token);
        link.end(follower, new RefusedException(error));
        return null;
    }

    private void deliver(Item item) throws IOException {
        String channel = item.text("channel");
        Follower follower = followers.size() == 1 ? followers.get(0) : byChannel.get(channel);
        if (follower == null) return;
        Follower.Put put;
        if (item.type.equals("CURSOR")) {
            String epoch = item.text("epoch");
            if (epoch == null) throw new JsonException("A CURSOR came without epoch.");
            put = follower.cursor(this, epoch, item.required("seqid"));
        } else if (item.type.equals("RESET")) {
            put = follower.reset(this, item);
        } else if (item.type.equals("GAP")) {
            put = follower.gap(this, item);
        } else if (item.type.equals("CLOSE")) {
            // An administrator closed the channel.
            link.end(follower, null);
            return;
        } else if (item.get("seqid") == null) {
            return;
        } else {
            if (item.msg() instanceof String && ((String) item.msg()).length() > Wire.MAX_MESSAGE / 3 && Bytes.utf8Length((String) item.msg()) > Wire.MAX_MESSAGE)
                throw new TooLongException("Message " + item.number("seqid", -1) + " of channel '" + follower.channel + "' is longer than 8 MiB.");
            put = follower.message(this, item);
            if (put == Follower.Put.TAKEN) delivered();
        }

        if (put == Follower.Put.SLOW) link.isolate(follower);
    }

    // Polls.

    private Outcome poll() throws IOException, InterruptedException {
        for (boolean first = true; !aborted(); first = false) {
            if (!first) token = hub.tokens.get(this, Tokens.TIMEOUT, false);
            long asked = hub.env.now();
            // The first does not wait, so that the place in the log, and that the server is there, are known at once.
            Polled polled = pollOnce(followers, first ? 0 : POLL_SECONDS);
            if (!begun && !begin()) return Outcome.failed(null);
            Outcome outcome = take(followers, polled);
            if (outcome != null) return outcome;
            if (polled.retry >= 0) return Outcome.bye(Wire.pause(polled.retry), false, token);
            if (!first) delivered();
            // The channel of one that was ended, by CLOSE for one, is not asked for again.
            if (!link.hasAll(followers)) return Outcome.again();
            if (polled.items.isEmpty() && !first && hub.env.now() - asked < UNWAITED) rest(hub.pause(0, -1));
        }

        return Outcome.failed(reason());
    }

    /** An answer to a poll. */
    private static final class Polled {
        List<Item> items;
        List<Cursor> cursors;
        long retry = -1;
    }

    private Polled pollOnce(List<Follower> asking, int seconds) throws IOException {
        Exchange.Request request = hub.wire.request("GET", "sub", query(asking, "wait=" + seconds + "&_=" + hub.tag), token);
        request.readMillis = (int) POLL_TIMEOUT;
        request.headers.put("Accept", "application/json");
        connected = false;
        Watch watch = new Watch();
        watch.begin(POLL_TIMEOUT);
        Wire.Answer answer = null;
        boolean whole = false;
        try {
            answer = hub.wire.ask(this, request, null);
            connected = true;
            if (answer.status != 200) throw answer.refusal();
            Polled polled = new Polled();
            polled.cursors = cursors(answer.header("CComet-Cursor"), asking);
            String retry = answer.header("CComet-Retry");
            if (retry != null && retry.matches("[0-9]{1,9}")) polled.retry = Long.parseLong(retry);
            String text = answer.text(Wire.MAX_ANSWER);
            whole = true;
            polled.items = Item.readAll(text);
            return polled;
        } finally {
            watch.end();
            if (answer != null && !whole) answer.close(false);
        }
    }

    private Outcome take(List<Follower> asked, Polled polled) throws IOException {
        for (Item item : polled.items) {
            if (item.isRefusal()) {
                Outcome outcome = refused(item);
                if (outcome != null) return outcome;
            }
        }

        for (int i = 0; i < asked.size(); i++) {
            Follower follower = asked.get(i);
            Cursor told = polled.cursors.get(i);
            if (told == null) continue;
            // The header is the cursor behind the answer. Its epoch holds for what is in it, unless that tells of another first.
            boolean resets = false;
            boolean isEmpty = true;
            long firstSeqid = told.seqid;
            for (Item item : polled.items) {
                if (asked.size() > 1 && !follower.channel.equals(item.text("channel"))) continue;
                resets |= item.type.equals("RESET");
                long seqid = item.number(item.type.equals("GAP") ? "from" : "seqid", -1);
                if (seqid < 0 || item.isRefusal()) continue;
                if (isEmpty) firstSeqid = seqid;
                isEmpty = false;
            }

            if (!resets) follower.cursor(this, told.epoch, Math.min(firstSeqid, told.seqid));
        }

        for (Item item : polled.items) {
            if (item.isRefusal()) continue;
            if (asked.size() == 1) deliverTo(asked.get(0), item);
            else deliver(item);
        }

        for (int i = 0; i < asked.size(); i++) {
            Cursor told = polled.cursors.get(i);
            if (told != null) asked.get(i).cursor(this, told.epoch, told.seqid);
        }

        return null;
    }

    private void deliverTo(Follower follower, Item item) throws IOException {
        if (item.text("channel") == null || item.text("channel").equals(follower.channel)) deliver(item);
    }

    /** Reads CComet-Cursor: cursors in the order of the channels, or {@code name=epoch:seqid} in any order. */
    private static List<Cursor> cursors(String header, List<Follower> asked) {
        List<Cursor> cursors = new ArrayList<Cursor>();
        for (int i = 0; i < asked.size(); i++) cursors.add(null);
        if (header == null) return cursors;
        if (asked.size() == 1) {
            cursors.set(0, Cursor.read(header.trim()));
            return cursors;
        }

        String[] parts = header.trim().split(",", asked.size() + 1);
        if (parts.length > asked.size()) return cursors;
        for (int i = 0; i < parts.length; i++) {
            int equals = parts[i].indexOf('=');
            String cursor = decode(parts[i].substring(equals + 1));
            if (equals < 0) {
                cursors.set(i, Cursor.read(cursor));
                continue;
            }

            String name = decode(parts[i].substring(0, equals));
            for (int j = 0; j < asked.size(); j++) if (asked.get(j).channel.equals(name)) cursors.set(j, Cursor.read(cursor));
        }

        return cursors;
    }

    private static String decode(String text) {
        try {
            // A plus is no space here, as it would be in a form.
            return java.net.URLDecoder.decode(text.replace("+", "%2B"), "UTF-8");
        } catch (java.io.UnsupportedEncodingException e) {
            throw new IllegalStateException(e);
        } catch (IllegalArgumentException e) {
            return "";
        }
    }

    // Sifting.

    /** Asks for each channel alone, so that those at fault end and the others go on. */
    private Outcome sift() throws IOException, InterruptedException {
        CCometException last = null;
        boolean found = false;
        for (Follower follower : followers) {
            if (aborted()) return Outcome.failed(reason());
            List<Follower> alone = new ArrayList<Follower>();
            alone.add(follower);
            try {
                Polled polled = pollOnce(alone, 0);
                take(alone, polled);
            } catch (TooLongException e) {
                found = true;
                link.end(follower, new RefusedException(new CCometException(0, "size", e.getMessage(), e)));
            } catch (CCometException e) {
                Outcome outcome = Outcome.of(e, token);
                if (outcome.kind != Outcome.Kind.REFUSED) return outcome;
                found = true;
                if (e.code().equals("402")) follower.beginAgain();
                else link.end(follower, new RefusedException(e));
            }
        }

        return found ? Outcome.again() : Outcome.innocent();
    }

    /** Who asks, and from where on. Among several channels each has a value, which may be empty. */
    private static String query(List<Follower> asking, String more) {
        StringBuilder query = new StringBuilder();
        boolean several = asking.size() > 1;
        for (Follower follower : asking) {
            Cursor from = follower.position();
            query.append(query.length() == 0 ? "" : "&").append("channel=").append(Wire.encode(follower.channel));
            if (several || from.seqid >= 0) query.append("&seqid=").append(from.seqid < 0 ? "" : Long.toString(from.seqid));
            if (several || from.epoch != null) query.append("&epoch=").append(from.epoch == null ? "" : Wire.encode(from.epoch));
        }

        if (more != null) query.append('&').append(more);
        return query.toString();
    }

    /** Aborts the flight when a time passes without a sign of life; the time during which nobody reads does not count. */
    private final class Watch implements Runnable {
        private boolean running;
        private boolean paused;
        private long limit;
        private long since;
        private Env.Timer timer;

        synchronized void begin(long millis) {
            if (timer != null) timer.cancel();
            running = true;
            limit = millis;
            since = hub.env.now();
            timer = hub.env.schedule(millis, this);
        }

        /** The time begins: something is waited for. */
        synchronized void waiting() {
            paused = false;
            if (firstByte) since = hub.env.now();
        }

        /** Something came. */
        synchronized void heard() {
            paused = true;
            if (firstByte) return;
            firstByte = true;
            limit = hub.settings.silence;
            if (!running) return;
            timer.cancel();
            timer = hub.env.schedule(limit, this);
        }

        synchronized void end() {
            running = false;
            if (timer != null) timer.cancel();
        }

        @Override
        public void run() {
            long left;
            synchronized (this) {
                if (!running) return;
                left = paused ? limit : since + limit - hub.env.now();
                if (left > 0) {
                    timer = hub.env.schedule(left, this);
                    return;
                }
            }

            abort(new CCometException(0, "timeout", kind != Kind.STREAM ? "The poll was not answered within " + limit + " ms."
                : firstByte ? "The stream was silent for " + limit + " ms." : "The stream did not begin within " + limit + " ms.", null));
        }
    }

    /** A body whose reads are watched. */
    private static final class Watched extends InputStream {
        private final InputStream in;
        private final Watch watch;

        Watched(InputStream in, Watch watch) {
            this.in = in;
            this.watch = watch;
        }

        @Override
        public int read() throws IOException {
            throw new UnsupportedOperationException();
        }

        @Override
        public int read(byte[] bytes, int from, int length) throws IOException {
            watch.waiting();
            int read = in.read(bytes, from, length);
            if (read > 0) watch.heard();
            return read;
        }
    }
}
