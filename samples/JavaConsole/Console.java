import io.ccomet.CComet;
import io.ccomet.Cursor;
import io.ccomet.GapException;
import io.ccomet.Message;
import io.ccomet.Receipt;
import io.ccomet.RefusedException;
import io.ccomet.Subscription;
import java.io.File;
import java.io.FileWriter;
import java.io.IOException;
import java.io.Writer;
import java.util.Scanner;

/** Follows a channel from where it was left the last time, or publishes what stands on the command line. See README.md. */
public final class Console {
    private Console() {
    }

    public static void main(String[] arguments) throws IOException {
        if (arguments.length < 2) {
            System.err.println("Usage: java … Console URL CHANNEL [TEXT]");
            System.exit(2);
        }

        String url = arguments[0];
        String channel = arguments[1];
        CComet.Builder builder = CComet.builder(url);
        // A function, so that a token that is over is followed by the next. Here it is one of the environment.
        if (System.getenv("CCOMET_TOKEN") != null) builder.token(() -> System.getenv("CCOMET_TOKEN"));
        try (CComet c = builder.build()) {
            if (arguments.length > 2) publish(c, channel, arguments[2]);
            else follow(c, channel, new File(channel.replaceAll("[^A-Za-z0-9.-]", "_") + ".cursor"));
        } catch (RefusedException e) {
            System.err.println("Refused: " + e.detail());
            System.exit(1);
        }
    }

    private static void publish(CComet c, String channel, String text) {
        Receipt receipt = c.publish(channel, text);
        System.out.println(receipt.seqid() + (receipt.duplicate() ? " (duplicate)" : ""));
    }

    private static void follow(CComet c, String channel, File file) throws IOException {
        Cursor saved = read(file);
        while (true) {
            try (Subscription s = c.subscribe(channel, saved)) {
                for (Message m : s) {
                    System.out.println((m.sname() == null ? "" : m.sname() + ": ") + m.text());
                    saved = m.cursor();
                    write(file, saved);
                }

                return;
            } catch (GapException e) {
                System.err.println(e.gap());
                saved = e.gap().cursor();
            }
        }
    }

    private static Cursor read(File file) throws IOException {
        if (!file.exists()) return Cursor.START;
        try (Scanner scanner = new Scanner(file, "UTF-8")) {
            return Cursor.parse(scanner.nextLine());
        }
    }

    private static void write(File file, Cursor cursor) throws IOException {
        try (Writer writer = new FileWriter(file)) {
            writer.write(cursor + "\n");
        }
    }
}
