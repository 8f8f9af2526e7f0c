import { ASK_TIMEOUT, POLL_SECONDS, POLL_TIMEOUT, UNWAITED } from './limits.js';

/**
 * Receives by one long poll. The first after a silence does not wait, so that the place in the log, and that the server
 * is there, are known at once. `_` differs from page to page: of equal requests a caching proxy would send one on, and let
 * the others wait for its answer. The server ignores it.
 */
export async function receiveByPoll(link) {
  const asked = link.env.now();
  const { items, cursor, retry } = await link.ask('sub', { ...link.where(), wait: link.probing ? 0 : POLL_SECONDS, _: link.tag }, { timeout: link.probing ? ASK_TIMEOUT : POLL_TIMEOUT });
  link.deliver(items, cursor);
  if (retry !== null) await link.sentAway({ retry: Number(retry) });
  else if (items.length === 0 && !link.probing && link.env.now() - asked < UNWAITED) await link.rest();
}
