// A server of a few lines: each request is written down and answered by the next of the answers, the last one for ever.
import { createServer } from 'node:http';

export async function scripted(...answers) {
  const requests = [];
  let arrived = () => {};
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    const { pathname, searchParams } = new URL(request.url, 'http://x');
    const one = { verb: pathname.slice(1), query: searchParams, headers: request.headers, method: request.method, body: body && JSON.parse(body), ended: false };
    response.on('close', () => { one.ended = true; arrived(); });
    requests.push(one);
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    await answer(response, one);
    arrived();
  });
  await new Promise(resolve => { server.listen(0, '127.0.0.1', resolve); });
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    requests,
    /** Waits until something that requests change is true. */
    async until(isTrue) {
      while (!isTrue()) await new Promise(resolve => { arrived = resolve; });
    },
    async close() {
      server.closeAllConnections();
      await new Promise(resolve => { server.close(resolve); });
    },
  };
}

export const message = (seqid, msg = `m${seqid}`, channel = 'a') => ({ type: 'MSG', channel, msg, seqid, time: 1_790_000_000_000 });
export const cursor = (seqid, channel = 'a', epoch = 'e', more = {}) => ({ type: 'CURSOR', channel, epoch, seqid, ...more });

/** A stream of lines that stays open, or is ended. */
export const lines = (items, { ends = false } = {}) => response => {
  response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
  response.write(items.map(item => `${JSON.stringify(item)}\n`).join(''));
  if (ends) response.end();
};

export const problem = (status, code = String(status), headers = {}) => response => {
  response.writeHead(status, { 'Content-Type': 'application/problem+json', ...headers });
  response.end(JSON.stringify({ type: `urn:ccomet:error:${code}`, title: 'No', status, code, detail: `Because of ${code}.`, parameter: 'channel' }));
};

export const json = (body, headers = {}) => response => {
  response.writeHead(200, { 'Content-Type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
};

const real = { setTimeout: globalThis.setTimeout, random: Math.random };

/** Limits of requests: these times are not waited for, but bound what is. */
const LIMITS = new Set([10_000, 15_000, 40_000, 60_000]);

/** From now on all pauses are over at once, and written down in `pauses`; all that is random is `random`. */
export function quick(pauses = [], random = 1) {
  Math.random = () => random;
  globalThis.setTimeout = (fn, ms, ...more) => {
    if (LIMITS.has(ms)) return real.setTimeout(fn, ms, ...more);
    pauses.push(ms);
    return real.setTimeout(fn, 0, ...more);
  };
}

/** Time passes as ever. */
export function slow() {
  Math.random = real.random;
  globalThis.setTimeout = real.setTimeout;
}
