import { inTime, moment, since, sleep } from '../environment.js';
import { LEAST_LIFE, LONGEST_RENEWAL, RENEW_AT, TICKET_SECONDS, TOKEN_TIMEOUT } from './limits.js';
import { CCometError } from '../wire/errors.js';
import { LONGEST_PAUSE } from '../wire/limits.js';
import { lifeOf, subjectOf, TOKEN } from '../wire/token.js';

const noToken = cause => new CCometError(`No token could be had: ${cause?.message ?? cause}`, { code: 'token', cause });

/** Refusals by 401, and whether another token is to be had: of each error the token is told once. */
export const renewals = new WeakMap();

/**
 * The token of one url, and the tickets that were had for it. It comes from `source`, a text or a function, which is asked when
 * there is none yet, when 75 % of the life of the one at hand are over, and when the server does not take it: then once. If
 * the next is not taken either, or is the same, that is final, until `forget`.
 *
 * A token that is null is none: what everybody may do without one can still be done.
 */
export class Credentials {
  static #count = 0;

  #env; #source;
  #token;
  #asked;
  #life = Infinity;
  #notBefore = 0;
  #asking = null;
  #isSpent = false;
  #refusal = null;
  #isTrial = false;
  #failures = 0;
  #waiting = new Set();
  #tickets = new Map();

  /** Differs from that of all others. */
  id = Credentials.#count++;

  constructor(env, source) {
    this.#env = env;
    this.#source = source;
  }

  get #canRenew() { return typeof this.#source === 'function'; }

  get #age() { return since(this.#env, this.#asked); }

  /** The age at which the next is asked for. */
  get #due() { return this.#canRenew ? Math.max(LEAST_LIFE, RENEW_AT * this.#life, this.#notBefore) : Infinity; }

  get #isUsable() { return this.#token !== undefined && !this.#isSpent && !this.#refusal; }

  /**
   * The token to go by.
   * @param {object} [how]
   * @param {(error: CCometError) => void} [how.failed] hears that the next could not be had, while the one at hand still holds
   * @throws {CCometError} none could be had (code `token`), or only the one that was refused (code 401)
   */
  async get({ timeout = TOKEN_TIMEOUT, signal, failed } = {}) {
    if (this.#isUsable && this.#age < this.#due) return this.#token;
    this.#asking ??= this.#ask().finally(() => { this.#asking = null; });
    try {
      return await inTime(this.#env, this.#asking, timeout, signal);
    } catch (cause) {
      const error = cause.code === '0' ? noToken(cause) : cause;
      if (!this.#isUsable || this.#age >= this.#life || signal?.aborted) throw error;
      error.retryIn = Math.max(LEAST_LIFE, this.#notBefore - this.#age);
      failed?.(error);
      return this.#token;
    }
  }

  async #ask() {
    const asked = moment(this.#env);
    let token;
    try {
      token = this.#canRenew ? await inTime(this.#env, Promise.resolve(this.#source()), TOKEN_TIMEOUT) : this.#source;
      token ??= null;
      if (token !== null && !TOKEN.test(token)) throw new TypeError('What it gave is no token.');
    } catch (cause) {
      // While one holds, it does for each request; others need not wait.
      if (this.#isUsable) this.#notBefore = this.#age + Math.min(LONGEST_RENEWAL, LEAST_LIFE * 2 ** this.#failures++);
      throw noToken(cause);
    }

    this.#failures = 0;
    if (this.#refusal?.token === token) {
      const { detail, title } = this.#refusal.error;
      const error = new CCometError(detail, { status: 401, title });
      renewals.set(error, false);
      this.#isTrial = true;
      throw error;
    }

    if (this.#token === token && this.#isUsable) {
      // Its giver thinks that it is good for longer: he is asked again when three quarters of what is left are over.
      const age = this.#age;
      this.#notBefore = age + Math.max(LEAST_LIFE, RENEW_AT * (this.#life - age));
      return token;
    }

    this.#isTrial ||= this.#refusal !== null;
    this.#refusal = null;
    this.#isSpent = false;
    this.#token = token;
    this.#asked = asked;
    this.#life = lifeOf(token, asked.wallTime);
    this.#notBefore = 0;
    this.#tickets.clear();
    this.#changed();
    return token;
  }

  /** What is told of its user by the token at hand; nothing when there is none. What changes from token to token is left out. */
  async identify() {
    const token = await this.get();
    return token === null ? '' : subjectOf(token);
  }

  /** Waits until a token is no longer the one to go by: it is due, refused, or another has been had. */
  async untilDue(token, signal) {
    while (!signal.aborted && token === this.#token && this.#isUsable && this.#age < this.#due) {
      const change = new AbortController();
      const wake = () => change.abort();
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
      await sleep(this.#env, Math.min(this.#due - this.#age, LONGEST_PAUSE), change.signal);
      this.#waiting.delete(wake);
      signal.removeEventListener('abort', wake);
    }
  }

  #changed() {
    for (const wake of [...this.#waiting]) wake();
  }

  /** The server has taken a token, and told when what it gives ends, if it does. */
  accepted(token, expires) {
    if (token !== this.#token || !this.#isUsable) return;
    this.#isTrial = false;
    if (!(expires > 0)) return;
    const life = lifeOf(token, this.#asked.wallTime, expires);
    if (life === this.#life) return;
    this.#life = life;
    this.#changed();
  }

  /** The server has not taken a token. Gives whether another is to be tried. */
  refused(token, error) {
    if (token !== this.#token) return true;
    if (!this.#canRenew) return false;
    if (this.#isTrial) this.#isSpent = true;
    else this.#refusal ??= { token, error };
    this.#changed();
    return !this.#isTrial;
  }

  /** A token's time is over. */
  spent(token) {
    if (token !== this.#token) return;
    this.#isSpent = true;
    this.#changed();
  }

  /** Begins again: the next that is asked for is tried, even if it was refused. */
  forget() {
    this.#isSpent = true;
    this.#isTrial = false;
    this.#refusal = null;
  }

  /** The tickets for these rights: those at hand, or what `ask({ channels, verb, ttl })` gives. */
  async tickets(verbs, channels, ask) {
    const tickets = [];
    for (const verb of verbs) {
      const key = JSON.stringify([verb, channels]);
      let ticket = this.#tickets.get(key);
      if (!ticket || since(this.#env, ticket.asked) >= RENEW_AT * ticket.life) {
        const [token, asked] = [this.#token, moment(this.#env)];
        ticket = this.#newTicket(await ask({ channels, verb, ttl: TICKET_SECONDS }), asked);
        if (token === this.#token) this.#tickets.set(key, ticket);
      }

      tickets.push(ticket);
    }

    return tickets;
  }

  /** An answer came with the next ticket for what was asked. */
  keepTicket(verb, channels, told, token) {
    if (token === this.#token) this.#tickets.set(JSON.stringify([verb, channels]), Object.assign(this.#newTicket(told, moment(this.#env)), { isTried: true }));
  }

  dropTickets() { this.#tickets.clear(); }

  #newTicket({ ticket, expires }, asked) {
    const life = expires - asked.wallTime;
    return { text: ticket, asked, life: Math.min(TICKET_SECONDS * 1000, life > 0 ? life : Infinity), isTried: false };
  }
}
