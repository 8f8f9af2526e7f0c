package io.ccomet.conformance;

import io.ccomet.CComet;
import io.ccomet.CCometException;
import io.ccomet.Cursor;
import io.ccomet.Gap;
import io.ccomet.GapException;
import io.ccomet.Json;
import io.ccomet.Listener;
import io.ccomet.Message;
import io.ccomet.PublishOptions;
import io.ccomet.Receipt;
import io.ccomet.Subscription;
import io.ccomet.TokenSource;
import io.ccomet.Transport;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;

/**
 * Plays the scenarios of {@code clients/conformance}: takes commands on the standard input and tells events on the standard output, one
 * JSON object a line. With {@code onGap} it uses the listener, without it the iterator, so that both are played.
 */
public final class Adapter {
    private final Map<String, Subscription> subscriptions = new ConcurrentHashMap<>();
    private final Map<String, Boolean> listening = new ConcurrentHashMap<>();
    private final ExecutorService threads = Executors.newCachedThreadPool(new ThreadFactory() {
        @Override
        public Thread newThread(Runnable task) {
            Thread thread = new Thread(task, "adapter");
            thread.setDaemon(true);
            return thread;
        }
    });
    private final PrintStream out;
    private CComet client;

    private Adapter(PrintStream out) {
        this.out = out;
    }

    /**
     * Runs the adapter until {@code close} or the end of the input.
     *
     * @param arguments none
     * @throws IOException the input or output is broken
     */
    public static void main(String[] arguments) throws IOException {
        new Adapter(new PrintStream(System.out, false, "UTF-8")).run(new BufferedReader(new InputStreamReader(System.in, "UTF-8")));
    }

    private void run(BufferedReader in) throws IOException {
        tell("ready", "sdk", "java", "features", Arrays.asList("stream", "poll", "token", "publish", "many", "start"));
        for (String line; (line = in.readLine()) != null;) {
            Map<?, ?> command = (Map<?, ?>) Json.read(line);
            switch ((String) command.get("do")) {
                case "open": open(command); break;
                case "subscribe": subscribe(command); break;
                case "publish": publish(command); break;
                case "unsubscribe": unsubscribe((String) command.get("id")); break;
                case "close": close(); return;
                default: throw new IOException("The command " + command.get("do") + " is not known.");
            }
        }

        if (client != null) client.close();
    }

    private void unsubscribe(String id) {
        Subscription subscription = subscriptions.remove(id);
        subscription.close();
        // The iterator tells its end by itself.
        if (listening.remove(id) != null) tell("ended", "id", id);
    }

    private void close() {
        if (client != null) client.close();
        tell("closed");
    }

    private synchronized void tell(String is, Object... members) {
        Map<String, Object> event = new LinkedHashMap<>();
        event.put("is", is);
        for (int i = 0; i < members.length; i += 2) if (members[i + 1] != null) event.put((String) members[i], members[i + 1]);
        tell(event);
    }

    private synchronized void tell(Map<String, Object> event) {
        out.print(Json.write(event) + "\n");
        out.flush();
    }

    private void open(Map<?, ?> command) {
        CComet.Builder builder = CComet.builder((String) command.get("url"));
        Object transport = command.get("transport");
        if (transport != null) builder.transport(Transport.valueOf(((String) transport).toUpperCase(java.util.Locale.ROOT)));
        if (command.get("retryMin") != null || command.get("retryMax") != null) {
            long min = number(command, "retryMin", 500);
            builder.retry(min, Math.max(min, number(command, "retryMax", 30_000)));
        }

        if (command.get("silence") != null) builder.silenceTimeout(number(command, "silence", 0));
        if (command.get("firstByte") != null) builder.firstByteTimeout(number(command, "firstByte", 0));
        final List<?> tokens = (List<?>) command.get("tokens");
        if (tokens != null) {
            final Iterator<?> next = tokens.iterator();
            builder.token(new TokenSource() {
                private String last;

                @Override
                public synchronized String token() {
                    tell("token");
                    if (next.hasNext()) last = (String) next.next();
                    return last;
                }
            });
        }

        builder.onError(new io.ccomet.ErrorHandler() {
            @Override
            public void error(CCometException error) {
                System.err.println(error.status() + " " + error.detail() + " in " + error.retryInMillis() + " ms" + (error.getCause() == null ? "" : " " + error.getCause()));
            }
        });
        client = builder.build();
    }

