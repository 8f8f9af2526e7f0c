package io.ccomet;

import java.io.IOException;
import java.io.UnsupportedEncodingException;
import java.net.MalformedURLException;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLEncoder;
import java.text.ParsePosition;
import java.text.SimpleDateFormat;
import java.util.ArrayDeque;
import java.util.Date;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TimeZone;
import javax.net.ssl.SSLSocketFactory;

/** Makes requests to one server, and reads what its refusals say. */
final class Wire {
    /** The longest text of a message, in bytes of UTF-8. */
    static final int MAX_MESSAGE = 8 * 1024 * 1024;

    /** The longest line: a message whose text has an escape for every other character, and what is around it. */
    static final int MAX_LINE = 2 * MAX_MESSAGE + 65_536;

    /** The longest answer to a poll: the server puts about 4 MiB into one, or a single message that is longer. */
    static final int MAX_ANSWER = MAX_LINE + 8 * 1024 * 1024;

    static final int CONNECT_MILLIS = 10_000;

    /** The longest pauses that are obeyed: one told as a length of time, and one told as a date, which a clock that is set wrong stretches. */
    private static final long MAX_PAUSE = 3_600_000;
    private static final long MAX_PAUSE_TO_DATE = 300_000;

    private static final int MAX_REFUSAL = 65_536;
    private static final int MAX_REDIRECTS = 5;
    private static final int KEPT = 5;

    private final Env env;
    private final String base;
    private final Map<String, String> headers;
    private final SSLSocketFactory factory;
    private final boolean onlyUrlConnection;
    private final Deque<UrlExchange> kept = new ArrayDeque<UrlExchange>();
    private boolean closed;

    Wire(Env env, String base, Map<String, String> headers, SSLSocketFactory factory, boolean onlyUrlConnection) {
        this.env = env;
        this.base = base;
        this.headers = new LinkedHashMap<String, String>(headers);
        this.factory = factory;
        this.onlyUrlConnection = onlyUrlConnection;
    }

    /** Returns the address below which the verbs are. */
    static String checkUrl(String url) {
        if (url == null) throw new IllegalArgumentException("url: is null.");
        URI uri;
        try {
            uri = new URI(url);
            uri.toURL();
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException("url: '" + Names.shorten(url) + "' is no address: " + e.getMessage() + ".");
        } catch (MalformedURLException e) {
            throw new IllegalArgumentException("url: '" + Names.shorten(url) + "' is no address of http or https.");
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("url: '" + Names.shorten(url) + "' is not absolute; expected one like https://push.example.");
        }

        String scheme = uri.getScheme().toLowerCase(Locale.ROOT);
        if (!scheme.equals("http") && !scheme.equals("https")) throw new IllegalArgumentException("url: '" + Names.shorten(url) + "' is no address of http or https.");
        if (uri.getHost() == null) throw new IllegalArgumentException("url: '" + Names.shorten(url) + "' has no host.");
        if (uri.getUserInfo() != null) throw new IllegalArgumentException("url: has a user; give a token instead.");
        if (uri.getQuery() != null || uri.getFragment() != null) throw new IllegalArgumentException("url: '" + Names.shorten(url) + "' has a query or a fragment.");
        return url.endsWith("/") ? url : url + "/";
    }

