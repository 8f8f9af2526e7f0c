import { inTime, moment, since } from '../environment.js';
import { CCometError } from '../wire/errors.js';
import { lifeOf, TOKEN } from '../wire/token.js';

/** A token function that has not answered by then has failed, in ms. */
const PATIENCE = 15_000;

/** The share of a token's life after which the next one is asked for. */
const RENEW_AT = 0.75;

/**
 * The token of a client: a text, or what a function gives. The function is called when there is none yet, when 75 % of the life
 * of the one at hand are over, when the server has not taken it, and at each connect when nobody knows its life.
 */
export class Tokens {
  #env; #source;
  #token;
  #asked;
  #life;
  #asking = null;
  #isTrial = false;

  constructor(env, source) {
    this.#env = env;
    this.#source = source;
  }

  /** Whether another one can be had. */
  get canRenew() { return typeof this.#source === 'function'; }

  /** In how many ms the next one is due; Infinity when that is not known. */
  get dueIn() { return this.canRenew && this.#token !== undefined ? RENEW_AT * this.#life - since(this.#env, this.#asked) : Infinity; }

  /**
   * The token to go by; null is none.
   * @param {object} [how]
   * @param {boolean} [how.isConnect] true asks for another one when nobody knows how long the one at hand lives
   * @param {boolean} [how.isFresh] true is not content with one that is due
   * @throws {CCometError} none could be had (code `token`)
   */
  async get({ isConnect = false, isFresh = false, signal } = {}) {
    if (!this.canRenew) return this.#source ?? null;
    if (this.#token !== undefined && this.dueIn > 0 && !(isConnect && this.#life === Infinity)) return this.#token;
    this.#asking ??= this.#ask().finally(() => { this.#asking = null; });
    try {
      return await inTime(this.#env, this.#asking, PATIENCE, signal);
    } catch (cause) {
      // The one at hand does, for as long as it holds.
      if (!isFresh && this.#token !== undefined && this.#life < Infinity && since(this.#env, this.#asked) < this.#life) return this.#token;
      throw new CCometError(`No token could be had: ${cause?.message ?? cause}`, { code: 'token', cause });
    }
  }

  async #ask() {
    const asked = moment(this.#env);
    const token = (await this.#source()) ?? null;
    if (token !== null && !TOKEN.test(token)) throw new TypeError('What the token function gave is no token.');
    this.#token = token;
    this.#asked = asked;
    this.#life = lifeOf(token, asked);
    return token;
  }

  /** The server has taken a token, and told when what it gives ends, in ms since 1970, if it did. */
  accepted(token, expires) {
    this.#isTrial = false;
    if (token === this.#token && expires > 0) this.#life = lifeOf(token, this.#asked, expires);
  }

  /** The server has not taken a token. Gives whether another one is to be tried. */
  refused(token) {
    if (!this.canRenew) return false;
    if (token !== this.#token) return true;
    this.#token = undefined;
    this.#isTrial = !this.#isTrial;
    return this.#isTrial;
  }

  /** The time of a token is over. */
  drop(token) {
    if (token === this.#token) this.#token = undefined;
  }
}
