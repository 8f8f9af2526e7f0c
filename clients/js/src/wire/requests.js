import { CCometError, refusalBy, retryAfterOf } from './errors.js';
import { MAX_LENGTH, SHORT } from './limits.js';

/** An answer's body as a text; `heard` is called with each piece of a long one, so that a slow line is not taken for a dead one. */
async function readText(answer, heard) {
  const told = answer.headers.get('Content-Length');
  if (!answer.body?.getReader || (told !== null && Number(told) <= SHORT)) return answer.text();
  const reader = answer.body.getReader();
  const decoder = new TextDecoder();
  const pieces = [];
  for (let length = 0; ;) {
    const { done, value } = await reader.read();
    pieces.push(decoder.decode(value, { stream: !done }));
    if (done) return pieces.join('');
    heard();
    length += pieces.at(-1).length;
    if (length > MAX_LENGTH) throw new CCometError('The answer is too long.');
  }
}

/** How fetch is called: by the token, if there is one, and with what `cookies`, fetch's own option `credentials`, says. */
export const fetchOptions = ({ token, cookies, headers, post, signal }) => ({
  signal,
  cache: 'no-store',
  ...(cookies && { credentials: cookies }),
  ...(post && { method: 'POST', body: JSON.stringify(post) }),
  headers: { ...headers, ...(post && { 'Content-Type': 'application/json' }), ...(token != null && { Authorization: `Bearer ${token}` }) },
});

/** An answer's body as JSON; undefined when it is none. */
export async function readJson(answer, heard) {
  const text = await readText(answer, heard);
  try { return JSON.parse(text); } catch { return undefined; }
}

/** Fetches, and reads JSON: undefined when it is none. */
export async function fetchJson(env, { url, heard, ...how }) {
  try {
    const answer = await env.fetch(url, fetchOptions(how));
    return { answer, json: await readJson(answer, heard) };
  } catch (cause) {
    if (cause instanceof CCometError) throw cause;
    throw new CCometError('The server cannot be reached.', { cause });
  }
}

/** Asks by fetch. `cursor` and `retry` are what the headers CComet-Cursor and CComet-Retry told. */
export async function askByFetch(env, how) {
  const { answer, json: items } = await fetchJson(env, how);
  // A poll that was replaced is a 409 whose body is an array; every other refusal is an object.
  if (!Array.isArray(items) || !(answer.ok || answer.status === 409)) throw refusalBy(answer, items, retryAfterOf(answer, env.wallTime()));
  return { items, cursor: answer.headers.get('CComet-Cursor'), retry: answer.headers.get('CComet-Retry') };
}
