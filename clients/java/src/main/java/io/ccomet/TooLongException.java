package io.ccomet;

import java.io.IOException;

/** A message or an answer is longer than is taken; asking again would bring it again. */
final class TooLongException extends IOException {
    private static final long serialVersionUID = 1;

    TooLongException(String message) {
        super(message);
    }
}
