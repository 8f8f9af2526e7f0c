import io.ccomet.*;
import java.util.concurrent.*;

/** The lines of the documentation, as they stand there. */
public final class Documented {
    private static final BlockingQueue<String> SHOWN = new LinkedBlockingQueue<>();

    private Documented() {
    }

    private static String token() {
        return "a.token.ofOnesOwn";
    }

    private static void show(String text) {
        SHOWN.add(text);
        System.out.println(text);
        if (text.equals("last")) throw new IllegalStateException("enough");
    }

    public static void main(String[] arguments) throws Exception {
        String url = arguments[0];
        Cursor saved = Cursor.START;
        Executor executor = Executors.newSingleThreadExecutor(task -> {
            Thread thread = new Thread(task);
            thread.setDaemon(true);
            return thread;
        });
        CountDownLatch heard = new CountDownLatch(1);

        CComet c = CComet.builder(url).token(() -> token()).build();
        c.publish("lobby", "first");
        c.publish("lobby", "last");
        try {
            try (Subscription s = c.subscribe("lobby", Cursor.START)) { for (Message m : s) { show(m.text()); saved = m.cursor(); } }
        } catch (IllegalStateException enough) {
            // Leaving the loop ended the subscription.
        }

        c.listen("lobby", saved, executor, new Listener() { public void message(Message m) { } public void gap(Gap g) { } });
        c.listen("lobby", saved, executor, new Listener() { public void message(Message m) { if (heard.getCount() > 0) System.out.println("heard " + m.text()); heard.countDown(); } public void gap(Gap g) { } });
        heard.await();
        Receipt receipt = c.publish("lobby", java.util.Collections.singletonMap("text", "hi"));
        System.out.println(receipt.seqid() + " " + receipt.duplicate());
        c.close();
    }
}
