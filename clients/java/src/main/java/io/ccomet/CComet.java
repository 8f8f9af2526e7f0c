package io.ccomet;

import java.io.Closeable;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.logging.Level;
import java.util.logging.Logger;
import javax.net.ssl.SSLSocketFactory;

/**
 * A client of one CComet server, for an application's life. It is thread-safe, and its subscriptions share a connection.
 *
 * <pre>{@code
 * CComet c = CComet.builder(url).token(() -> token()).build();
 * try (Subscription s = c.subscribe("lobby", Cursor.START)) {
 *     for (Message m : s) { show(m.text()); saved = m.cursor(); }
 * }
 * c.publish("lobby", "hello");
 * }</pre>
 *
 * <p>All threads of the client are daemons, named {@code ccomet-…}; {@link #close()} ends them. It goes over {@link
 * java.net.HttpURLConnection}, with the platform's proxies and certificates. On a desktop or server JVM what is received without TLS and
 * without proxy comes over a plain socket, because HttpURLConnection cannot be ended there while it waits for data.
 */
public final class CComet implements Closeable {
    static final String VERSION = "0.1.0";

    private final Hub hub;
    private final Publisher publisher;

    private CComet(Hub hub) {
        this.hub = hub;
        publisher = new Publisher(hub);
    }

    /**
     * Begins a client.
     *
     * @param url the server's address, such as {@code https://push.example}, or {@code https://example/push} where it is below a path
     * @return a builder
     * @throws IllegalArgumentException the address is none of http or https
     */
    public static Builder builder(String url) {
        return new Builder(url);
    }

    /**
     * Follows a channel from now on.
     *
     * @param channel 1 to 200 characters
     * @return the messages to iterate over
     */
    public Subscription subscribe(String channel) {
        return subscribe(channel, Cursor.NOW);
    }

    /**
     * Follows a channel. The iteration throws a {@link GapException} when messages are lost.
     *
     * @param channel 1 to 200 characters
     * @param from {@link Cursor#START}, {@link Cursor#NOW} or a saved cursor
     * @return the messages to iterate over
     * @throws IllegalStateException the client was closed
     */
    public Subscription subscribe(String channel, Cursor from) {
        return follow(channel, from, null);
    }

    /**
     * Follows a channel, over gaps.
     *
     * @param channel 1 to 200 characters
     * @param from {@link Cursor#START}, {@link Cursor#NOW} or a saved cursor
     * @param onGap hears of messages that are lost, on the iterating thread and in order
     * @return the messages to iterate over
     * @throws IllegalStateException the client was closed
     */
    public Subscription subscribe(String channel, Cursor from, GapHandler onGap) {
        if (onGap == null) throw new IllegalArgumentException("onGap: is null.");
        return follow(channel, from, onGap);
    }

    /**
     * Follows a channel, and gives what comes to a listener.
     *
     * @param channel 1 to 200 characters
     * @param from {@link Cursor#START}, {@link Cursor#NOW} or a saved cursor
     * @param executor where the listener is called: one call at a time, in order. While it takes nothing, at most 256 messages wait
     * @param listener hears of messages and gaps
     * @return what to close to end it
     * @throws IllegalStateException the client was closed
     */
    public Subscription listen(String channel, Cursor from, Executor executor, Listener listener) {
        if (executor == null) throw new IllegalArgumentException("executor: is null.");
        if (listener == null) throw new IllegalArgumentException("listener: is null.");
        Follower follower = follower(channel, from);
        follower.pump(new ListenerPump(hub, follower, executor, listener));
        hub.join(follower);
        return new Subscription(hub, follower, null, true);
    }

    private Subscription follow(String channel, Cursor from, GapHandler onGap) {
        Follower follower = follower(channel, from);
        hub.join(follower);
        return new Subscription(hub, follower, onGap, false);
    }

    private Follower follower(String channel, Cursor from) {
        Names.check("channel", channel);
        if (from == null) throw new IllegalArgumentException("from: is null; give Cursor.START, Cursor.NOW or a saved cursor.");
        return new Follower(hub.env, channel, from);
    }

    /**
     * Publishes a message, and waits until it is stored. What fails for a passing reason is tried again, for 30 s; a random id makes
     * that the message is stored once. It must not be called on Android's main thread.
     *
     * @param channel 1 to 200 characters
     * @param msg a String, Number, Boolean, Map with String keys, Collection, Object[] of such, or null: all but a String is published as JSON
     * @return where it is stored
     * @throws RefusedException the server has refused it for good
     * @throws CCometException it was not stored in time, as far as is known
     * @throws IllegalArgumentException the channel or the message is none
     */
    public Receipt publish(String channel, Object msg) {
        return publish(channel, msg, new PublishOptions());
    }

    /**
     * Publishes a message, and waits until it is stored.
     *
     * @param channel 1 to 200 characters
     * @param msg as for {@link #publish(String, Object)}
     * @param options its id, its name, and when to give up
     * @return where it is stored
     * @throws RefusedException the server has refused it for good
     * @throws CCometException it was not stored in time, as far as is known
     * @throws IllegalArgumentException the channel or the message is none
     */
    public Receipt publish(String channel, Object msg, PublishOptions options) {
        Names.check("channel", channel);
        if (options == null) throw new IllegalArgumentException("options: is null.");
        return publisher.publish(channel, msg, options);
    }

