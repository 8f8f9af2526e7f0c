import { CCometError, isRefusal, refusalOf } from '../wire/errors.js';
import { askByScript } from '../page/ask-by-script.js';
import { pollOnce } from './poll.js';
import { watch } from './watch.js';

/** Asks by a script element. */
async function ask(caller, verb, params, timeout, signal) {
  const guard = watch(caller.env, signal);
  guard.expect(timeout);
  try {
    const answer = await askByScript(caller.env, { url: caller.url(verb, params), signal: guard.signal });
    const refusal = answer.items.find(isRefusal);
    if (refusal) throw refusalOf(refusal);
    return answer;
  } finally {
    guard.end();
  }
}

/** Long polls, and publishes, by script elements: for pages that fetch does not let through. */
export const jsonp = {
  name: 'jsonp',
  streams: false,
  check(env, { token }) {
    if (!env.document?.createElement) throw new TypeError('CComet: transport jsonp needs a document; a worker has none.');
    if (token != null) throw new TypeError('CComet: transport jsonp cannot carry a token; only fetch and WebSocket can.');
  },
  async open(link) {
    const { caller, limits, signal } = link;
    const where = link.where();
    const channels = [where.channel].flat();
    // An answer by JSONP has no headers; the epoch is told to those that do not say where they stand.
    for (const [i, channel] of channels.entries()) {
      if ([where.epoch].flat()[i] !== null || [where.seqid].flat()[i] === null) continue;
      const { items } = await ask(caller, 'sub', { channel, wait: 0, _: link.tag }, limits.ask, signal);
      link.deliver(items.filter(({ type }) => type === 'CURSOR'));
    }

    return pollOnce(link, (wait, timeout) => ask(caller, 'sub', { ...link.where(), wait, _: link.tag }, timeout, signal));
  },
  async publish(caller, message, timeout, signal) {
    if (typeof message.msg !== 'string') throw new TypeError('CComet: jsonp can publish only a text.');
    return (await ask(caller, 'pub', message, timeout, signal)).items[0];
  },
};
