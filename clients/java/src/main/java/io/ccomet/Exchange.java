package io.ccomet;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.util.LinkedHashMap;
import java.util.Map;

/** One request and its answer. All but {@link #abort()} is called on one thread. */
abstract class Exchange {
    /** What is asked. */
    static final class Request {
        final String method;
        final URL url;
        final Map<String, String> headers = new LinkedHashMap<String, String>();
        byte[] body;
        int connectMillis;

        /** The longest time between two pieces of the answer. */
        int readMillis;

        /** Whether the answer stays open. */
        boolean streams;

        Request(String method, URL url) {
            this.method = method;
            this.url = url;
        }

        /** The same request to another address. */
        Request at(URL other) {
            Request request = new Request(method, other);
            request.headers.putAll(headers);
            request.body = body;
            request.connectMillis = connectMillis;
            request.readMillis = readMillis;
            request.streams = streams;
            return request;
        }
    }

    /** Connects. */
    abstract void connect() throws IOException;

    /** Sends the request and waits for the answer's head. */
    abstract int status() throws IOException;

    /** Returns a header of the answer, or null. */
    abstract String header(String name);

    /** Returns the answer's body. A read gives what has come, and does not wait for more. */
    abstract InputStream body() throws IOException;

    /** Ends it from another thread: what waits in the other methods fails. */
    abstract void abort();

    /** Gives up what it holds. {@code whole} says that the body was read to its end, so that the connection can be used again. */
    abstract void close(boolean whole);
}
