import { FIRST_BYTES, SILENCE } from './limits.js';
import { fetchOptions, readJson } from '../wire/requests.js';
import { CCometError, isRefusal, readPause, refusalBy, refusalOf, retryAfterOf } from '../wire/errors.js';
import { eventReader } from '../wire/events.js';

/**
 * Receives by server-sent events. Not by the browser's EventSource: that one tells neither the signs of life, without
 * which a stream that is kept back somewhere looks like a quiet one, nor why it was refused.
 */
export async function receiveByEvents(link) {
  const { env, signal } = link;
  const limit = new AbortController();
  const abort = () => limit.abort();
  signal.addEventListener('abort', abort, { once: true });
  let silence, timer, retryAfter;
  const expect = (ms, otherwise) => {
    env.clearTimeout(timer);
    timer = env.setTimeout(() => { silence = otherwise; abort(); }, ms);
  };
  try {
    expect(FIRST_BYTES, 'never begun');
    const { token, cookies } = link;
    const answer = await env.fetch(link.locate('sse', link.where()), fetchOptions({ token, cookies, signal: limit.signal, headers: { Accept: 'text/event-stream' } }));
    if (!answer.ok || !answer.headers.get('Content-Type')?.startsWith('text/event-stream')) throw refusalBy(answer, await readJson(answer, () => {}), retryAfterOf(answer, env.wallTime()));
    if (!answer.body?.getReader) throw new CCometError('This browser cannot read a stream as it comes.');
    const reader = answer.body.getReader();
    const read = eventReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw new CCometError('The stream was cut.', { retryAfter });
      expect(SILENCE, 'fallen silent');
      link.heard();
      const events = read(value);
      retryAfter = events.reduce((told, { retry }) => (retry ? readPause(Number(retry)) : told), retryAfter);
      const told = events.filter(event => event.data !== undefined).map(event => ({ by: event.event, item: JSON.parse(event.data) }));
      // A ticket is for those that cannot say who they are by a header.
      const items = told.filter(({ by }) => by !== 'ticket' && by !== 'refused').map(({ item }) => item);
      const id = events.findLast(event => event.id !== undefined)?.id;
      const refusal = told.find(({ by, item }) => by === 'refused' || isRefusal(item));
      if (refusal?.by === 'refused') throw refusalOf({ type: String(refusal.item.code), reason: refusal.item.reason });
      if (refusal) throw refusalOf(refusal.item);
      if (items.length > 0 || id !== undefined) link.deliver(items, id);
      const bye = items.find(item => item.type === 'BYE');
      if (bye) return await link.sentAway(bye);
    }
  } catch (cause) {
    if (silence) throw Object.assign(new CCometError(`The stream has ${silence}.`, { cause }), { silence });
    if (cause instanceof CCometError) throw cause;
    throw new CCometError('The server cannot be reached.', { cause, retryAfter });
  } finally {
    env.clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    // What ended by our own will would otherwise go on being sent.
    abort();
  }
}
