package io.ccomet;

import static io.ccomet.ScriptServer.cursor;
import static io.ccomet.ScriptServer.msg;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import io.ccomet.ScriptServer.Connection;
import java.io.FileInputStream;
import java.io.InputStream;
import java.net.InetAddress;
import java.security.KeyStore;
import java.util.Iterator;
import java.util.concurrent.FutureTask;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.Timeout;

/** The real clock, threads and sockets; and TLS. */
public class RealTest {
    @Rule
    public final Timeout timeout = Timeout.millis(ManualEnv.PATIENCE);

    private static Thread[] clientThreads() {
        Thread[] all = new Thread[Thread.activeCount() * 2 + 100];
        ThreadGroup root = Thread.currentThread().getThreadGroup();
        while (root.getParent() != null) root = root.getParent();
        int count = root.enumerate(all);
        java.util.List<Thread> found = new java.util.ArrayList<>();
        for (int i = 0; i < count; i++) if (all[i].getName().startsWith("ccomet-")) found.add(all[i]);
        return found.toArray(new Thread[0]);
    }

    @Test
    public void closed_client_leaves_no_thread_and_no_socket() throws Exception {
        try (ScriptServer server = new ScriptServer()) {
            CComet client = CComet.builder(server.url()).build();
            Subscription s = client.subscribe("a", Cursor.START);
            Connection stream = server.stream().lines(cursor("e", 0), msg(0, "x"));
            assertEquals("x", s.iterator().next().text());
            FutureTask<Receipt> publishing = new FutureTask<>(() -> client.publish("a", "y"));
            Thread publisher = new Thread(publishing, "publisher");
            publisher.start();
            Connection kept = server.accept();
            String receipt = "[{\"type\":\"pub\",\"channel\":\"a\",\"epoch\":\"e\",\"seqid\":1}]";
            kept.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + receipt.length() + "\r\n\r\n" + receipt);
            assertEquals(1, publishing.get().seqid());
            Thread[] threads = clientThreads();
            assertTrue("There are some to end.", threads.length > 0);
            for (Thread thread : threads) assertTrue(thread.getName() + " is a daemon", thread.isDaemon());

            client.close();
            stream.awaitEnd();
            kept.awaitEnd();
            for (Thread thread : threads) thread.join(ManualEnv.PATIENCE);
            for (Thread thread : clientThreads()) thread.join(ManualEnv.PATIENCE);
            assertEquals(0, clientThreads().length);
            assertFalse(s.iterator().hasNext());
        }
    }

    @Test
    public void connection_that_is_kept_is_used_for_the_next_publish() throws Exception {
        try (ScriptServer server = new ScriptServer(); CComet client = CComet.builder(server.url()).build()) {
            Connection kept = null;
            for (int i = 0; i < 3; i++) {
                FutureTask<Receipt> publishing = new FutureTask<>(() -> client.publish("a", "y"));
                new Thread(publishing, "publisher").start();
                if (kept == null) kept = server.accept();
                else kept.read();
                String receipt = "[{\"type\":\"pub\",\"channel\":\"a\",\"epoch\":\"e\",\"seqid\":" + i + "}]";
                kept.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + receipt.length() + "\r\n\r\n" + receipt);
                assertEquals(i, publishing.get().seqid());
            }
        }
    }

    @Test
    public void stream_over_tls_is_read_and_ended_while_it_waits() throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        char[] password = "changeit".toCharArray();
        try (InputStream file = new FileInputStream(System.getProperty("ccomet.keystore"))) {
            store.load(file, password);
        }

        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, password);
        TrustManagerFactory trusted = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        KeyStore certificates = KeyStore.getInstance("PKCS12");
        certificates.load(null, null);
        certificates.setCertificateEntry("test", store.getCertificate("test"));
        trusted.init(certificates);
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(keys.getKeyManagers(), trusted.getTrustManagers(), null);
        try (ScriptServer server = new ScriptServer(tls.getServerSocketFactory().createServerSocket(0, 50, InetAddress.getLoopbackAddress()))) {
            CComet client = CComet.builder("https://127.0.0.1:" + server.port()).sslSocketFactory(tls.getSocketFactory()).build();
            Subscription s = client.subscribe("a", Cursor.START);
            Connection stream = server.stream().lines(cursor("e", 0), msg(0, "\u2604"));
            Iterator<Message> messages = s.iterator();
            assertEquals("\u2604", messages.next().text());
            client.close();
            stream.awaitEnd();
            for (Thread thread : clientThreads()) thread.join(ManualEnv.PATIENCE);
            assertEquals(0, clientThreads().length);
        }
    }
}
