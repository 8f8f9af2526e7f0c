package io.ccomet;

import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.util.Map;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLSocketFactory;

/**
 * An exchange by {@link HttpURLConnection}, which brings the platform's proxies, certificates and rules for clear text.
 *
 * <p>Its peculiarities. It sends a request again by itself, even a POST, when a kept connection breaks before the answer: what is
 * published has an id, so it is stored once. It keeps connections for later requests (system property {@code http.keepAlive}); a
 * stream is not kept. It throws for the body of an error, which {@code getErrorStream()} has. It would follow a redirect
 * anywhere with the token in the header: that is done by {@link Wire}, which does not. Android asks for gzip by itself, which would
 * hold a stream back, unless told otherwise. {@code disconnect()} from another thread ends what waits for the head everywhere, but
 * what waits in a body only on Android: see {@link #abort()}.
 */
final class UrlExchange extends Exchange {
    static final boolean ANDROID = "Dalvik".equals(System.getProperty("java.vm.name"));

    private static final long CLOSE_LIMIT = 65_536;

    private final Request request;
    private final HttpURLConnection connection;
    private final RawSockets sockets;
    private volatile boolean hasHead;

    UrlExchange(Request request, SSLSocketFactory factory) throws IOException {
        this.request = request;
        connection = (HttpURLConnection) request.url.openConnection();
        connection.setInstanceFollowRedirects(false);
        connection.setUseCaches(false);
        connection.setConnectTimeout(request.connectMillis);
        connection.setReadTimeout(request.readMillis);
        connection.setRequestMethod(request.method);
        for (Map.Entry<String, String> header : request.headers.entrySet()) connection.setRequestProperty(header.getKey(), header.getValue());
        if (request.body != null) connection.setDoOutput(true);
        RawSockets raw = null;
        if (connection instanceof HttpsURLConnection) {
            HttpsURLConnection https = (HttpsURLConnection) connection;
            if (factory != null) https.setSSLSocketFactory(factory);
            if (request.streams && !ANDROID) https.setSSLSocketFactory(raw = new RawSockets(https.getSSLSocketFactory()));
        }

        sockets = raw;
    }

    @Override
    void connect() throws IOException {
        try {
            connection.connect();
        } catch (RuntimeException e) {
            throw broken(e);
        }
    }

    @Override
    int status() throws IOException {
        try {
            return send();
        } catch (RuntimeException e) {
            throw broken(e);
        }
    }

    private int send() throws IOException {
        if (request.body != null) {
            OutputStream out = connection.getOutputStream();
            try {
                out.write(request.body);
            } finally {
                out.close();
            }
        }

        int status = connection.getResponseCode();
        hasHead = true;
        // Of informational answers OpenJDK knows 100 alone, and takes another for the answer.
        if (status < 200) throw new IOException("What came is no answer of HTTP.");
        return status;
    }

    @Override
    String header(String name) {
        return connection.getHeaderField(name);
    }

    @Override
    InputStream body() throws IOException {
        try {
            InputStream body = connection.getResponseCode() < 400 ? connection.getInputStream() : connection.getErrorStream();
            return body == null ? new ByteArrayInputStream(new byte[0]) : new Body(body);
        } catch (RuntimeException e) {
            throw broken(e);
        }
    }

    /** Once it is disconnected by another thread, OpenJDK throws whatever comes of it, such as a NullPointerException. */
    private static IOException broken(RuntimeException e) {
        return new IOException("The connection was ended: " + e, e);
    }

    private static final class Body extends FilterInputStream {
        Body(InputStream in) {
            super(in);
        }

        @Override
        public int read(byte[] bytes, int from, int length) throws IOException {
            try {
                return super.read(bytes, from, length);
            } catch (RuntimeException e) {
                throw broken(e);
            }
        }
    }

    /**
     * Ends it. OpenJDK's {@code disconnect()} closes the body, and that waits for a read that is under way in it; so there the TLS socket's
     * own socket is closed, and a stream without TLS goes by {@link SocketExchange}.
     */
    @Override
    void abort() {
        if (sockets != null) sockets.close();
        if (ANDROID || !hasHead) connection.disconnect();
    }

    @Override
    void close(boolean whole) {
        if (!whole) connection.disconnect();
    }

    /** Whether the connection may be kept, and this object is small enough to be remembered for closing it. */
    boolean isWorthKeeping() {
        return request.body == null || request.body.length <= CLOSE_LIMIT;
    }

    /** Closes a connection to the same server that is kept for later. */
    void closeKept() {
        connection.disconnect();
    }
}
