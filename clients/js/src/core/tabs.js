import { browserOf, unlessAborted } from '../environment.js';
import { canShare, TabGroup } from '../tabs/group.js';
import { readCursor } from '../wire/cursor.js';
import { CCometError } from '../wire/errors.js';
import { asSent, query } from '../wire/query.js';
import { subjectOf } from '../wire/token.js';
import { FINAL } from './limits.js';
import { makeLine } from './line.js';
import { asError } from './server.js';
import { backoff } from './time.js';

/** An error of another tab has come without its class. */
const known = error => (error instanceof CCometError ? error : Object.assign(new CCometError(error.detail), error));

/** What a line knows of a member of the group. */
const memberOf = (channel, sink) => ({
  channel,
  _name: asSent(channel),
  _length: query({ channel }).length + 60,
  get _place() { return sink.place(); },
  _room: () => sink.full(),
  _deliver: sink.deliver,
  _open: sink.opened,
  _away: error => (error ? sink.failed(error) : sink.away()),
  _warn: sink.warned,
  _beginAgain: sink.beginAgain,
  _end: (state, error) => sink.ended(error, state),
});

/**
 * A line that the tabs of a browser share: of those that ask the same server as the same user, one has the connection. Where tabs
 * cannot find each other, as in Node, and for JSONP, it is a line of this client alone.
 */
export function tabs(server, transport, isAuto, left, { headers, credentials = null }) {
  const env = browserOf();
  const isShared = canShare(env) && !transport._publish;
  if (!isShared) return makeLine(server, transport, isAuto, left);

  const rooms = new Map();
  const group = new TabGroup(env, {
    parts: ['connect', server._url('', {}).split('?')[0], [...new Headers(headers)], credentials],
    identify: async () => {
      const token = await server._getToken();
      return token === null ? '' : subjectOf(token);
    },
    left,
  });

  /** The transport of a connection that asks nothing before this tab leads. */
  const entering = {
    ...transport,
    _open: async (line, flight) => {
      await unlessAborted(group.enter(), flight.signal);
      return transport._open(line, flight);
    },
  };

  const lines = new Set();
  const joinOne = (member, by) => {
    let line = [...lines].find(one => one.by === by && one._hasRoomFor(member));
    if (!line) {
      line = Object.assign(makeLine(server, by, isAuto, () => lines.delete(line)), { by });
      lines.add(line);
    }

    line._join(member);
    return { leave: () => line._leave(member) };
  };

  const roomOf = subscription => {
    const { channel } = subscription;
    const read = async signal => {
      await subscription._room();
      const { epoch, next } = subscription._place;
      const { json, cursor } = await server._ask('sub', { channel, seqid: next, epoch, wait: 0 }, { signal });
      subscription._deliver(json, readCursor(cursor));
    };
    const room = {
      channel,
      member: {
        place: () => subscription._place,
        signs: () => false,
        deliver: (items, after) => subscription._deliver(items, after),
        opened: () => subscription._open(),
        away: () => subscription._away(),
        failed: error => subscription._away(known(error)),
        warned: error => subscription._warn(known(error)),
        beginAgain: () => subscription._beginAgain(),
        ended: (error, state) => subscription._end(state, known(error)),
      },
      full: () => subscription._room(),
      direct: sink => joinOne(memberOf(channel, sink), entering),
      join: (other, sink) => joinOne(memberOf(other, sink), entering),
      begin: read,
      read,
      judge: (cause, failures) => {
        const error = asError(cause);
        if (FINAL.has(error.status)) {
          leave(subscription);
          subscription._end('refused', error);
          return null;
        }

        error.retryIn = backoff(server._limits, failures, error.retryAfter);
        if (error.code === '402') subscription._beginAgain();
        else subscription._away(error);
        return error.retryIn;
      },
      alone: () => { rooms.set(subscription, { leave: joinOne(subscription, transport).leave }); },
    };
    return { room, leave: () => group.remove(room) };
  };

  const leave = subscription => {
    const one = rooms.get(subscription);
    if (rooms.delete(subscription)) one.leave();
  };

  return {
    _hasRoomFor: () => true,
    _join(subscription) {
      rooms.set(subscription, roomOf(subscription));
      group.add(rooms.get(subscription).room);
    },
    _leave: leave,
    _wake: () => { for (const line of lines) line._wake(); },
  };
}
