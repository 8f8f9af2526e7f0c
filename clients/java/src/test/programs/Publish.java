import io.ccomet.CComet;
import io.ccomet.PublishOptions;

/** Publishes so many messages, one after another, and prints the seqid of each. */
public final class Publish {
    private Publish() {
    }

    public static void main(String[] arguments) {
        int count = Integer.parseInt(arguments[2]);
        try (CComet client = CComet.builder(arguments[0]).retry(10, 200).build()) {
            for (int i = 0; i < count; i++) System.out.println(client.publish(arguments[1], "m" + i, new PublishOptions().timeoutMillis(120_000)).seqid());
        }
    }
}
