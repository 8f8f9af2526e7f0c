import { CCometError } from './wire/errors.js';

/** All that is used of the browser. */
export const browserOf = () => ({
  fetch: (...args) => globalThis.fetch(...args),
  openSocket: url => new globalThis.WebSocket(url),
  setTimeout: (fn, ms) => globalThis.setTimeout(fn, ms),
  clearTimeout: timer => globalThis.clearTimeout(timer),
  /** In ms, for lengths of time: a clock that nobody sets. It may stand still while the computer sleeps. */
  now: globalThis.performance?.now ? () => globalThis.performance.now() : () => Date.now(),
  /** In ms since 1970; somebody may set it meanwhile. */
  wallTime: () => Date.now(),
  random: () => Math.random(),
  newId: () => Array.from(globalThis.crypto.getRandomValues(new Uint32Array(4)), n => n.toString(36)).join('-'),
  report: error => (globalThis.reportError ?? console.error)(error),
  window: globalThis,
  document: globalThis.document,
});

/** A test may replace any of it by the option `env`. */
export const browser = /* @__PURE__ */ browserOf();

/** A point in time, by both clocks. */
export const moment = env => ({ now: env.now(), wallTime: env.wallTime() });

/** How long ago that was, in ms. While the computer slept one clock may have stood still, and somebody may have set the other: the longer time counts. */
export const since = (env, { now, wallTime }) => Math.max(env.now() - now, env.wallTime() - wallTime);

export function sleep(env, ms, signal) {
  return new Promise(resolve => {
    const timer = env.setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => { env.clearTimeout(timer); resolve(); }, { once: true });
  });
}

/** What comes of `work`, unless `signal` is aborted before. */
export function unlessAborted(work, signal) {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new CCometError('Given up.')), { once: true });
    work.then(resolve, reject);
  });
}

/** What comes of `work`, unless that takes longer than `ms` or `signal` is aborted. */
export function inTime(env, work, ms, signal) {
  return new Promise((resolve, reject) => {
    const giveUp = () => end(reject, new CCometError('Given up.'));
    const timer = env.setTimeout(() => end(reject, new CCometError(`Nothing came within ${ms / 1000} s.`)), ms);
    const end = (settle, value) => {
      env.clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
      settle(value);
    };
    signal?.addEventListener('abort', giveUp, { once: true });
    work.then(value => end(resolve, value), error => end(reject, error));
  });
}
