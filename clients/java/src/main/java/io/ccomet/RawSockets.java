package io.ccomet;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import javax.net.ssl.SSLSocketFactory;

/**
 * Makes TLS sockets by another factory, and remembers the socket that each is made on, so that it can be closed: closing the TLS
 * socket itself may wait for a read that is under way.
 */
final class RawSockets extends SSLSocketFactory {
    private final SSLSocketFactory factory;
    private Socket last;
    private boolean closed;

    RawSockets(SSLSocketFactory factory) {
        this.factory = factory;
    }

    synchronized void close() {
        closed = true;
        try {
            if (last != null) last.close();
        } catch (IOException alreadyGone) {
            // It is closed all the same.
        }
    }

    @Override
    public Socket createSocket(Socket socket, String host, int port, boolean autoClose) throws IOException {
        synchronized (this) {
            last = socket;
            if (closed) {
                socket.close();
                throw new SocketException("The request was ended.");
            }
        }

        return factory.createSocket(socket, host, port, autoClose);
    }

    @Override
    public String[] getDefaultCipherSuites() {
        return factory.getDefaultCipherSuites();
    }

    @Override
    public String[] getSupportedCipherSuites() {
        return factory.getSupportedCipherSuites();
    }

    // HttpsURLConnection makes the socket itself, and puts TLS on it, when a factory says by this that it makes none that are not connected.
    @Override
    public Socket createSocket() throws IOException {
        throw unsupported();
    }

    @Override
    public Socket createSocket(String host, int port) throws IOException {
        throw unsupported();
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress localHost, int localPort) throws IOException {
        throw unsupported();
    }

    @Override
    public Socket createSocket(InetAddress host, int port) throws IOException {
        throw unsupported();
    }

    @Override
    public Socket createSocket(InetAddress address, int port, InetAddress localAddress, int localPort) throws IOException {
        throw unsupported();
    }

    private static SocketException unsupported() {
        SocketException exception = new SocketException("Only TLS on a socket that is there.");
        exception.initCause(new UnsupportedOperationException());
        return exception;
    }
}
