/**
 * Bounds the time of a request: `signal` is aborted when nothing came within the ms last given to `expect` (then `isLate`), when
 * `outer` is aborted, or by `end`, which also clears the timer.
 */
export function watch(env, outer) {
  const limit = new AbortController();
  const abort = () => limit.abort();
  let timer;
  if (outer?.aborted) abort();
  outer?.addEventListener('abort', abort, { once: true });
  const self = {
    signal: limit.signal,
    isLate: false,
    /** 0 is for ever. */
    expect(ms) {
      env.clearTimeout(timer);
      timer = ms && env.setTimeout(() => { self.isLate = true; abort(); }, ms);
    },
    end() {
      self.expect(0);
      outer?.removeEventListener('abort', abort);
      abort();
    },
  };
  return self;
}
