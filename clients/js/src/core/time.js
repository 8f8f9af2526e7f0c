import { CCometError } from '../wire/errors.js';

/** Waits for so many ms, or until `signal` is aborted. */
export const sleep = (ms, signal) => new Promise(resolve => {
  const end = () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
    resolve();
  };
  const timer = setTimeout(end, ms);
  signal?.addEventListener('abort', end);
  if (signal?.aborted) end();
});

/**
 * Does `work({ signal, _expect })`, and rejects when it takes longer than `ms` or `outer` is aborted; `_expect` gives it more time from
 * then on, 0 for ever. `signal` is aborted at the end in any case.
 */
export function bounded(outer, ms, work) {
  return new Promise((resolve, reject) => {
    const limit = new AbortController();
    let timer;
    const end = (settle, value) => {
      clearTimeout(timer);
      outer?.removeEventListener('abort', onAbort);
      settle(value);
      limit.abort();
    };
    const onAbort = () => end(reject, new CCometError('Given up.'));
    const _expect = ms => {
      clearTimeout(timer);
      if (ms) timer = setTimeout(() => end(reject, new CCometError(`Silent for ${ms / 1000} s.`, { _isLate: true })), ms);
    };
    if (outer?.aborted) return onAbort();
    outer?.addEventListener('abort', onAbort);
    _expect(ms);
    work({ signal: limit.signal, _expect }).then(value => end(resolve, value), error => end(reject, error));
  });
}

/** A pause after so many failures in a row: a random share of what doubles with each, or longer if the server asked for that. */
export const backoff = ({ retryMin, retryMax }, failures, retryAfter = 0) => Math.max(retryAfter, Math.random() * Math.min(retryMax, retryMin * 2 ** failures));
