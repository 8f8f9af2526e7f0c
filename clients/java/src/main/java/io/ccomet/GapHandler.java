package io.ccomet;

/** Hears of a gap, in order between the messages; the iteration then goes on. */
public interface GapHandler {
    /**
     * Is called on the iterating thread.
     *
     * @param gap what is lost
     */
    void gap(Gap gap);
}
