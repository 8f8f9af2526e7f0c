// The figures of the node, each second. An EventSource cannot send a token, so the stream is read by hand.

import { events, request } from './api.js';

const SILENCE = 10_000;
const PAUSES = [1_000, 2_000, 5_000, 10_000];

/**
 * Follows the figures until it is stopped.
 * @param {(figures: object) => void} onFigures
 * @param {(isConnected: boolean) => void} onState
 * @param {(why: string) => void} onRefused the token does not give the right any more
 * @returns {() => void} stops it
 */
export function followStatistics(onFigures, onState, onRefused) {
  const stopped = new AbortController();
  run();
  return () => stopped.abort();

  async function run() {
    let failed = 0;
    while (!stopped.signal.aborted) {
      const attempt = new AbortController();
      const signal = AbortSignal.any([stopped.signal, attempt.signal]);
      let silence = setTimeout(() => attempt.abort(), SILENCE);
      try {
        const answer = await request('stats/stream', { signal });
        for await (const { data } of events(answer)) {
          clearTimeout(silence);
          silence = setTimeout(() => attempt.abort(), SILENCE);
          if (data === null) continue;
          failed = 0;
          onState(true);
          onFigures(JSON.parse(data));
        }
      } catch (error) {
        // A 401 has been told already; all else passes.
        if (error.status === 403) onRefused(error.message);
      }

      clearTimeout(silence);
      if (stopped.signal.aborted) return;
      onState(false);
      await new Promise(resolve => {
        setTimeout(resolve, PAUSES[Math.min(failed++, PAUSES.length - 1)]);
        stopped.signal.addEventListener('abort', resolve, { once: true });
      });
    }
  }
}
