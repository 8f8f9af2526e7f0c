import { asSent, encode } from '../wire/query.js';

/** What a connection knows of a member's channel: `name` as the server repeats it, and about what it adds to an address. */
export const memberOf = channel => ({ channel, name: asSent(channel), length: encode(channel).length + 60 });
