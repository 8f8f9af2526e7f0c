import { readPause } from '../wire/errors.js';

/** An empty answer that came sooner than this, in ms, was not waited for; asking again at once would make a storm. */
const UNWAITED = 500;

/** The longest that one poll is held, in seconds; the server may hold it for less. */
const SECONDS = 28;

/** How one poll after another is made. The first after a failure does not wait, so that the cursor is known at once. */
export async function pollOnce(link, ask) {
  const asked = link.env.now();
  const { items, cursor, retry } = await ask(link.isProbing ? 0 : SECONDS, link.isProbing ? link.limits.ask : link.limits.poll);
  const isStorm = items.length === 0 && !link.isProbing && link.env.now() - asked < UNWAITED;
  link.deliver(items, cursor);
  if (retry != null) return { retry: readPause(Number(retry)) };
  return isStorm ? { retry: link.limits.retryMin, isRest: true } : undefined;
}

/** Long polls by fetch. */
export const poll = {
  name: 'poll',
  streams: false,
  check() {},
  open: link => pollOnce(link, (wait, timeout) => link.ask('sub', { wait, _: link.tag }, { timeout, isConnect: true })),
};
