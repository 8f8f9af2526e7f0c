import { isRefusal, refusalOf } from '../wire/errors.js';
import { askByScript } from '../page/ask-by-script.js';
import { pollOnce } from './poll.js';
import { bounded } from './time.js';

/** Asks by a script element. */
async function ask(server, verb, params, timeout, signal) {
  const env = { window: globalThis, document, newId: () => crypto.getRandomValues(new Uint32Array(4)).join('') };
  const { items } = await bounded(signal, timeout, ({ signal }) => askByScript(env, { url: server._url(verb, params), signal }));
  const refusal = items.find(isRefusal);
  if (refusal) throw refusalOf(refusal);
  return { json: items };
}

/** Long polls, and publishes, by script elements: for pages that fetch does not let through. */
export const jsonp = {
  _check({ token }) {
    if (!globalThis.document?.createElement) throw new TypeError('CComet: transport jsonp needs a document; a worker has none.');
    if (token != null) throw new TypeError('CComet: transport jsonp cannot carry a token; only fetch and WebSocket can.');
  },
  async _open(line, flight) {
    const { _server: server } = line;
    // An answer by JSONP has no headers: the epoch is told to those that do not say where they are.
    for (const member of flight._members) {
      const { epoch, next } = member._place;
      if (epoch !== null || next === null) continue;
      const { json } = await ask(server, 'sub', { channel: member.channel, wait: 0 }, server._limits.ask, flight.signal);
      member._deliver(json.filter(({ type }) => type === 'CURSOR'));
    }

    return pollOnce(line, flight, (wait, timeout) => ask(server, 'sub', { ...line._where(flight), wait }, timeout, flight.signal));
  },
  async _publish(server, message, timeout, signal) {
    if (typeof message.msg !== 'string') throw new TypeError('CComet: jsonp can publish only a text.');
    return ask(server, 'pub', message, timeout, signal);
  },
};
