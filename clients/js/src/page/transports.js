import { YOUNG, YOUNG_STREAM } from './limits.js';
import { receiveByEvents } from './receive-by-events.js';
import { receiveByPoll } from './receive-by-poll.js';
import { receiveBySocket } from './receive-by-socket.js';
import { askByScript } from './ask-by-script.js';
import { askByFetch } from '../wire/requests.js';

/**
 * The transports by name. One has
 * - `ask(env, { url, post, token, cookies, signal, heard })`, one request: resolves to `{ items, cursor, retry }` or rejects with a
 *   CCometError; where it can, it calls `heard` with each piece of the answer;
 * - `receive(link)`, which gives what it gets to `link.deliver(items, cursor)`, as often as it likes, until its request
 *   has ended as planned (then it is called again), failed (then it rejects) or `link.signal` was aborted;
 * - `posts`, whether it can send a body, and so values of JSON that are not strings;
 * - `tellsCursor`, whether an answer to /sign comes with its cursor;
 * - `carries`, whether what is published goes over the connection that receives;
 * - `streams`, whether `receive` goes on for ever, and so for longer than a token holds;
 * - `byTicket`, whether `ask` has nothing but an address, in which a token must not be: it goes by tickets;
 * - `young`, for how long after it was heard of it is taken to be alive, in ms.
 */
export const transports = {
  sse: { ask: askByFetch, receive: receiveByEvents, posts: true, tellsCursor: true, carries: false, streams: true, byTicket: false, young: YOUNG_STREAM },
  fetch: { ask: askByFetch, receive: receiveByPoll, posts: true, tellsCursor: true, carries: false, streams: false, byTicket: false, young: YOUNG },
  jsonp: { ask: askByScript, receive: receiveByPoll, posts: false, tellsCursor: false, carries: false, streams: false, byTicket: true, young: YOUNG },
  websocket: { ask: askByFetch, receive: receiveBySocket, posts: true, tellsCursor: true, carries: true, streams: true, byTicket: false, young: YOUNG_STREAM },
};
