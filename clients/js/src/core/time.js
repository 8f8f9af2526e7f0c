import { CCometError } from '../wire/errors.js';

/** All that is used of the platform, but for what only one transport uses. The option `env` replaces any of it. */
export const platform = {
  fetch: (...args) => fetch(...args),
  setTimeout: (fn, ms) => setTimeout(fn, ms),
  clearTimeout: timer => clearTimeout(timer),
  /** In ms, for lengths of time: a clock that nobody sets. */
  now: () => performance.now(),
  random: () => Math.random(),
};

/** Waits for so many ms, or until `signal` is aborted. */
export const sleep = (env, ms, signal) => new Promise(resolve => {
  const end = () => {
    env.clearTimeout(timer);
    signal?.removeEventListener('abort', end);
    resolve();
  };
  const timer = env.setTimeout(end, ms);
  signal?.addEventListener('abort', end);
  if (signal?.aborted) end();
});

/**
 * Does `work({ signal, expect })`, and rejects when it takes longer than `ms` or `outer` is aborted; `expect` gives it more time from
 * then on, 0 for ever. `signal` is aborted at the end in any case.
 */
export function bounded(env, outer, ms, work) {
  return new Promise((resolve, reject) => {
    const limit = new AbortController();
    let timer;
    const end = (settle, value) => {
      env.clearTimeout(timer);
      outer?.removeEventListener('abort', onAbort);
      settle(value);
      limit.abort();
    };
    const onAbort = () => end(reject, new CCometError('Given up.'));
    const expect = ms => {
      env.clearTimeout(timer);
      if (ms) timer = env.setTimeout(() => end(reject, new CCometError(`Nothing came within ${ms / 1000} s.`, { _isLate: true })), ms);
    };
    if (outer?.aborted) return onAbort();
    outer?.addEventListener('abort', onAbort);
    expect(ms);
    work({ signal: limit.signal, expect }).then(value => end(resolve, value), error => end(reject, error));
  });
}

/** A pause after so many failures in a row: a random share of what doubles with each, or longer if the server asked for that. */
export const backoff = (env, { retryMin, retryMax }, failures, retryAfter = 0) => Math.max(retryAfter, env.random() * Math.min(retryMax, retryMin * 2 ** failures));