    static String encode(String text) {
        try {
            return URLEncoder.encode(text, "UTF-8");
        } catch (UnsupportedEncodingException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Makes a request. */
    Exchange.Request request(String method, String verb, String query, String token) throws IOException {
        Exchange.Request request = new Exchange.Request(method, new URL(base + verb + (query.isEmpty() ? "" : "?" + query)));
        request.headers.put("User-Agent", "ccomet-java/" + CComet.VERSION);
        // Android would ask for gzip, which may hold back the lines of a stream.
        request.headers.put("Accept-Encoding", "identity");
        request.headers.put("Cache-Control", "no-store");
        request.headers.putAll(headers);
        if (token != null) request.headers.put("Authorization", "Bearer " + token);
        request.connectMillis = CONNECT_MILLIS;
        return request;
    }

    /** What is done between connecting and sending. */
    interface Connected {
        void connected();
    }

    /** Sends a request, follows redirects within the server, and waits for the head of the answer. */
    Answer ask(Call call, Exchange.Request request, Connected connected) throws IOException {
        for (int redirects = 0;; redirects++) {
            Exchange exchange = open(request);
            boolean ok = false;
            try {
                call.attach(exchange);
                exchange.connect();
                if (connected != null) connected.connected();
                int status = exchange.status();
                if (status < 300 || status > 308 || status == 304) {
                    ok = true;
                    return new Answer(exchange, status);
                }

                URL next = redirect(request, status, exchange.header("Location"));
                if (next == null || redirects == MAX_REDIRECTS) throw new CCometException(status, "", "The answer is a redirect to another server, which is not followed (HTTP " + status + ").", null);
                request = request.at(next);
            } finally {
                if (!ok) exchange.close(false);
            }
        }
    }

    /** Returns where to ask again: on the same server, or on the same host by TLS; else null, as the token must not go elsewhere. */
    static URL redirect(Exchange.Request request, int status, String location) {
        if (location == null || (request.body != null && status != 307 && status != 308)) return null;
        try {
            URL url = new URL(request.url, location);
            if (!url.getHost().equalsIgnoreCase(request.url.getHost()) || url.getUserInfo() != null) return null;
            boolean same = url.getProtocol().equals(request.url.getProtocol()) && port(url) == port(request.url);
            boolean upgrade = url.getProtocol().equals("https") && request.url.getProtocol().equals("http") && url.getPort() < 0;
            return same || upgrade ? url : null;
        } catch (MalformedURLException e) {
            return null;
        }
    }

    private static int port(URL url) {
        return url.getPort() < 0 ? url.getDefaultPort() : url.getPort();
    }

    private Exchange open(Exchange.Request request) throws IOException {
        boolean bySocket = request.body == null && !onlyUrlConnection && !UrlExchange.ANDROID && request.url.getProtocol().equals("http") && isDirect(request.url);
        return bySocket ? new SocketExchange(request) : new UrlExchange(request, factory);
    }

    private static boolean isDirect(URL url) {
        ProxySelector selector = ProxySelector.getDefault();
        if (selector == null) return true;
        try {
            List<Proxy> proxies = selector.select(new URI(url.getProtocol(), null, url.getHost(), url.getPort(), "/", null, null));
            return proxies.isEmpty() || proxies.get(0).type() == Proxy.Type.DIRECT;
        } catch (URISyntaxException e) {
            return true;
        } catch (IllegalArgumentException e) {
            return true;
        }
    }

    /** The head of an answer. */
    final class Answer {
        final int status;
        private final Exchange exchange;

        Answer(Exchange exchange, int status) {
            this.exchange = exchange;
            this.status = status;
        }

        String header(String name) {
            return exchange.header(name);
        }

        java.io.InputStream body() throws IOException {
            return exchange.body();
        }

        /** Reads the whole body. */
        String text(int max) throws IOException {
            byte[] bytes = Bytes.readAll(exchange.body(), max);
            close(true);
            return Bytes.decode(bytes, 0, bytes.length);
        }

        void close(boolean whole) {
            exchange.close(whole);
            if (whole) keep(exchange);
        }

        /** Reads what a refusal says about the reason. */
        CCometException refusal() throws IOException {
            String text;
            try {
                text = text(MAX_REFUSAL);
            } catch (JsonException notUtf8) {
                text = "";
            } catch (TooLongException tooLong) {
                close(false);
                text = "";
            }

            return Wire.refusal(status, text, retryAfter());
        }

        /** Returns what Retry-After says, in milliseconds; -1 for nothing. */
        long retryAfter() {
            return pause(header("Retry-After"), env.wallTime());
        }
    }

    static CCometException refusal(int status, String text, long retryAfter) {
        Object read = null;
        try {
            if (text.startsWith("[")) {
                // A poll that was replaced is a 409 whose body is an array.
                List<Item> items = Item.readAll(text);
                if (!items.isEmpty() && items.get(0).isRefusal()) return items.get(0).refusal();
            }

            read = JsonReader.read(text);
        } catch (JsonException notJson) {
            // Something between here and the server answered.
        }

        Map<?, ?> problem = read instanceof Map ? (Map<?, ?>) read : null;
        String detail = string(problem, "detail");
        String type = string(problem, "type");
        boolean own = type != null && type.startsWith("urn:ccomet:error:");
        String code = own ? string(problem, "code") : null;
        return new CCometException(status, code == null ? "" : code, detail == null ? "The answer is no answer of CComet (HTTP " + status + ")." : detail,
            string(problem, "title"), string(problem, "parameter"), retryAfter, null);
    }

    private static String string(Map<?, ?> members, String name) {
        Object value = members == null ? null : members.get(name);
        return value instanceof String ? (String) value : null;
    }

    /** Reads Retry-After: seconds, or a date. */
    static long pause(String text, long wallTime) {
        if (text == null) return -1;
        String trimmed = text.trim();
        if (trimmed.matches("[0-9]{1,9}")) return Math.min(Long.parseLong(trimmed) * 1000, MAX_PAUSE);
        SimpleDateFormat format = new SimpleDateFormat("EEE, dd MMM yyyy HH:mm:ss zzz", Locale.US);
        format.setTimeZone(TimeZone.getTimeZone("GMT"));
        Date date = format.parse(trimmed, new ParsePosition(0));
        return date == null ? -1 : Math.max(0, Math.min(date.getTime() - wallTime, MAX_PAUSE_TO_DATE));
    }

    /** Bounds a pause that the server told in milliseconds; -1 when it told none. */
    static long pause(long millis) {
        return millis < 0 ? -1 : Math.min(millis, MAX_PAUSE);
    }

    /** Remembers the last exchanges, whose connections may be kept for later ones. */
    private void keep(Exchange exchange) {
        if (!(exchange instanceof UrlExchange) || !((UrlExchange) exchange).isWorthKeeping()) return;
        synchronized (kept) {
            if (!closed) {
                kept.addLast((UrlExchange) exchange);
                if (kept.size() > KEPT) kept.removeFirst();
                return;
            }
        }

        ((UrlExchange) exchange).closeKept();
    }

    /** Closes the connections that are kept for later; what still runs closes its own. */
    void close() {
        synchronized (kept) {
            closed = true;
            for (UrlExchange exchange : kept) exchange.closeKept();
            kept.clear();
        }
    }
}
