/** Times in ms that a client goes by; each may be replaced by the option `limits`. */
export const LIMITS = {
  /** The most of the first pause after a failure; it doubles with each failure in a row. */
  retryMin: 500,
  /** The most of any pause that the server has not asked for. */
  retryMax: 30_000,
  /** A stream silent for longer is dead: the server gives a sign of life every 15 s. */
  silence: 40_000,
  /** A stream of which nothing came by then is collected by something on the way. */
  firstByte: 10_000,
  /** For how long polls take the place of such a stream, before it is tried again. */
  pollFor: 300_000,
  /** When a request that reads and has no answer is given up; the server holds a long poll for 28 s. */
  poll: 60_000,
  /** When any other request that has no answer is given up. */
  ask: 15_000,
  /** Channels that are added within this time reopen the connection only once. */
  settle: 5,
};

/** The most channels, and about the most characters of an address, that one connection has. */
export const MAX_CHANNELS = 64;
export const MAX_ADDRESS = 6_000;

/** The most messages that are kept for a reader who is slower than they come. */
export const MAX_QUEUE = 256;

/** Refusals by HTTP status that asking again will not change. */
export const FINAL = new Set([400, 401, 403, 404, 405, 413, 415, 431]);
