import { sleep } from './time.js';

/** An empty answer that came sooner than this, in ms, was not waited for; asking again at once would make a storm. */
const UNWAITED = 500;

/** The longest that one poll is held, in seconds; the server may hold it for less. */
const SECONDS = 28;

/** Makes one poll by `ask(wait, timeout)`. The first after a failure does not wait, so that the cursor is known at once. */
export async function pollOnce(line, flight, ask) {
  const limits = line._server._limits;
  const isProbing = line._isProbing();
  const asked = performance.now();
  const { json, cursor, retry } = await ask(isProbing ? 0 : SECONDS, limits.poll);
  line._deliver(flight, json, cursor);
  if (retry != null) return { retry };
  if (json.length === 0 && !isProbing && performance.now() - asked < UNWAITED) await sleep(limits.retryMin, flight.signal);
}

/** Long polls by fetch. */
export const poll = {
  _open: (line, flight) => pollOnce(line, flight, (wait, timeout) => line._ask(flight, { wait }, { timeout, _isConnect: true })),
};
