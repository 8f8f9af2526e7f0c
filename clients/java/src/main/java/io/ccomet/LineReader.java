package io.ccomet;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/** Reads lines of UTF-8 as they come: a line is given when its end has come, whatever the pieces in which it came. */
final class LineReader {
    private static final int BUFFER = 8192;

    private final InputStream in;
    private final int max;
    private byte[] buffer = new byte[BUFFER];
    private int from;
    private int to;

    LineReader(InputStream in, int max) {
        this.in = in;
        this.max = max;
    }

    /** Returns the next line without its end; null at the end of the stream. What is left of a line that was cut off is dropped. */
    String next() throws IOException {
        for (int looked = from;;) {
            for (; looked < to; looked++) {
                if (buffer[looked] != '\n') continue;
                int length = looked - from - (looked > from && buffer[looked - 1] == '\r' ? 1 : 0);
                String line = Bytes.decode(buffer, from, length);
                from = looked + 1;
                if (from == to) clear();
                return line;
            }

            looked -= makeRoom();
            int read = in.read(buffer, to, buffer.length - to);
            if (read < 0) return null;
            to += read;
        }
    }

    /** Makes room behind what is there; gives by how much that was moved to the front. */
    private int makeRoom() throws IOException {
        if (to < buffer.length) return 0;
        if (to - from >= max) throw new TooLongException("A message has more than " + max + " bytes.");
        int moved = from;
        if (from > 0) System.arraycopy(buffer, from, buffer, 0, to - from);
        else buffer = Arrays.copyOf(buffer, (int) Math.min((long) buffer.length * 2, (long) max + BUFFER));
        to -= moved;
        from = 0;
        return moved;
    }

    /** One long message must not keep its memory for the life of the stream. */
    private void clear() {
        from = to = 0;
        if (buffer.length > BUFFER * 8) buffer = new byte[BUFFER];
    }
}
