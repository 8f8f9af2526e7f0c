import { readCursor, readOneOf } from '../wire/cursor.js';
import { isRefusal, readPause, refusalOf } from '../wire/errors.js';
import { LONGEST_PAUSE } from '../wire/limits.js';
import { FINAL, MAX_ADDRESS, MAX_CHANNELS } from './limits.js';
import { poll } from './poll.js';
import { asError } from './server.js';
import { backoff, bounded, sleep } from './time.js';

/** A token is not asked for again sooner than this, in ms, as long as the one at hand holds. */
const LEAST_LIFE = 1_000;

/** So much earlier than it was set to, in ms, may a timer end. */
const EARLY = 5;

/**
 * Makes one connection, shared by subscriptions of different channels: one request at a time for all of them, made again for as long
 * as there is one. A flight is such a request.
 *
 * A member is a subscription: `channel`, `_name` (the channel as the server repeats it), `_length` (about what it adds to an
 * address), `_place`, `_room()` (a promise while it has no room for more), and what it is told: `_deliver(items, after)`, `_open()`,
 * `_away(error?)`, `_warn(error)`, `_beginAgain()`, `_end(state, error)`.
 * @param {() => void} left is called when the last member has left
 */
export function makeLine(server, transport, isAuto, left) {
  const limits = server._limits;
  const members = new Set();
  let flight, successor, pausing;
  let isRunning, settling;
  let isProbing = true;
  let failures = 0;
  let pollUntil = -Infinity;

  const abort = () => {
    flight?.abort();
    successor?.abort();
    successor = null;
  };

  /** Another set of channels is another request; those that come together share it. */
  const change = () => {
    settling ??= setTimeout(() => {
      settling = null;
      if (isRunning) abort();
      else run();
    }, limits.settle);
  };

  const leave = member => {
    if (!members.delete(member)) return;
    if (members.size > 0) return change();
    left();
    abort();
    pausing?.abort();
  };

  const run = async () => {
    isRunning = true;
    while (members.size > 0) {
      const current = flight = successor ?? fly();
      successor = null;
      let pause;
      try {
        const bye = await current._ended;
        isProbing = bye;
        if (bye) pause = sentAway(bye, current);
      } catch (cause) {
        isProbing = true;
        // Aborted on purpose, or what takes its place is on its way.
        if (!current.signal.aborted && !successor) pause = await recover(cause, current, current._members);
      }

      current.abort();
      if (pause > 0 && members.size > 0) {
        pausing = new AbortController();
        await sleep(pause, pausing.signal);
      }
    }

    isRunning = false;
  };

  const fly = token => {
    const one = Object.assign(new AbortController(), { _members: [...members], _transport: isAuto && performance.now() < pollUntil ? poll : transport, _token: token });
    one._ended = open(one);
    // Looked at by run(), which may come to it later.
    one._ended.catch(() => {});
    return one;
  };

  const open = async one => {
    const { signal, _transport } = one;
    await room(one);
    if (_transport._streams) one._token ??= await server._getToken(true);
    signal.throwIfAborted();
    return _transport._open(self, one);
  };

  /** A promise while a member has no room for more; it ends with the flight as well. */
  const room = ({ _members, signal }) => {
    const full = _members.map(member => member._room()).filter(Boolean);
    if (full.length > 0) return bounded(signal, null, () => Promise.all(full)).catch(() => {});
  };

  /** Who asks, and from where on. Among several channels each has a value, which may be empty. */
  const where = ({ _members }) => {
    const all = name => (_members.length === 1 ? _members[0]._place[name] : _members.map(({ _place }) => _place[name]));
    return { channel: _members.map(({ channel }) => channel), seqid: all('next'), epoch: all('epoch') };
  };

  const ask = (one, params, how) => server._ask('sub', { ...where(one), ...params }, { ...how, signal: one.signal });

  const deliver = (one, items, cursor) => {
    if (one.signal.aborted) return;
    // The new stream has begun: the old one is over. What comes by both is dropped the second time.
    if (one === successor) flight.abort();
    failures = 0;
    if (one._transport._streams) {
      server._accepted(one._token, items.find(item => item.type === 'CURSOR')?.expires);
      if (!one._isRenewing && server._dueIn() < Infinity) renew(one);
    }

    const isAlone = !one._members[1];
    const cursors = isAlone ? [readCursor(cursor)] : (cursor ?? '').split(',').map(readOneOf);
    one._members.forEach((member, i) => {
      if (!members.has(member)) return;
      member._deliver(items.filter(({ channel }) => isAlone || channel === member._name), cursors[i]);
      member._open();
    });
  };

  /** Delivers a part of a stream, and throws the refusal in it, if there is one. Gives the end that the server announces. */
  const take = (one, items, cursor) => {
    const refusal = items.find(isRefusal);
    // It may have a seqid, though it is no message.
    const rest = items.filter(item => item !== refusal);
    if (rest[0] || !refusal) deliver(one, rest, cursor);
    if (refusal) throw refusalOf(refusal);
    return items.find(item => item.type === 'BYE');
  };

  /**
   * Before the token of a stream is over, opens a second stream by the next one, which then takes over. If that fails, it is tried
   * again when next something comes by the first; in the end the server says that it is over.
   */
  const renew = async one => {
    const { signal } = one;
    one._isRenewing = true;
    // A timer may end a moment early, and nothing may come on this stream again.
    await sleep(Math.min(server._dueIn(), LONGEST_PAUSE) + EARLY, signal);
    if (server._dueIn() <= 0 && !signal.aborted) {
      let token;
      try {
        token = await server._getToken(false, true);
        if (token !== one._token && !signal.aborted) await (successor = fly(token))._ended;
      } catch (cause) {
        // Has the new stream begun, then it has taken over, and run() looks after it.
        if (signal.aborted) return;
        successor = null;
        server._drop(token);
        for (const member of one._members) member._warn(asError(cause));
      }

      await sleep(LEAST_LIFE, signal);
    }

    one._isRenewing = false;
  };

  /** The server ends what it sends on purpose, and has told when to come back. */
  const sentAway = ({ retry, reason }, one) => {
    if (reason === 'expired') server._drop(one._token);
    for (const member of one._members) member._away();
    return readPause(Number(retry)) ?? backoff(limits, 0);
  };

  /** Something failed for some members. Gives the pause after which to try again; undefined when it is over for them. */
  const recover = async (cause, one, concerned) => {
    const error = asError(cause);
    const rest = concerned.filter(member => members.has(member));
    const isFinal = FINAL.has(error.status);
    const isBeyond = error.code === '402';
    const end = state => {
      for (const member of rest) {
        leave(member);
        member._end(state, error);
      }
    };
    if (error.status === 401 && one._transport._streams && server._refused(one._token)) return 0;
    // Whose place was taken is not told, among several.
    if (error.code === '409') return end('replaced');
    if (rest.length > 1 && (isFinal || isBeyond)) {
      // Several were refused together: finds out which, so that the others go on.
      let pause;
      for (const member of rest) {
        try {
          const { json, cursor } = await ask({ _members: [member], signal: one.signal }, { wait: 0 });
          member._deliver(json, readCursor(cursor));
        } catch (why) {
          if (one.signal.aborted) return;
          pause = Math.max(pause ?? 0, (await recover(why, one, [member])) ?? 0);
        }
      }

      return pause ?? end('refused');
    }

    if (isFinal) return end('refused');
    if (error._isKept && isAuto && one._transport !== poll) {
      pollUntil = performance.now() + limits.pollFor;
      return 0;
    }

    error.retryIn = backoff(limits, failures++, error.retryAfter);
    for (const member of rest) {
      if (isBeyond) member._beginAgain();
      else member._away(error);
    }

    return error.retryIn;
  };

  const self = {
    _server: server,
    _isProbing: () => isProbing,
    _hasRoomFor: ({ channel, _length }) => {
      let length = _length;
      for (const member of members) length += member.channel === channel ? MAX_ADDRESS : member._length;
      return members.size < MAX_CHANNELS && length <= MAX_ADDRESS;
    },
    _join(member) {
      members.add(member);
      change();
    },
    _leave: leave,

    /** Tries again at once. */
    _wake() {
      failures = 0;
      abort();
      pausing?.abort();
    },

    // For transports.
    _room: room,
    _where: where,
    _url: (one, verb) => server._url(verb, where(one)),
    _ask: ask,
    _deliver: deliver,
    _take: take,
  };
  return self;
}
