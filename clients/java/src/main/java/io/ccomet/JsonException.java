package io.ccomet;

import java.io.IOException;

/** What came is not JSON, or not what was expected. */
final class JsonException extends IOException {
    private static final long serialVersionUID = 1;

    JsonException(String message) {
        super(message);
    }
}
