package io.ccomet;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.Charset;

/** Bytes and texts. */
final class Bytes {
    static final Charset UTF_8 = Charset.forName("UTF-8");

    private static final int BUFFER = 8192;

    private Bytes() {
    }

    /** Decodes UTF-8; bytes that are none are an error, never replaced. */
    static String decode(byte[] bytes, int from, int length) throws IOException {
        try {
            return UTF_8.newDecoder().onMalformedInput(CodingErrorAction.REPORT).onUnmappableCharacter(CodingErrorAction.REPORT)
                .decode(ByteBuffer.wrap(bytes, from, length)).toString();
        } catch (CharacterCodingException e) {
            throw new JsonException("What came is not UTF-8.");
        }
    }

    /** Reads to the end, at most {@code max} bytes. */
    static byte[] readAll(InputStream in, int max) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] buffer = new byte[BUFFER];
        for (int read; (read = in.read(buffer)) >= 0;) {
            if (out.size() + read > max) throw new TooLongException("The answer has more than " + max + " bytes.");
            out.write(buffer, 0, read);
        }

        return out.toByteArray();
    }

    /** Counts the bytes of a text in UTF-8. */
    static long utf8Length(String text) {
        long length = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            length += c < 0x80 ? 1 : c < 0x800 || Character.isSurrogate(c) ? 2 : 3;
        }

        return length;
    }

    /** Decodes base64url without padding; null when it is none. Android before 8.0 has no java.util.Base64. */
    static byte[] fromBase64Url(String text) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        int bits = 0;
        int value = 0;
        for (int i = 0; i < text.length(); i++) {
            int digit = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".indexOf(text.charAt(i));
            if (digit < 0) return null;
            value = (value << 6 | digit) & 0xfff;
            bits += 6;
            if (bits < 8) continue;
            bits -= 8;
            out.write(value >> bits);
        }

        return out.toByteArray();
    }
}
