import io.ccomet.CComet;
import io.ccomet.Cursor;
import io.ccomet.Message;
import io.ccomet.Subscription;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Follows a channel until so many messages came, prints each, and then tells what of the client is left. */
public final class Follow {
    private static final long PATIENCE = 120_000_000_000L;

    private Follow() {
    }

    public static void main(String[] arguments) throws Exception {
        String url = arguments[0];
        String channel = arguments[1];
        long count = Long.parseLong(arguments[2]);
        boolean quiet = arguments.length > 3;
        CComet client = CComet.builder(url).retry(10, 200).silenceTimeout(3_000).firstByteTimeout(3_000).build();
        long came = 0;
        long seqid = -1;
        try (Subscription s = client.subscribe(channel, Cursor.START)) {
            for (Message m : s) {
                if (!quiet) System.out.println(m.seqid() + " " + m.text());
                if (m.seqid() != ++seqid) throw new IllegalStateException("Expected " + seqid + ", got " + m.seqid());
                if (++came == count) break;
            }
        }

        client.close();
        System.out.println("came " + came);
        long end = System.nanoTime() + PATIENCE;
        CountDownLatch never = new CountDownLatch(1);
        while (left() > 0) {
            if (System.nanoTime() > end) throw new IllegalStateException("Left: " + left());
            never.await(10, TimeUnit.MILLISECONDS);
        }

        System.out.println("nothing is left");
    }

    /** Counts the client's threads, and the TCP sockets of this process; the JVM keeps one of another kind for itself. */
    private static int left() throws IOException {
        int left = 0;
        for (Thread thread : Thread.getAllStackTraces().keySet()) if (thread.getName().startsWith("ccomet-")) left++;
        Set<String> sockets = new HashSet<>();
        for (String table : new String[] { "tcp", "tcp6" }) {
            for (String line : Files.readAllLines(new File("/proc/self/net/" + table).toPath(), StandardCharsets.US_ASCII)) {
                String[] fields = line.trim().split(" +");
                if (fields.length > 9) sockets.add("socket:[" + fields[9] + "]");
            }
        }

        File[] files = new File("/proc/self/fd").listFiles();
        if (files == null) throw new IOException("/proc/self/fd cannot be read.");
        for (File file : files) {
            try {
                if (sockets.contains(Files.readSymbolicLink(file.toPath()).toString())) left++;
            } catch (IOException closedMeanwhile) {
                // It is none any more.
            }
        }

        return left;
    }
}