    /**
     * Tries again now what waits after a failure, and opens anew what is open, from its cursor. Call it when the network has changed
     * or the device was woken, to save the time until that is noticed.
     */
    public void reconnect() {
        hub.reconnect();
    }

    /** Ends all subscriptions, publishes, threads and connections. It does not wait for anything. */
    @Override
    public void close() {
        hub.close();
    }

    /** Makes a client. */
    public static final class Builder {
        private static final int MAX_TIMEOUT = 86_400_000;

        private final String url;
        private final Map<String, String> headers = new LinkedHashMap<String, String>();
        private final Settings settings = new Settings();
        private TokenSource token;
        private SSLSocketFactory factory;
        private ErrorHandler errors;
        private Env env;
        private boolean onlyUrlConnection;

        private Builder(String url) {
            this.url = Wire.checkUrl(url);
        }

        /**
         * Sets where tokens come from. Without it none is sent.
         *
         * @param source is asked whenever a token is needed
         * @return this
         */
        public Builder token(TokenSource source) {
            if (source == null) throw new IllegalArgumentException("source: is null.");
            token = source;
            return this;
        }

        /**
         * Adds a header to every request.
         *
         * @param name the header's name; {@code Authorization} is set by {@link #token(TokenSource)}
         * @param value its value
         * @return this
         */
        public Builder header(String name, String value) {
            if (name == null || !name.matches("[A-Za-z0-9!#$%&'*+.^_`|~-]+")) throw new IllegalArgumentException("name: '" + name + "' is no name of a header.");
            if (value == null || !value.matches("[\\x20-\\x7e\\t]*")) throw new IllegalArgumentException("value: of the header " + name + " must be of printable ASCII characters.");
            String lower = name.toLowerCase(Locale.ROOT);
            if (lower.equals("authorization") || lower.equals("host") || lower.equals("content-length") || lower.equals("transfer-encoding") || lower.equals("connection"))
                throw new IllegalArgumentException("name: the header " + name + " is set by the client itself.");
            headers.put(name, value);
            return this;
        }

        /**
         * Sets how messages are received.
         *
         * @param transport {@link Transport#AUTO} when it is not set
         * @return this
         */
        public Builder transport(Transport transport) {
            if (transport == null) throw new IllegalArgumentException("transport: is null.");
            settings.transport = transport;
            return this;
        }

        /**
         * Sets how TLS sockets are made, for example to trust a certificate of one's own.
         *
         * @param sslSocketFactory the platform's default when it is not set
         * @return this
         */
        public Builder sslSocketFactory(SSLSocketFactory sslSocketFactory) {
            if (sslSocketFactory == null) throw new IllegalArgumentException("sslSocketFactory: is null.");
            factory = sslSocketFactory;
            return this;
        }

        /**
         * Sets who hears of failures that are tried again.
         *
         * @param handler the logger {@code io.ccomet} when it is not set
         * @return this
         */
        public Builder onError(ErrorHandler handler) {
            if (handler == null) throw new IllegalArgumentException("handler: is null.");
            errors = handler;
            return this;
        }

        /**
         * Sets the pauses after failures: a random share of a length that doubles from the first to the longest.
         *
         * @param firstMillis 500 when it is not set
         * @param longestMillis 30,000 when it is not set
         * @return this
         */
        public Builder retry(long firstMillis, long longestMillis) {
            settings.retryMin = check("firstMillis", firstMillis);
            settings.retryMax = check("longestMillis", longestMillis);
            if (longestMillis < firstMillis) throw new IllegalArgumentException("longestMillis: is less than firstMillis.");
            return this;
        }

        /**
         * Sets when a stream that is silent is taken as dead. The server gives a sign of life every 15 s, unless it is set otherwise.
         *
         * @param millis 40,000 when it is not set
         * @return this
         */
        public Builder silenceTimeout(long millis) {
            settings.silence = check("millis", millis);
            return this;
        }

        /**
         * Sets when a stream of which nothing has come is given up, and polls are used instead.
         *
         * @param millis 10,000 when it is not set
         * @return this
         */
        public Builder firstByteTimeout(long millis) {
            settings.firstByte = check("millis", millis);
            return this;
        }

        private static long check(String parameter, long millis) {
            if (millis < 1 || millis > MAX_TIMEOUT) throw new IllegalArgumentException(parameter + ": is " + millis + "; it must be 1 to " + MAX_TIMEOUT + " ms.");
            return millis;
        }

        Builder env(Env value) {
            env = value;
            return this;
        }

        /** Streams go by HttpURLConnection on any platform, as they do on Android. */
        Builder onlyUrlConnection() {
            onlyUrlConnection = true;
            return this;
        }

        /**
         * Makes the client. It connects when the first subscription or publish needs it.
         *
         * @return the client, to be closed at the end of the application
         */
        public CComet build() {
            Env used = env == null ? new SystemEnv() : env;
            Wire wire = new Wire(used, url, headers, factory, onlyUrlConnection);
            return new CComet(new Hub(used, settings, new Tokens(used, token), wire, errors == null ? new Log() : errors));
        }
    }

    /** Logs what is tried again. */
    private static final class Log implements ErrorHandler {
        private static final Logger LOGGER = Logger.getLogger("io.ccomet");

        @Override
        public void error(CCometException error) {
            // An outage is nothing to worry about; a token source that fails is the application's own.
            LOGGER.log(error.code().equals("token") ? Level.WARNING : Level.FINE, error.detail());
        }
    }
}
