import { CCometError } from '../wire/errors.js';

/**
 * Does `work({ signal, _expect })`, and rejects when it takes longer than `ms` or `outer` is aborted; `_expect` gives it more time from
 * then on, null for ever. `signal` is aborted at the end in any case.
 */
export async function bounded(outer, ms, work) {
  outer?.throwIfAborted();
  const limit = new AbortController();
  const { signal } = limit;
  let timer;
  try {
    return await new Promise((resolve, reject) => {
      const _expect = ms => {
        clearTimeout(timer);
        // Work may go on for a moment after its end.
        if (ms !== null && !signal.aborted) timer = setTimeout(() => reject(new CCometError(`Silent for ${ms / 1000} s.`, { _isLate: true })), ms);
      };
      outer?.addEventListener('abort', () => reject(outer.reason), { signal });
      _expect(ms);
      work({ signal, _expect }).then(resolve, reject);
    });
  } finally {
    clearTimeout(timer);
    limit.abort();
  }
}

/** Waits for so many ms, or until `signal` is aborted. */
export const sleep = (ms, signal) => bounded(signal, ms, () => new Promise(() => {})).catch(() => {});

/** Calls `act` once `signal`, if there is one, is aborted, unless `until` is before. */
export const whenAborted = (signal, act, until) => {
  signal?.addEventListener('abort', act, { signal: until });
  if (signal?.aborted) act();
};

/** A pause after so many failures in a row: a random share of what doubles with each, or longer if the server asked for that. */
export const backoff = ({ retryMin, retryMax }, failures, retryAfter = 0) => Math.max(retryAfter, Math.random() * Math.min(retryMax, retryMin * 2 ** failures));