    private static long number(Map<?, ?> command, String name, long otherwise) {
        Object value = command.get(name);
        return value instanceof Number ? ((Number) value).longValue() : otherwise;
    }

    private void subscribe(Map<?, ?> command) {
        final String id = (String) command.get("id");
        String channel = (String) command.get("channel");
        Object from = command.get("from");
        Cursor cursor = from == null ? Cursor.NOW : Cursor.parse((String) from);
        if (Boolean.TRUE.equals(command.get("onGap"))) {
            listening.put(id, true);
            subscriptions.put(id, client.listen(channel, cursor, Executors.newSingleThreadExecutor(daemons()), new Teller(id)));
            return;
        }

        final Subscription subscription = client.subscribe(channel, cursor);
        subscriptions.put(id, subscription);
        threads.execute(new Runnable() {
            @Override
            public void run() {
                iterate(id, subscription);
            }
        });
    }

    private static ThreadFactory daemons() {
        return new ThreadFactory() {
            @Override
            public Thread newThread(Runnable task) {
                Thread thread = new Thread(task, "adapter-listener");
                thread.setDaemon(true);
                return thread;
            }
        };
    }

    private void iterate(String id, Subscription subscription) {
        try {
            Cursor opened = subscription.awaitOpened();
            if (opened != null) tell("opened", "id", id, "cursor", opened.toString());
            for (Message message : subscription) tell(id, message);
        } catch (GapException e) {
            tell(id, e.gap());
        } catch (CCometException e) {
            refused(id, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }

        tell("ended", "id", id);
    }

    private void tell(String id, Message message) {
        Map<String, Object> event = new LinkedHashMap<>();
        event.put("is", "message");
        event.put("id", id);
        event.put("channel", message.channel());
        event.put("type", message.type());
        event.put("msg", message.value());
        event.put("seqid", message.seqid());
        if (message.sname() != null) event.put("sname", message.sname());
        event.put("cursor", message.cursor().toString());
        tell(event);
    }

    private void tell(String id, Gap gap) {
        tell("gap", "id", id, "from", gap.from(), "to", gap.to(), "cursor", gap.cursor().toString(), "reset", gap.reset());
    }

    private void refused(String id, CCometException error) {
        tell("refused", "id", id, "status", error.status(), "code", error.code(), "detail", error.detail(), "title", error.title(), "parameter", error.parameter());
    }

    private void publish(final Map<?, ?> command) {
        threads.execute(new Runnable() {
            @Override
            public void run() {
                String id = (String) command.get("id");
                PublishOptions options = new PublishOptions();
                if (command.get("messageId") != null) options.id((String) command.get("messageId"));
                if (command.get("sname") != null) options.sname((String) command.get("sname"));
                if (command.get("timeout") != null) options.timeoutMillis(number(command, "timeout", 0));
                try {
                    Receipt receipt = client.publish((String) command.get("channel"), command.get("msg"), options);
                    tell("receipt", "id", id, "seqid", receipt.seqid(), "duplicate", receipt.duplicate());
                } catch (CCometException e) {
                    refused(id, e);
                }
            }
        });
    }

    /** Tells what a listener hears. */
    private final class Teller implements Listener {
        private final String id;

        Teller(String id) {
            this.id = id;
        }

        @Override
        public void message(Message message) {
            tell(id, message);
        }

        @Override
        public void gap(Gap gap) {
            tell(id, gap);
        }

        @Override
        public void opened(Cursor cursor) {
            tell("opened", "id", id, "cursor", cursor.toString());
        }

        @Override
        public void ended(CCometException reason) {
            listening.remove(id);
            if (reason != null) refused(id, reason);
            tell("ended", "id", id);
        }
    }
}
