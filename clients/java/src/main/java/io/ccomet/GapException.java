package io.ccomet;

/** Ends an iteration at a gap. Subscribe again from {@link Gap#cursor()} to go on, or give a {@link GapHandler}. */
public final class GapException extends CCometException {
    private static final long serialVersionUID = 1;

    private final transient Gap gap;

    GapException(Gap gap) {
        super(0, "gap", gap.toString(), null);
        this.gap = gap;
    }

    /**
     * Returns what is lost, and from where to go on.
     *
     * @return the gap
     */
    public Gap gap() {
        return gap;
    }
}
