import { CCometError, readPause } from '../wire/errors.js';
import { lineReader } from '../wire/lines.js';
import { asError, readJson, refusal } from './server.js';
import { bounded } from './time.js';

/**
 * A transport by a stream that fetch reads. `reader()` gives a function that turns each piece of the stream into
 * `{ items, cursor, retry }`.
 */
export const streamed = (verb, type, reader) => ({
  _streams: true,
  async _open(line, flight) {
    const limits = line._server._limits;
    let hasBegun = false;
    let retryAfter;
    try {
      return await bounded(flight.signal, limits.firstByte, async ({ signal, _expect }) => {
        const answer = await line._server._send(line._url(flight, verb), { _accept: type, token: flight._token, signal });
        if (!answer.ok || !answer.headers.get('Content-Type')?.startsWith(type)) throw refusal(answer, await readJson(answer));

        const body = answer.body.getReader();
        const read = reader();
        for (;;) {
          const { done, value } = await body.read();
          if (done) throw new CCometError('The stream was cut.');
          hasBegun = true;
          _expect(null);
          const { items, cursor, retry } = read(value);
          if (retry) retryAfter = readPause(Number(retry));
          const bye = line._take(flight, items, cursor);
          if (bye) return bye;
          // What nobody has room for stays in the socket.
          await line._room(flight);
          _expect(limits.silence);
        }
      });
    } catch (cause) {
      const error = asError(cause);
      error._isKept = error._isLate && !hasBegun;
      error.retryAfter ??= retryAfter;
      throw error;
    }
  },
});

/** Newline-delimited JSON. */
export const stream = /* @__PURE__ */ streamed('stream', 'application/x-ndjson', () => {
  const read = lineReader();
  return piece => ({ items: read(piece).map(line => JSON.parse(line)) });
});
