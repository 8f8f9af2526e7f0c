/** The longest pauses that are obeyed, in ms: one told as a length of time, and one told as a date, which a clock that is set wrong stretches. */
export const LONGEST_PAUSE = 3_600_000;

export const LONGEST_PAUSE_TO_DATE = 300_000;

/** The most characters of one event or one answer: more than a message of 16 MiB has when each of its characters is escaped. */
export const MAX_LENGTH = 2 ** 27;

/** An answer that tells that it has no more bytes than this is read in one go. */
export const SHORT = 65_536;
