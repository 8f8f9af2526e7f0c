export const PROTOCOL = 1;

/** The longest that one poll is held, in seconds; the server may hold it for less. */
export const POLL_SECONDS = 28;

/** What has not been answered by then is lost on the way, in ms. A poll's time is above the server's own. */
export const POLL_TIMEOUT = 35_000;

export const ASK_TIMEOUT = 15_000;

/** A stream begins at once; when nothing of it came by then, something on the way collects it, in ms. */
export const FIRST_BYTES = 8_000;

/** The server gives a sign of life every 15 s on all that stays open. Two that did not come are silence, in ms. */
export const SILENCE = 33_000;

/** What is published waits this long for a WebSocket that is being opened, in ms, and is then sent by a request of its own. */
export const SOCKET_WAIT = 5_000;

/** When the page is looked at again, what was heard of less than this ago is taken to be alive, in ms; what stays open is heard of every 15 s. */
export const YOUNG = 5_000;

export const YOUNG_STREAM = 17_000;

/** Channels added one after another within this time, in ms, make a shared connection reopen only once. */
export const SETTLE = 20;

/** The most channels, and about the most characters of an address, that one connection has. */
export const MAX_CHANNELS = 64;

export const MAX_ADDRESS = 6_000;

/** An empty answer that came sooner than this, in ms, was not waited for; asking again at once would make a storm. */
export const UNWAITED = 500;

/** The code with which a WebSocket is closed after a message over its limit. */
export const TOO_LONG = 1009;

/** The codes with which a WebSocket is closed whose caller is not known, or has not the right. */
export const UNAUTHORIZED = 4401;

export const FORBIDDEN = 4403;

/** A token function that has not answered by then has failed, in ms. */
export const TOKEN_TIMEOUT = 15_000;

/** The share of a token's life, or of a ticket's, after which the next one is asked for. */
export const RENEW_AT = 0.75;

/** A token is not asked for again sooner than this, in ms, as long as the one at hand holds. */
export const LEAST_LIFE = 1_000;

/** While the token at hand holds, a token function that fails is called again after pauses that grow up to this, in ms. */
export const LONGEST_RENEWAL = 60_000;

/** For how long a ticket is asked for, in seconds; the server gives none for longer. */
export const TICKET_SECONDS = 60;

/** What a ticket must be good for, by the verb of the address. */
export const RIGHTS = { sub: ['subscribe'], pub: ['publish'], sign: ['subscribe', 'publish'] };

/** Refusals, in the server's own words, that asking again will not change. */
export const FINAL = new Set(['400', '401', '403']);

/** What fetch knows of credentials; undefined is its default. */
export const COOKIES = new Set([undefined, null, 'omit', 'same-origin', 'include']);

/** The states in which nothing is asked. */
export const RESTING = new Set(['replaced', 'refused', 'closed']);
