package io.ccomet;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URL;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/**
 * A GET over HTTP/1.1 on a socket of its own, for what is received without TLS and without proxy where HttpURLConnection could not be
 * ended while it waits for the next piece (see {@link UrlExchange#abort()}). One request a connection.
 */
final class SocketExchange extends Exchange {
    private static final int MAX_LINE = 16_384;
    private static final int MAX_HEADERS = 200;

    private final Request request;
    private final Map<String, String> headers = new HashMap<String, String>();
    private Socket socket;
    private InputStream in;
    private boolean aborted;

    SocketExchange(Request request) {
        this.request = request;
    }

    @Override
    void connect() throws IOException {
        URL url = request.url;
        int port = url.getPort() < 0 ? url.getDefaultPort() : url.getPort();
        String host = url.getHost();
        if (host.startsWith("[")) host = host.substring(1, host.length() - 1);
        IOException failure = null;
        for (InetAddress address : InetAddress.getAllByName(host)) {
            Socket next = new Socket();
            synchronized (this) {
                if (aborted) throw new IOException("The request was ended.");
                socket = next;
            }

            try {
                next.connect(new InetSocketAddress(address, port), request.connectMillis);
                next.setTcpNoDelay(true);
                next.setSoTimeout(request.readMillis);
                return;
            } catch (IOException e) {
                next.close();
                if (failure == null) failure = e;
            }
        }

        throw failure == null ? new IOException("The host has no address.") : failure;
    }

    @Override
    int status() throws IOException {
        StringBuilder head = new StringBuilder();
        head.append(request.method).append(' ').append(request.url.getFile()).append(" HTTP/1.1\r\nHost: ").append(request.url.getHost());
        if (request.url.getPort() >= 0) head.append(':').append(request.url.getPort());
        head.append("\r\nConnection: close\r\n");
        for (Map.Entry<String, String> header : request.headers.entrySet()) head.append(header.getKey()).append(": ").append(header.getValue()).append("\r\n");
        socket.getOutputStream().write(head.append("\r\n").toString().getBytes(Bytes.UTF_8));
        in = new BufferedInputStream(socket.getInputStream());
        int status;
        do {
            status = readHead();
        } while (status >= 100 && status < 200);
        return status;
    }

    private int readHead() throws IOException {
        String line = readLine(in);
        if (!line.startsWith("HTTP/1.") || line.length() < 12 || line.charAt(8) != ' ') throw new IOException("What came is no answer of HTTP.");
        int status;
        try {
            status = Integer.parseInt(line.substring(9, 12));
        } catch (NumberFormatException e) {
            throw new IOException("What came is no answer of HTTP.");
        }

        headers.clear();
        for (int count = 0; !(line = readLine(in)).isEmpty(); count++) {
            int colon = line.indexOf(':');
            if (colon < 1 || count == MAX_HEADERS) throw new IOException("The head of the answer is wrong.");
            headers.put(line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).trim());
        }

        return status;
    }

    @Override
    String header(String name) {
        return headers.get(name.toLowerCase(Locale.ROOT));
    }

    @Override
    InputStream body() throws IOException {
        String encoding = header("Transfer-Encoding");
        if (encoding != null && encoding.toLowerCase(Locale.ROOT).endsWith("chunked")) return new Chunked(in);
        String length = header("Content-Length");
        if (length == null) return in;
        try {
            return new Counted(in, Long.parseLong(length));
        } catch (NumberFormatException e) {
            throw new IOException("The head of the answer is wrong.");
        }
    }

    @Override
    void abort() {
        Socket open;
        synchronized (this) {
            aborted = true;
            open = socket;
        }

        try {
            if (open != null) open.close();
        } catch (IOException alreadyGone) {
            // It is closed all the same.
        }
    }

    @Override
    void close(boolean whole) {
        abort();
    }

    private static String readLine(InputStream in) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int b; (b = in.read()) != '\n';) {
            if (b < 0) throw new EOFException("The answer was cut.");
            if (line.size() == MAX_LINE) throw new IOException("The head of the answer is too long.");
            line.write(b);
        }

        String text = line.toString("ISO-8859-1");
        return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
    }

    /** A body of a given length. */
    private static final class Counted extends InputStream {
        private final InputStream in;
        private long left;

        Counted(InputStream in, long left) {
            this.in = in;
            this.left = left;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int from, int length) throws IOException {
            if (left <= 0) return -1;
            int read = in.read(bytes, from, (int) Math.min(length, left));
            if (read < 0) throw new EOFException("The answer was cut.");
            left -= read;
            return read;
        }
    }

    /** A body in chunks. */
    private static final class Chunked extends InputStream {
        private final InputStream in;
        private long left;
        private boolean begun;
        private boolean over;

        Chunked(InputStream in) {
            this.in = in;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int from, int length) throws IOException {
            if (left == 0 && !over) nextChunk();
            if (over) return -1;
            int read = in.read(bytes, from, (int) Math.min(length, left));
            if (read < 0) throw new EOFException("The answer was cut.");
            left -= read;
            return read;
        }

        private void nextChunk() throws IOException {
            if (begun && !readLine(in).isEmpty()) throw new IOException("A chunk of the answer is wrong.");
            begun = true;
            String size = readLine(in);
            int end = size.indexOf(';');
            try {
                left = Long.parseLong((end < 0 ? size : size.substring(0, end)).trim(), 16);
            } catch (NumberFormatException e) {
                throw new IOException("A chunk of the answer is wrong.");
            }

            if (left < 0) throw new IOException("A chunk of the answer is wrong.");
            if (left > 0) return;
            over = true;
            for (int count = 0; !readLine(in).isEmpty(); count++) {
                if (count == MAX_HEADERS) throw new IOException("The answer is wrong.");
            }
        }
    }
}
