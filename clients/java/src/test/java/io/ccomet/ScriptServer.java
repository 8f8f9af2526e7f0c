package io.ccomet;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.Map;

/** A server whose every byte a test says: it accepts connections one by one, and the test reads each request and writes the answer. */
class ScriptServer implements Closeable {
    private final ServerSocket listener;
    private final List<Connection> connections = new ArrayList<>();

    ScriptServer() throws IOException {
        this(new ServerSocket(0, 50, InetAddress.getLoopbackAddress()));
    }

    ScriptServer(ServerSocket listener) throws IOException {
        this.listener = listener;
        listener.setSoTimeout((int) ManualEnv.PATIENCE);
    }

    int port() {
        return listener.getLocalPort();
    }

    String url() {
        return "http://127.0.0.1:" + port();
    }

    /** Waits for the next connection and its request. */
    Connection accept() throws IOException {
        Connection connection = new Connection(listener.accept());
        connections.add(connection);
        connection.read();
        return connection;
    }

    /** Accepts, checks the verb, and sends the head of a stream. */
    Connection stream() throws IOException {
        Connection connection = accept();
        if (!connection.path.equals("/stream")) throw new AssertionError("Expected a stream, got " + connection.line);
        connection.send(Connection.STREAM_HEAD);
        return connection;
    }

    @Override
    public void close() throws IOException {
        for (Connection connection : connections) connection.close();
        listener.close();
    }

    /** One connection, and the request that was read of it last. */
    static final class Connection implements Closeable {
        static final String STREAM_HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n";

        final Socket socket;
        String line;
        String method;
        String path;
        String query;
        String body;
        final Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);

        Connection(Socket socket) throws IOException {
            this.socket = socket;
            socket.setTcpNoDelay(true);
            socket.setSoTimeout((int) ManualEnv.PATIENCE);
        }

        void read() throws IOException {
            InputStream in = socket.getInputStream();
            line = readLine(in);
            String[] parts = line.split(" ");
            method = parts[0];
            int question = parts[1].indexOf('?');
            path = question < 0 ? parts[1] : parts[1].substring(0, question);
            query = question < 0 ? "" : parts[1].substring(question + 1);
            headers.clear();
            for (String header; !(header = readLine(in)).isEmpty();) headers.put(header.substring(0, header.indexOf(':')), header.substring(header.indexOf(':') + 1).trim());
            byte[] bytes = new byte[Integer.parseInt(headers.getOrDefault("Content-Length", "0"))];
            for (int at = 0; at < bytes.length;) at += in.read(bytes, at, bytes.length - at);
            body = new String(bytes, StandardCharsets.UTF_8);
        }

        private static String readLine(InputStream in) throws IOException {
            ByteArrayOutputStream line = new ByteArrayOutputStream();
            for (int b; (b = in.read()) != '\n';) {
                if (b < 0) throw new IOException("The client has gone.");
                if (b != '\r') line.write(b);
            }

            return line.toString("UTF-8");
        }

        /** All values of a parameter. */
        List<String> all(String name) throws IOException {
            List<String> values = new ArrayList<>();
            for (String pair : query.split("&")) if (pair.startsWith(name + "=")) values.add(URLDecoder.decode(pair.substring(name.length() + 1), "UTF-8"));
            return values;
        }

        /** The one value of a parameter; null for none. */
        String one(String name) throws IOException {
            List<String> values = all(name);
            if (values.size() > 1) throw new AssertionError(name + " repeats in " + query);
            return values.isEmpty() ? null : values.get(0);
        }

        void send(String text) throws IOException {
            send(text.getBytes(StandardCharsets.UTF_8));
        }

        void send(byte... bytes) throws IOException {
            socket.getOutputStream().write(bytes);
            socket.getOutputStream().flush();
        }

        /** Sends a chunk. */
        void chunk(String text) throws IOException {
            send(chunkOf(text));
        }

        static byte[] chunkOf(String text) throws IOException {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            out.write((Integer.toHexString(bytes.length) + "\r\n").getBytes(StandardCharsets.US_ASCII));
            out.write(bytes);
            out.write("\r\n".getBytes(StandardCharsets.US_ASCII));
            return out.toByteArray();
        }

        /** Sends lines, each in a chunk of its own. */
        Connection lines(String... lines) throws IOException {
            for (String one : lines) chunk(one + "\n");
            return this;
        }

        /** Answers, and ends. {@code headers} are whole lines. */
        void answer(String status, String type, String body, String... headers) throws IOException {
            StringBuilder head = new StringBuilder("HTTP/1.1 " + status + "\r\nContent-Type: " + type + "\r\nConnection: close\r\n");
            for (String header : headers) head.append(header).append("\r\n");
            byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
            send(head + "Content-Length: " + bytes.length + "\r\n\r\n");
            send(bytes);
            close();
        }

        void json(String body, String... headers) throws IOException {
            answer("200 OK", "application/json; charset=utf-8", body, headers);
        }

        void problem(int status, String code, String detail, String... headers) throws IOException {
            answer(status + " No", "application/problem+json", "{\"type\":\"urn:ccomet:error:" + code + "\",\"title\":\"T\",\"status\":" + status
                + ",\"detail\":\"" + detail + "\",\"code\":\"" + code + "\",\"parameter\":\"p\"}", headers);
        }

        /** Waits until the client has closed its end. */
        void awaitEnd() throws IOException {
            try {
                while (socket.getInputStream().read() >= 0) {
                    // What is left of a request.
                }
            } catch (java.net.SocketTimeoutException e) {
                throw new AssertionError("The client keeps the connection.");
            } catch (IOException e) {
                // A reset is an end as well.
            }
        }

        /** Cuts the connection in a way that cannot be taken for a good end. */
        void reset() throws IOException {
            socket.setSoLinger(true, 0);
            socket.close();
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    static String msg(long seqid, String text) {
        return "{\"type\":\"MSG\",\"channel\":\"a\",\"msg\":" + JsonWriter.write(text) + ",\"seqid\":" + seqid + ",\"time\":1790000000000}";
    }

    static String msg(String channel, long seqid, String text) {
        return msg(seqid, text).replace("\"channel\":\"a\"", "\"channel\":\"" + channel + "\"");
    }

    static String cursor(String channel, String epoch, long seqid) {
        return "{\"type\":\"CURSOR\",\"channel\":\"" + channel + "\",\"epoch\":\"" + epoch + "\",\"seqid\":" + seqid + "}";
    }

    static String cursor(String epoch, long seqid) {
        return cursor("a", epoch, seqid);
    }
}
