import { CCometError, isRefusal, refusalBy, refusalOf } from '../wire/errors.js';
import { query } from '../wire/query.js';
import { askByFetch, fetchJson, fetchOptions } from '../wire/requests.js';
import { watch } from './watch.js';

/** What is thrown for a reason that is not the server's. */
export const asError = cause => (cause instanceof CCometError ? cause : new CCometError('The server cannot be reached.', { cause }));

/** Sends requests to one server, each by the token at hand. */
export class Caller {
  /** Differs from client to client: of equal polls a caching proxy would send only one on. The server ignores it. */
  tag;

  constructor({ env, base, headers, cookies, tokens, limits }) {
    Object.assign(this, { env, base, headers, cookies, tokens, limits, tag: env.random().toString(36).slice(2) });
  }

  url(verb, params) { return `${this.base}/${verb}?${query(params)}`; }

  /** Sends one request and gives what fetch gives. */
  send(verb, params, { token, accept, signal }) {
    return this.env.fetch(this.url(verb, params), fetchOptions({ token, cookies: this.cookies, signal, headers: { ...this.headers, Accept: accept } }));
  }

  /** Asks for an array of messages and notices. Gives `{ items, cursor, retry }`. */
  ask(verb, params, how) {
    return this.#byToken(how, request => askByFetch(this.env, { url: this.url(verb, params), ...request })).then(answer => {
      const refusal = answer.items.find(isRefusal);
      if (refusal) throw refusalOf(refusal);
      return answer;
    });
  }

  /** Asks for an object. */
  object(verb, params, how) {
    return this.#byToken(how, async request => {
      const { answer, text, json } = await fetchJson(this.env, { url: this.url(verb, params), ...request });
      if (!answer.ok || json === undefined) throw refusalBy(this.env, answer, text);
      return json;
    });
  }

  async #byToken({ post, timeout = this.limits.ask, signal, isConnect } = {}, send) {
    for (;;) {
      const token = await this.tokens.get({ signal, isConnect });
      const guard = watch(this.env, signal);
      guard.expect(timeout);
      try {
        const answer = await send({ post, token, cookies: this.cookies, headers: this.headers, signal: guard.signal, heard: () => guard.expect(this.limits.silence) });
        this.tokens.accepted(token);
        return answer;
      } catch (error) {
        if (signal?.aborted || error.status !== 401 || !this.tokens.refused(token)) throw error;
      } finally {
        guard.end();
      }
    }
  }
}
