import { renewals } from './credentials.js';
import { browser, sleep } from '../environment.js';
import { ASK_TIMEOUT, COOKIES, PROTOCOL, RESTING } from './limits.js';
import { locator } from './locator.js';
import { memberOf } from './member.js';
import { connect } from './pool.js';
import { transports } from './transports.js';
import { nowhere, readCursor } from '../wire/cursor.js';
import { CCometError } from '../wire/errors.js';
import { follow } from '../wire/log.js';

const living = new Map();

/**
 * One channel, followed from now on, or from a cursor, or with its history.
 *
 * States: `connecting` (not answered yet) · `open` · `reconnecting` (something failed; it tries again by itself) ·
 * `replaced` (only with `exclusive`: another page took this sname on this channel; nothing is asked until `resume()` is
 * called or the page becomes visible again, so that two pages do not take it from each other for ever) · `refused` (the server said 400, 401 or 403,
 * and 401 to the next token as well, if there is a token function; nothing is asked until `resume()`) · `closed` (for good).
 */
export class CComet {
  /** The version of the wire this speaks. */
  static protocol = PROTOCOL;
  static transports = transports;
  static Error = CCometError;

  #env; #options; #locate; #url; #key; #connection;
  #listeners = { message: new Set(), gap: new Set(), reset: new Set(), signed: new Set(), state: new Set(), error: new Set() };
  #state = 'connecting';
  #place = nowhere();
  #signing;
  #publishing = Promise.resolve();
  #pausing = null;
  #member;

