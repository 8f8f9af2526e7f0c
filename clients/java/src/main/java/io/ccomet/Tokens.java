package io.ccomet;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Keeps the token of a client: asks the source when there is none, when three quarters of the life of the one at hand are over, and
 * when the server did not take it. One question at a time, on a thread of its own, so that a source that hangs holds up nothing but
 * what needs the token.
 */
final class Tokens {
    /** The share of a token's life after which the next one is asked for. */
    static final double RENEW_AT = 0.75;

    /** A source that has not answered by then has failed, in milliseconds. */
    static final long TIMEOUT = 15_000;

    /** A token is not asked for again sooner than this, in milliseconds, while it holds. */
    static final long MIN_LIFE = 1_000;

    private final Env env;
    private final TokenSource source;
    private String token;
    private boolean known;
    private long asked;
    private long life;
    private Question question;

    Tokens(Env env, TokenSource source) {
        this.env = env;
        this.source = source;
    }

    /** Whether another can be asked for. */
    boolean canRenew() {
        return source != null;
    }

    /**
     * Returns the token to go by; null for none.
     *
     * @param connects whether a connection is about to be opened: for it a token whose life is not known is asked for anew
     */
    String get(Call call, long millis, boolean connects) throws InterruptedException {
        if (source == null) return null;
        final Question current;
        synchronized (this) {
            if (known && (life > 0 ? env.now() - asked < Math.max(MIN_LIFE, RENEW_AT * life) : !connects)) return token;
            if (question == null) {
                question = new Question();
                env.execute("token", question);
            }

            current = question;
            current.waiting.add(call);
        }

        try {
            boolean answered = call.await(current, Math.min(TIMEOUT, millis));
            if (!answered) throw new CCometException(0, "token", call.aborted() ? "The request was ended." : "The token source has not answered in time.", null);
        } finally {
            synchronized (this) {
                current.waiting.remove(call);
            }
        }

        if (current.failure != null) throw new CCometException(0, "token", "No token could be had: " + current.failure, current.failure);
        return current.answer;
    }

    /** Makes the next {@link #get} ask, unless another token has been had meanwhile. */
    synchronized void drop(String old) {
        if (known && (old == null ? token == null : old.equals(token))) known = false;
    }

    private synchronized void answered(Question asking, long since) {
        question = null;
        if (asking.failure != null) return;
        token = asking.answer;
        known = true;
        asked = since;
        life = token == null ? 0 : life(token, env.wallTime() - (env.now() - since));
    }

    /** Returns how long a token holds, in milliseconds; 0 when that cannot be read. Nothing is verified: that is the server's part. */
    static long life(String token, long wallTime) {
        Map<?, ?> claims = claims(token);
        if (claims == null) return 0;
        long expires = seconds(claims.get("exp"));
        long issued = seconds(claims.get("iat"));
        if (expires <= 0) return 0;
        // A clock that is set wrong may make a token seem to be over that the server takes.
        long left = expires * 1000 - wallTime;
        long whole = issued > 0 ? (expires - issued) * 1000 : 0;
        if (left <= 0) return Math.max(0, whole);
        return whole > 0 ? Math.min(left, whole) : left;
    }

    private static long seconds(Object claim) {
        if (!(claim instanceof Number)) return 0;
        double value = ((Number) claim).doubleValue();
        return value > 0 && value < 1e12 ? (long) value : 0;
    }

    private static Map<?, ?> claims(String token) {
        int first = token.indexOf('.');
        int second = token.indexOf('.', first + 1);
        if (first < 0 || second < 0) return null;
        byte[] bytes = Bytes.fromBase64Url(token.substring(first + 1, second));
        if (bytes == null) return null;
        try {
            Object claims = JsonReader.read(Bytes.decode(bytes, 0, bytes.length));
            return claims instanceof Map ? (Map<?, ?>) claims : null;
        } catch (java.io.IOException notJson) {
            return null;
        }
    }

    /** The characters of RFC 6750. */
    private static boolean isToken(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || "-._~+/=".indexOf(c) >= 0;
            if (!allowed) return false;
        }

        return text.length() > 0;
    }

    private final class Question implements Runnable, Call.Condition {
        final List<Call> waiting = new ArrayList<Call>();
        volatile String answer;
        volatile Throwable failure;
        private volatile boolean done;

        @Override
        public boolean holds() {
            return done;
        }

        @Override
        public void run() {
            long since = env.now();
            try {
                answer = source.token();
                if (answer != null && !isToken(answer)) throw new IllegalArgumentException("what the token source gave has characters that no token has.");
            } catch (Throwable e) {
                failure = e;
            }

            answered(this, since);
            done = true;
            List<Call> calls;
            synchronized (Tokens.this) {
                calls = new ArrayList<Call>(waiting);
            }

            for (Call call : calls) call.signal();
        }
    }
}
