import { CCometError } from '../wire/errors.js';
import { check } from './check.js';
import { FINAL, LIMITS } from './limits.js';
import { makeLine } from './line.js';
import { poll } from './poll.js';
import { serverAt } from './server.js';
import { stream } from './streams.js';
import { Subscription } from './subscription.js';
import { backoff, sleep, whenAborted } from './time.js';

/** What can be told by its name; others are imported, so that who does not use them does not load them. */
const NAMED = { auto: stream, stream, poll };

const checkChannel = channel => check(typeof channel === 'string' && channel, 'channel', 'a text');

/** The server's address, without a slash at its end. */
function baseOf(url) {
  const page = globalThis.document?.baseURI ?? globalThis.location?.href;
  const href = URL.canParse(url, page) && new URL(url, page).href;
  check(/^https?:/.test(href), 'url', `of http or https (outside a page absolute), not ${url}`);
  return href.replace(/\/?([?#].*)?$/, '');
}

/**
 * Gives a client of the server at `url`, for as long as an application lives. Its subscriptions share one connection for 64 channels.
 * Nothing is asked before something is to be subscribed or published.
 */
export function connect(url, options = {}) {
  const { token, credentials, signal, transport: name = 'auto', tabs: open = makeLine } = options;
  const transport = NAMED[name] ?? name;
  check(transport._open, 'transport', 'auto, stream, poll, or imported');
  check(open.call, 'tabs', 'imported');
  check(/^(string|function)$/.test(typeof (token ?? '')), 'token', 'a text or a function');
  check(/^(omit|same-origin|include)$/.test(credentials ?? 'omit'), 'credentials', 'omit, same-origin or include');
  transport._check?.(options);

  const limits = { ...LIMITS, ...options.limits };
  const closer = new AbortController();
  const closing = closer.signal;
  const close = () => closer.abort();
  const server = serverAt(baseOf(url), { ...options, limits, closing });
  const lines = new Set();

  const checkOpen = () => { if (closing.aborted) throw new CCometError('It is closed.'); };
  const wake = () => { for (const line of lines) line._wake(); };

  whenAborted(signal, close, closing);
  // A stream whose network went away and came back is not told so.
  globalThis.addEventListener?.('online', wake, { signal: closing });

  return {
    get closed() { return closing.aborted; },

    /** Follows a channel. */
    subscribe(channel, how) {
      checkChannel(channel);
      checkOpen();
      const room = new Subscription(channel, how);
      let line = [...lines].find(one => one._hasRoomFor(room));
      if (!line) lines.add(line = open(server, transport, name === 'auto', () => lines.delete(line), options));
      room._begin(line, closing, how?.signal);
      return room;
    },

    /** Publishes, again and again until it is stored: the id makes that it is stored once. */
    async publish(channel, msg, { id = crypto.getRandomValues(new Uint32Array(4)).join('-'), sname, timeout = 30_000, signal } = {}) {
      checkChannel(channel);
      check(msg !== undefined, 'msg', 'a text or a JSON value');
      check(timeout > 0, 'timeout', 'above 0');
      const ending = signal ? AbortSignal.any([closing, signal]) : closing;
      const deadline = performance.now() + timeout;
      const post = { channel, msg, id, sname };
      for (let failures = 0; ; failures++) {
        checkOpen();
        ending.throwIfAborted();
        try {
          const left = Math.min(limits.ask, deadline - performance.now());
          return (await (transport._publish?.(server, post, left, ending) ?? server._ask('pub', {}, { post, timeout: left, signal: ending }))).json[0];
        } catch (error) {
          // Told at the loop's begin.
          if (ending.aborted) continue;
          const pause = backoff(limits, failures, error.retryAfter);
          if (FINAL.has(error.status) || performance.now() + pause >= deadline) throw error;
          await sleep(pause, ending);
        }
      }
    },

    /** Who is there: `{ channel, epoch, seqid, count, users }`; follow `$presence:<channel>` from `epoch:seqid`. */
    async presence(channel) {
      checkChannel(channel);
      return (await server._ask('presence', { channel })).json;
    },

    /** Ends everything. */
    close,
  };
}