  /**
   * Begins to follow. The same url, channel and sname give the instance that lives already, whatever else is asked.
   * @param {object} options
   * @param {string} [options.url='/'] where the server is, relative to the page
   * @param {string} options.channel 1 to 200 Unicode characters, no controls
   * @param {string} [options.sname] the name to go by, likewise
   * @param {'auto'|'sse'|'fetch'|'jsonp'|'websocket'} [options.transport='auto'] `auto` is the first that gets through of
   *   sse, fetch (long polls) and jsonp
   * @param {string} [options.cursor] `epoch:seqid`, as `cursor` gave it, to go on from there
   * @param {string|(() => string|null|Promise<string|null>)} [options.token] a JWT, or a function that gets one: called at the first
   *   connect, when 75 % of the life of the last one are over, and when the server does not take it. It is sent in a header or in a
   *   WebSocket's frame, never in an address; JSONP goes by tickets. null is no token
   * @param {'omit'|'same-origin'|'include'} [options.credentials='same-origin'] whether fetch sends cookies: `include` also to another origin
   * @param {boolean} [options.sign=false] sign in first: everybody is told, and the history comes as messages, all of
   *   it before the state is `open`
   * @param {boolean} [options.exclusive=false] true also follows by sname: the newest page takes the place of the others.
   *   The addresses of 2014 always do
   * @param {boolean|string} [options.tabs=true] true shares the connection with the other tabs of this browser that ask the same
   *   server as the same user; a text shares it only with those that give the same; false does not share it. With `exclusive` or the
   *   addresses of 2014, and where the page has no Web Locks (it is not secure), each tab has its own
   * @param {(message: object) => void} [options.callback] is called with each message
   * @param {number} [options.retryMin=500] the least pause after a failure, in ms
   * @param {number} [options.retryMax=30000] the most that failures in a row add to it, in ms
   * @param {string} [options.sign_url] 2014: the address to sign in at; it is done at once, by JSONP
   * @param {string} [options.pub_url] 2014: ends in `msg=`; the encoded message is appended
   * @param {string} [options.sub_url] 2014: ends in `seqid=`; the seqid is appended
   *
   * Instances of one url, transport, sname, exclusive, credentials and token (the same function) share one connection for all their channels.
   * @throws {TypeError} a channel that is no text, a cursor or a transport that does not exist, a token by the addresses of 2014; a transport or
   *   a relative url that cannot work here
   */
  constructor(options) {
    const seed = Boolean(options?.sub_url);
    this.#options = { transport: seed ? 'jsonp' : 'auto', sign: seed && Boolean(options.sign_url), exclusive: seed, retryMin: 500, retryMax: 30_000, ...options };
    this.#env = { ...browser, ...options?.env };
    const { channel, sname, cursor, transport, token, credentials, tabs, callback } = this.#options;
    if (!seed && (typeof channel !== 'string' || channel === '')) throw new TypeError('CComet: channel must be a text.');
    if (transport !== 'auto' && !Object.hasOwn(transports, transport)) throw new TypeError(`CComet: there is no transport ${transport}.`);
    if (cursor != null && !readCursor(cursor)) throw new TypeError('CComet: cursor must be epoch:seqid.');
    if (token != null && typeof token !== 'string' && typeof token !== 'function') throw new TypeError('CComet: token must be a text or a function.');
    if (token != null && seed) throw new TypeError('CComet: a token needs the option url; the addresses of 2014 know none.');
    if (!(tabs == null || typeof tabs === 'boolean' || (typeof tabs === 'string' && tabs !== ''))) throw new TypeError('CComet: tabs must be true, false or a text.');
    if (!COOKIES.has(credentials)) throw new TypeError(`CComet: there are no credentials ${credentials}.`);

    if (transport === 'jsonp' && !this.#env.document?.createElement) throw new TypeError('CComet: transport jsonp needs a document; a worker has none.');
    if (transport === 'websocket' && this.#env.openSocket === browser.openSocket && !globalThis.WebSocket) throw new TypeError('CComet: transport websocket needs a WebSocket, and there is none here.');

    const { key, locate } = this.#locator(seed);
    this.#key = JSON.stringify([key, channel, sname ?? null]);
    const same = living.get(this.#key);
    if (callback) (same ?? this).on('message', callback);
    if (same) {
      if (RESTING.has(same.state)) {
        same.#options.token = token ?? same.#options.token;
        same.resume();
      }

      return same;
    }

    living.set(this.#key, this);
    this.#url = JSON.stringify(key);
    this.#locate = locate;
    this.#signing = this.#options.sign;
    this.#place = readCursor(cursor) ?? nowhere();
    this.#member = {
      ...memberOf(channel ?? ''),
      pauses: this.#options,
      place: () => this.#place,
      signs: () => this.#signing,
      signIn: (ask, tellsCursor) => this.#signIn(ask, tellsCursor),
      deliver: (items, after) => this.#deliver(items, after),
      opened: () => this.#turn('open'),
      away: () => this.#turn('reconnecting'),
      warned: error => this.#emit('error', error),
      failed: error => { this.#turn('reconnecting'); this.#emit('error', error); },
      beginAgain: () => this.#beginAgain(),
      ended: (error, state) => { this.#emit('error', error); this.#turn(state); },
    };
    this.#env.document?.addEventListener('visibilitychange', this.#onVisible);
    this.#join();
  }

  /** The transport in use: what `auto` has come to, or what was told. */
  get transport() { return this.#connection.transport; }

  /** Where this stands: `epoch:next seqid`, good on every transport and in another page; null until it is known. */
  get cursor() { return this.#place.next === null || this.#place.epoch === null ? null : `${this.#place.epoch}:${this.#place.next}`; }

  /** The next seqid wanted; 0 until it is known. */
  get seqid() { return this.#place.next ?? 0; }

  /** One of `connecting`, `open`, `reconnecting`, `replaced`, `refused`, `closed`. */
  get state() { return this.#state; }

  /** While `reconnecting`: in how many ms it tries again; null while it is trying, and in other states. */
  get retryIn() { return this.#state === 'reconnecting' ? this.#connection.retryIn : null; }

  /**
   * Listens.
   * - `message` (message): each message of the log once, in order: `{ type, channel, sname?, msg, seqid, time }`, type MSG or SIGN
   * - `gap` ({ from, to }): these seqids cannot be had any more, both included
   * - `reset` ({ epoch, seqid }): the log was reset: what follows is numbered from 0 again
   * - `signed` (message): the SIGN that is one's own; it comes once more, as a message, in its order
   * - `state` (state, before)
   * - `error` (CCometError): what went wrong; `retryIn` says when it is tried again. Its code is `token` when the token function failed
   *
   * A listener that throws is reported to the page as an uncaught error, and harms nobody else.
   * @returns {() => void} stops listening
   * @throws {TypeError} no such event
   */
  on(event, listener) {
    if (!Object.hasOwn(this.#listeners, event)) throw new TypeError(`CComet: there is no event ${event}.`);
    this.#listeners[event].add(listener);
    return () => this.off(event, listener);
  }

  /** Stops listening. */
  off(event, listener) { this.#listeners[event]?.delete(listener); }

  /**
   * Publishes. Calls are sent one after another, so they are stored in the order of the calls. What fails for a passing
   * reason (no connection, 408, 429, 5xx, a token that is over) is tried again with growing pauses; the id makes that it is stored once.
   * @param {*} msg a text; or by fetch any JSON value
   * @param {object} [how]
   * @param {string} [how.id] 1 to 200 characters; the same id within 5 minutes stores nothing; a random one by itself
   * @param {number} [how.timeout=30000] when to give up, in ms from now
   * @returns {Promise<{type: 'pub', channel: string, epoch: string, seqid: number, duplicate?: true}>} rejects with a
   *   CCometError (status, detail), or a TypeError for what JSONP cannot carry
   */
  publish(msg, { id = this.#env.newId(), timeout = 30_000 } = {}) {
    const deadline = this.#env.now() + timeout;
    const receipt = this.#publishing.then(() => this.#publish(msg, id, deadline));
    this.#publishing = receipt.catch(() => {});
    return receipt;
  }

  /** 2014's publish: as `publish`, but who does not look at the promise hears of a failure by `error`. */
  pub(content) {
    const receipt = this.publish(content);
    receipt.catch(error => this.#emit('error', error));
    return receipt;
  }

  /** Signs in (again): everybody is told; history that was seen already does not come again. */
  sign() {
    this.#signing = true;
    this.resume();
    this.#connection.wake(true);
  }

  /** 2014's name of `resume`. */
  sub() { this.resume(); }

  /** Goes on after `replaced` or `refused`, with a new token if there is a token function; while `reconnecting`, tries again now instead of later; nothing in other states. */
  resume() {
    if (this.retryIn !== null) this.#connection.wake(true);
    if (!RESTING.has(this.#state) || this.#state === 'closed') return;
    const isRefused = this.#state === 'refused';
    this.#turn('reconnecting');
    this.#join(isRefused);
  }

  /** Ends for good. What was given to `publish` is still sent. */
  close() {
    if (this.#state === 'closed') return;
    living.delete(this.#key);
    this.#env.document?.removeEventListener('visibilitychange', this.#onVisible);
    this.#turn('closed');
    this.#connection.leave(this.#member);
  }

  /** Where the server is; a relative address needs a page, or a worker's script, of http or https. */
  #locator(isSeed) {
    let found;
    try { found = locator(this.#env, this.#options); } catch { /* relative to nothing */ }
    if (!found || !(isSeed || /^https?:/.test(found.key))) throw new TypeError(`CComet: ${isSeed ? 'sub_url' : 'url'} must be of http or https (outside a page absolute), not ${isSeed ? this.#options.sub_url : this.#options.url}.`);
    return found;
  }

  #join(isRefused = false) {
    const { sname, exclusive, transport, token, credentials, env, tabs, sub_url: seed } = this.#options;
    this.#connection = connect(env ?? browser, this.#env, this.#member, {
      key: [this.#url, transport, sname ?? null, Boolean(exclusive), credentials ?? null],
      url: this.#url,
      token,
      cookies: credentials ?? undefined,
      locate: this.#locate,
      transport,
      tabs: tabs ?? true,
      // The addresses of 2014 name their channel themselves.
      alone: Boolean(seed),
      sname: exclusive ? sname : undefined,
    });
    if (isRefused) this.#connection.forgetToken();
    this.#connection.join(this.#member);
  }

  async #signIn(ask, tellsCursor) {
    const { channel, sname } = this.#options;
    let epoch = null;
    if (!tellsCursor) {
      const { items } = await ask('sub', { channel, wait: 0 });
      epoch = items.find(item => item.type === 'CURSOR')?.epoch;
    }

    const { items, cursor } = await ask('sign', { channel, sname });
    this.#signing = false;
    this.#emit('signed', items.at(-1));
    this.#deliver(items, readCursor(cursor) ?? (epoch && { epoch, next: items.at(-1).seqid + 1 }));
  }

  /** The log is shorter than it was. Begins at its beginning, and says so. */
  #beginAgain() {
    this.#place.next = 0;
    this.#emit('reset', { type: 'RESET', channel: this.#options.channel, epoch: this.#place.epoch, seqid: 0 });
  }

  #deliver(items, after) {
    const { channel } = this.#options;
    const tell = {
      message: message => this.#emit('message', message),
      gap: ({ from, to }) => this.#emit('gap', { type: 'GAP', channel, epoch: this.#place.epoch, from, to, seqid: to }),
      reset: ({ epoch, seqid }) => this.#emit('reset', { type: 'RESET', channel, epoch, seqid }),
    };
    follow(this.#place, items, after, (event, value) => tell[event](value), () => this.#state === 'closed');
    // An administrator closed the channel.
    if (items.some(item => item.type === 'CLOSE')) this.close();
  }

  async #publish(msg, id, deadline) {
    const { channel, sname, sub_url: seed } = this.#options;
    const message = { channel, msg, sname, id };
    for (let failures = 0; ; failures++) {
      const left = deadline - this.#env.now();
      if (left <= 0) throw new CCometError('The message was not sent in time.');
      if (typeof msg !== 'string' && (seed || !transports[this.transport].posts)) throw new TypeError('CComet: only a text can be published in the query of an address.');
      try {
        return await this.#connection.publish(message, Math.min(ASK_TIMEOUT, left), Boolean(seed));
      } catch (error) {
        const passing = error.status === 0 || error.status === 408 || error.status === 429 || error.status >= 500 || renewals.get(error) === true;
        const pause = this.#connection.pause(failures, error.retryAfter);
        if (!passing || this.#env.now() + pause >= deadline) throw error;
        this.#pausing = new AbortController();
        await sleep(this.#env, pause, error.retryAfter === undefined ? this.#pausing.signal : undefined);
      }
    }
  }

  #onVisible = () => {
    if (this.#env.document.visibilityState === 'visible' && this.#state === 'replaced') this.resume();
  };

  #turn(state) {
    const before = this.#state;
    if (before === state || before === 'closed') return;
    this.#state = state;
    // What could not be published need not wait any longer for a server that is there.
    if (state === 'open') this.#pausing?.abort();
    this.#emit('state', state, before);
  }

  #emit(event, ...args) {
    for (const listener of [...this.#listeners[event]]) {
      try { listener(...args); } catch (error) { this.#env.report(error); }
    }
  }
}
