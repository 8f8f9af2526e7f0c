import { CCometError, isRefusal, readPause, refusalBy, refusalOf } from '../wire/errors.js';
import { query } from '../wire/query.js';
import { lifeOf } from '../wire/token.js';
import { bounded } from './time.js';

/** A token function that has not answered by then has failed, in ms. */
const PATIENCE = 15_000;

/** The share of a token's life after which the next one is asked for. */
const RENEW_AT = 0.75;

/** What is thrown for a reason that is not the server's. */
export const asError = cause => (cause instanceof CCometError ? cause : new CCometError('The server cannot be reached.', { cause }));

/** An answer's body as JSON; undefined when it is none. The error is known by its name, as fetch may have another SyntaxError than this module. */
export const readJson = answer => answer.json().catch(cause => { if (cause.name !== 'SyntaxError') throw cause; });

/** Why an answer is not what was asked for. */
export const refusal = (answer, json) => refusalBy(answer, json, readPause(answer.headers.get('Retry-After') * 1000) || undefined);

/** The server as a client asks it: by requests, each with the token at hand. `closing` is aborted when the client is closed. */
export function serverAt(base, { limits, closing, token: source = null, headers, credentials }) {
  const fixed = Object.fromEntries(new Headers(headers));
  const canRenew = typeof source === 'function';
  let token, asked, asking;
  let life = Infinity;
  let isTrial = false;

  /** Differs from client to client: of equal polls a caching proxy would send only one on. The server ignores it. */
  const tag = Math.random();

  const age = () => performance.now() - asked;
  const setLife = (one, expires) => { life = lifeOf(one, Date.now() - age(), expires); };

  /** In how many ms the next token is due; Infinity when that is not known. */
  const dueIn = () => (token !== undefined ? RENEW_AT * life - age() : Infinity);

  const ask = async () => {
    const now = performance.now();
    const next = (await source()) ?? null;
    asked = now;
    setLife(next);
    return token = next;
  };

  /**
   * The token to go by; null is none. It is a text, or what a function gives: called when there is none yet, when 75 % of the life of
   * the one at hand are over, when the server has not taken it, and by `isConnect` when nobody knows its life.
   * @param {boolean} [isConnect] true for the request that begins a connection
   * @param {boolean} [isFresh] true is not content with one that is due
   * @throws {CCometError} none could be had (code `token`)
   */
  const getToken = async (isConnect, isFresh) => {
    if (!canRenew) return source;
    const has = token !== undefined;
    if (has && dueIn() > 0 && !(isConnect && life === Infinity)) return token;
    try {
      return await (asking ??= bounded(closing, PATIENCE, ask));
    } catch (cause) {
      // The one at hand does, for as long as it holds.
      if (!isFresh && has && life < Infinity && age() < life) return token;
      throw new CCometError(`No token could be had: ${cause?.message ?? cause}`, { code: 'token', cause });
    } finally {
      asking = null;
    }
  };

  /** The server has taken a token, and told when what it gives ends, in ms since 1970, if it did. */
  const accepted = (one, expires) => {
    isTrial = false;
    if (one === token && expires > 0) setLife(one, expires);
  };

  /** The time of a token is over. */
  const drop = one => { if (one === token) token = undefined; };

  /** The server has not taken a token. Gives whether another one is to be tried. */
  const refused = one => {
    if (one !== token) return canRenew;
    drop(one);
    return isTrial = !isTrial;
  };

  const url = (verb, params) => `${base}/${verb}?${query({ ...params, _: tag })}`;

  /** Sends one request and gives what fetch gives. */
  const send = (address, { token, _accept, post, signal }) => fetch(address, {
    signal,
    cache: 'no-store',
    ...credentials && { credentials },
    ...post && { method: 'POST', body: JSON.stringify(post) },
    headers: { ...fixed, ..._accept && { Accept: _accept }, ...post && { 'Content-Type': 'application/json' }, ...token !== null && { Authorization: `Bearer ${token}` } },
  });

  return {
    _limits: limits,
    _dueIn: dueIn,
    _getToken: getToken,
    _accepted: accepted,
    _refused: refused,
    _drop: drop,
    _url: url,
    _send: send,

    /** Asks for JSON. Gives `{ json, cursor, retry }`, the latter as the headers CComet-Cursor and CComet-Retry told. */
    async _ask(verb, params, { post, timeout = limits.ask, signal, _isConnect } = {}) {
      for (;;) {
        const by = await getToken(_isConnect);
        try {
          return await bounded(signal, timeout, async ({ signal }) => {
            const answer = await send(url(verb, params), { token: by, post, signal });
            const json = await readJson(answer);
            const told = Array.isArray(json) && json.find(isRefusal);
            if (told) throw refusalOf(told);
            if (!answer.ok || json === undefined) throw refusal(answer, json);
            accepted(by);
            return { json, cursor: answer.headers.get('CComet-Cursor'), retry: answer.headers.get('CComet-Retry') };
          });
        } catch (cause) {
          const error = asError(cause);
          if (error.status !== 401 || !refused(by)) throw error;
        }
      }
    },
  };
}
