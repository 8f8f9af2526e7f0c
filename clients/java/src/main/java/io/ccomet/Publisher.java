package io.ccomet;

import java.io.IOException;
import java.util.List;

/** Publishes one message at a time, and again until it is stored: its id makes that it is stored once. */
final class Publisher {
    /** The longest that one try takes, in milliseconds. */
    private static final long TRY_TIMEOUT = 15_000;

    private static final int MAX_RECEIPT = 65_536;

    private final Hub hub;

    Publisher(Hub hub) {
        this.hub = hub;
    }

    Receipt publish(String channel, Object msg, PublishOptions options) {
        byte[] body = body(channel, msg, options).getBytes(Bytes.UTF_8);
        long deadline = hub.env.now() + options.timeoutMillis;
        Call call = new Call(hub.env);
        hub.begin(call);
        try {
            return publish(call, body, deadline);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CCometException(0, "", "The thread was interrupted; whether the message is stored is not known.", e);
        } finally {
            hub.end(call);
        }
    }

    private String body(String channel, Object msg, PublishOptions options) {
        StringBuilder body = new StringBuilder("{\"channel\":");
        JsonWriter.write(body, channel);
        body.append(",\"msg\":");
        JsonWriter.write(body, msg);
        if (options.sname != null) {
            body.append(",\"sname\":");
            JsonWriter.write(body, options.sname);
        }

        body.append(",\"id\":");
        JsonWriter.write(body, options.id != null ? options.id : hub.env.newId());
        return body.append('}').toString();
    }

    private Receipt publish(Call call, byte[] body, long deadline) throws InterruptedException {
        boolean triedToken = false;
        for (int failures = 0;;) {
            CCometException error;
            String token = null;
            try {
                token = hub.tokens.get(call, left(deadline), false);
                return ask(call, body, token, deadline);
            } catch (IOException e) {
                error = new CCometException(0, "", "The server cannot be reached.", e);
            } catch (CCometException e) {
                error = e;
            }

            if (call.aborted()) throw call.reason();
            if (Outcome.isFinal(error)) {
                if (error.status() != 401 || !hub.tokens.canRenew() || triedToken) throw new RefusedException(error);
                triedToken = true;
                hub.tokens.drop(token);
                continue;
            }

            long pause = hub.pause(failures++, error.retryAfterMillis());
            if (hub.env.now() + pause >= deadline) throw new CCometException(error.status(), "timeout", "The message was not stored in time: " + error.detail(), error);
            call.rest(pause);
            if (call.aborted()) throw call.reason();
        }
    }

    private long left(long deadline) {
        return Math.max(1, deadline - hub.env.now());
    }

    private Receipt ask(final Call call, byte[] body, String token, long deadline) throws IOException {
        Exchange.Request request = hub.wire.request("POST", "pub", "", token);
        request.headers.put("Content-Type", "application/json; charset=utf-8");
        request.headers.put("Accept", "application/json");
        request.body = body;
        int limit = (int) Math.min(TRY_TIMEOUT, left(deadline));
        request.connectMillis = Math.min(request.connectMillis, limit);
        request.readMillis = limit;
        Wire.Answer answer = hub.wire.ask(call, request, null);
        boolean whole = false;
        try {
            if (answer.status != 200) throw answer.refusal();
            List<Item> items = Item.readAll(answer.text(MAX_RECEIPT));
            whole = true;
            Item item = items.size() == 1 ? items.get(0) : null;
            if (item != null && item.isRefusal()) throw item.refusal();
            if (item == null || item.text("channel") == null || item.text("epoch") == null) throw new JsonException("The answer is no receipt.");
            return new Receipt(item.text("channel"), item.text("epoch"), item.required("seqid"), item.isTrue("duplicate"));
        } finally {
            if (!whole) answer.close(false);
        }
    }
}
