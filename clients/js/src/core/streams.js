import { CCometError, isRefusal, readPause, refusalBy, refusalOf } from '../wire/errors.js';
import { eventReader } from '../wire/events.js';
import { lineReader } from '../wire/lines.js';
import { readText } from '../wire/requests.js';
import { asError } from './caller.js';
import { watch } from './watch.js';

/** The events of a piece of server-sent events: `{ items, cursor, retry }`. */
function readEvents() {
  const read = eventReader();
  return piece => {
    const events = read(piece);
    const told = events.filter(({ data }) => data !== undefined).map(({ event, data }) => [event, JSON.parse(data)]);
    return {
      // A ticket is for those that cannot say who they are by a header.
      items: told.filter(([event]) => event !== 'ticket').map(([event, item]) => (event === 'refused' ? { type: String(item.code), reason: item.reason } : item)),
      cursor: events.findLast(({ id }) => id !== undefined)?.id,
      retry: events.findLast(({ retry }) => retry)?.retry,
    };
  };
}

/** The objects of a piece of newline-delimited JSON. */
function readLines() {
  const read = lineReader();
  return piece => ({ items: read(piece).map(line => JSON.parse(line)) });
}

/**
 * A transport by a stream that fetch reads: not by EventSource, which tells neither the signs of life, without which a stream that
 * is kept back somewhere looks like a quiet one, nor why it was refused.
 */
const streamed = (name, verb, type, reader) => ({
  name,
  streams: true,
  check() {},
  async open(link) {
    const { env, limits } = link;
    const guard = watch(env, link.signal);
    let hasBegun = false;
    let retryAfter;
    try {
      guard.expect(limits.firstByte);
      const answer = await link.send(verb, { accept: type, signal: guard.signal });
      if (!answer.ok || !answer.headers.get('Content-Type')?.startsWith(type)) throw refusalBy(env, answer, await readText(answer, () => {}));
      const body = answer.body.getReader();
      const read = reader();
      for (;;) {
        guard.expect(hasBegun ? limits.silence : limits.firstByte);
        const { done, value } = await body.read();
        if (done) throw new CCometError('The stream was cut.', { retryAfter });
        hasBegun = true;
        guard.expect(0);
        const { items, cursor, retry } = read(value);
        if (retry) retryAfter = readPause(Number(retry));
        const refusal = items.find(isRefusal);
        const bye = items.find(item => item.type === 'BYE');
        link.deliver(items.slice(0, refusal ? items.indexOf(refusal) : undefined), cursor);
        if (refusal) throw refusalOf(refusal);
        if (bye) return bye;
        // What nobody has room for stays in the socket.
        await link.room();
      }
    } catch (cause) {
      if (guard.isLate) throw Object.assign(new CCometError(`The stream has ${hasBegun ? 'fallen silent' : 'never begun'}.`, { cause }), { isKept: !hasBegun });
      throw Object.assign(asError(cause), retryAfter && { retryAfter });
    } finally {
      guard.end();
    }
  },
});

/** Server-sent events. */
export const sse = streamed('sse', 'sse', 'text/event-stream', readEvents);

/** Newline-delimited JSON. */
export const stream = streamed('stream', 'stream', 'application/x-ndjson', readLines);
