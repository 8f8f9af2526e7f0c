/*
 * CComet in a browser: follow a channel, publish to it, miss nothing.
 *
 *   <script src="js/ccomet.js"></script>                 sets window.CComet
 *   <script type="module"> import './ccomet.js'; …       sets globalThis.CComet
 *   import CComet from './ccomet.mjs';                   the same class, by name or as default
 *
 * This file has no import and no export on purpose: a plain script tag cannot read a file that has one, and a module can
 * import a file that has none. Loaded both ways in one page it is still one class, so that "one living instance per url,
 * channel and sname" holds for the whole page.
 *
 *   const room = new CComet({ url: 'https://push.example.org', channel: 'lobby', sname: 'alice' });
 *   room.on('message', message => console.log(message.sname, message.msg));
 *   await room.publish('hello');
 */
(() => {
  'use strict';

  const PROTOCOL = 1;
  if (globalThis.CComet?.protocol === PROTOCOL) return;

  /** The longest that one poll is held, in seconds; the server may hold it for less. */
  const POLL_SECONDS = 28;

  /** What has not been answered by then is lost on the way, in ms. A poll's time is above the server's own. */
  const POLL_TIMEOUT = 35_000;
  const ASK_TIMEOUT = 15_000;

  /** When the page is looked at again, a poll younger than this is taken to be alive, in ms. */
  const YOUNG = 5_000;

  /** An empty answer that came sooner than this, in ms, was not waited for; asking again at once would make a storm. */
  const UNWAITED = 500;

  /** Refusals, in the server's own words, that asking again will not change. */
  const FINAL = new Set(['400', '401', '403']);

  /** The states in which nothing is asked. */
  const RESTING = new Set(['replaced', 'refused', 'closed']);

  /** Where a poll begins: the log's epoch and the next seqid wanted, both null for "from now on". */
  const nowhere = () => ({ epoch: null, next: null });

  const readCursor = text => {
    const parts = /^([^:]+):(\d+)$/.exec(text ?? '');
    return parts && { epoch: parts[1], next: Number(parts[2]) };
  };

  const query = params => new URLSearchParams(Object.entries(params).filter(([, value]) => value != null)).toString();

  /** As part of a query; half a surrogate pair becomes U+FFFD, where encodeURIComponent would throw. */
  const encode = text => query({ '': text }).slice(1);

  /** All that is used of the browser. A test may replace any of it by the option `env`. */
  const browser = {
    fetch: (...args) => globalThis.fetch(...args),
    setTimeout: (fn, ms) => globalThis.setTimeout(fn, ms),
    clearTimeout: timer => globalThis.clearTimeout(timer),
    now: () => Date.now(),
    random: () => Math.random(),
    newId: () => Array.from(globalThis.crypto.getRandomValues(new Uint32Array(4)), n => n.toString(36)).join('-'),
    report: error => (globalThis.reportError ?? console.error)(error),
    window: globalThis,
    document: globalThis.document,
  };

  /** Why something was refused or failed. */
  class CCometError extends Error {
    name = 'CCometError';
    constructor(detail, { status = 0, code = String(status), title, parameter, retryAfter, cause } = {}) {
      super(detail, { cause });
      /** The HTTP status; 0 when there was no answer. */
      this.status = status;
      /** What is wrong, in the server's words. */
      this.detail = detail;
      /** The wire's own number: the status, but for 402 (a seqid beyond the end, HTTP 409). */
      this.code = code;
      /** The kind of error in a few words, if told. */
      this.title = title;
      /** The parameter at fault, if told. */
      this.parameter = parameter;
      /** When the server asks to be asked again, in ms from then, if told. */
      this.retryAfter = retryAfter;
      /** In how many ms the client itself tries again; undefined when it does not. */
      this.retryIn = undefined;
    }
  }

  function sleep(env, ms, signal) {
    return new Promise(resolve => {
      const timer = env.setTimeout(resolve, ms);
      signal?.addEventListener('abort', () => { env.clearTimeout(timer); resolve(); }, { once: true });
    });
  }

  /** Asks by fetch. Resolves to `{ items, cursor }`; `cursor` is what the header CComet-Cursor told. */
  async function askByFetch(env, { url, post, signal }) {
    const how = { signal, cache: 'no-store' };
    if (post) Object.assign(how, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(post) });
    let answer, text;
    try {
      answer = await env.fetch(url, how);
      text = await answer.text();
    } catch (cause) {
      throw new CCometError('The server cannot be reached.', { cause });
    }

    let json = null;
    try { json = JSON.parse(text); } catch { /* Something between here and the server answered. */ }
    // A poll that was replaced is a 409 whose body is an array; every other refusal is an object.
    if (Array.isArray(json) && (answer.ok || answer.status === 409)) return { items: json, cursor: readCursor(answer.headers.get('CComet-Cursor')) };

    const after = answer.headers.get('Retry-After');
    const retryAfter = after === null ? undefined : Number(after) >= 0 ? Number(after) * 1000 : Date.parse(after) - env.now() || undefined;
    const own = json?.type?.startsWith?.('urn:ccomet:error:');
    throw new CCometError(json?.detail ?? `The answer is no answer of CComet (HTTP ${answer.status}).`, {
      status: answer.status, code: own ? json.code : '', title: json?.title, parameter: json?.parameter, retryAfter,
    });
  }

  /** Asks by a script element (JSONP): for pages that fetch does not let through. */
  function askByScript(env, { url, signal }) {
    return new Promise((resolve, reject) => {
      const name = `ccomet_${env.newId().replace(/\W/g, '_')}`;
      const script = env.document.createElement('script');
      const fail = cause => reject(new CCometError('The server cannot be reached.', { cause }));
      env.window[name] = text => {
        try { resolve({ items: JSON.parse(text), cursor: null }); } catch (cause) { fail(cause); }
      };
      // A script that has run has called back before its load event; then fail() comes too late to matter.
      script.onload = script.onerror = () => { delete env.window[name]; script.remove(); fail(); };
      // A browser runs a script that it has begun to fetch even when the element is gone, so the name stays until it has.
      signal.addEventListener('abort', () => { env.window[name] = () => {}; script.remove(); fail(); }, { once: true });
      script.async = true;
      script.src = `${url}&callback=${name}`;
      env.document.head.append(script);
    });
  }

  /**
   * Receives by one long poll. The first after a silence does not wait, so that the place in the log, and that the server
   * is there, are known at once.
   */
  async function receiveByPoll(link) {
    const asked = link.env.now();
    const { items, cursor } = await link.ask('sub', { ...link.place(), wait: link.probing ? 0 : POLL_SECONDS }, { timeout: POLL_TIMEOUT });
    link.deliver(items, cursor);
    if (items.length === 0 && !link.probing && link.env.now() - asked < UNWAITED) await link.rest();
  }

  /**
   * The transports by name. One has
   * - `ask(env, { url, post, signal })`, one request: resolves to `{ items, cursor }` or rejects with a CCometError;
   * - `receive(link)`, which gives what it gets to `link.deliver(items, cursor)`, as often as it likes, until its request
   *   has ended as planned (then it is called again), failed (then it rejects) or `link.signal` was aborted;
   * - `posts`, whether it can send a body, and so values of JSON that are not strings;
   * - `tellsCursor`, whether an answer to /sign comes with its cursor.
   */
  const transports = {
    fetch: { ask: askByFetch, receive: receiveByPoll, posts: true, tellsCursor: true },
    jsonp: { ask: askByScript, receive: receiveByPoll, posts: false, tellsCursor: false },
  };

  /** Where the verbs are, for the modern options and for those of 2014. */
  function locator(env, options) {
    const absolute = url => new URL(url, env.document?.baseURI ?? env.window.location?.href).href;
    if (!options.sub_url) {
      const base = absolute(options.url ?? '/').replace(/[?#].*$/, '').replace(/\/$/, '');
      return { key: base, locate: (verb, params) => `${base}/${verb}?${query(params)}` };
    }

    const join = (url, params) => absolute(url + (url.includes('?') ? '&' : '?') + query(params)).replace(/&+$/, '');
    const locate = (verb, { channel, sname, seqid, msg, ...rest }) => {
      if (verb === 'sign') return join(options.sign_url, rest);
      if (verb === 'pub') return join(options.pub_url + encode(msg), rest);
      return join(seqid == null ? options.sub_url.replace(/[?&]seqid=$/, '') : options.sub_url + seqid, rest);
    };
    return { key: [options.sign_url, options.pub_url, options.sub_url].map(url => absolute(url ?? '')), locate };
  }

  const living = new Map();

  /**
   * One channel, followed from now on, or from a cursor, or with its history.
   *
   * States: `connecting` (not answered yet) · `open` · `reconnecting` (something failed; it tries again by itself) ·
   * `replaced` (another page took this sname on this channel; nothing is asked until `resume()` is called or the page is
   * looked at anew, so that two pages do not take it from each other for ever) · `refused` (the server said 400, 401 or 403;
   * nothing is asked until `resume()`) · `closed` (for good).
   */
  class CComet {
    /** The version of the wire this speaks. */
    static protocol = PROTOCOL;
    static transports = transports;
    static Error = CCometError;

    #env; #options; #transport; #locate; #key;
    #listeners = { message: new Set(), gap: new Set(), reset: new Set(), state: new Set(), error: new Set() };
    #state = 'connecting';
    #place = nowhere();
    #flight = null;
    #running = false;
    #waiting = false;
    #signing;
    #probing = true;
    #failures = 0;
    #publishing = Promise.resolve();

    /**
     * Begins to follow. The same url, channel and sname give the instance that lives already, whatever else is asked.
     * @param {object} options
     * @param {string} [options.url='/'] where the server is, relative to the page
     * @param {string} options.channel 1 to 200 Unicode characters, no controls
     * @param {string} [options.sname] the name to go by, likewise
     * @param {'fetch'|'jsonp'} [options.transport='fetch']
     * @param {string} [options.cursor] `epoch:seqid`, as `cursor` gave it, to go on from there
     * @param {boolean} [options.sign=false] sign in first: everybody is told, and the history comes as messages, all of
     *   it before the state is `open`
     * @param {boolean} [options.exclusive=true] false leaves sname out of the polls, so that several pages may follow by
     *   one name; true lets the newest page take the place of the others
     * @param {(message: object) => void} [options.callback] is called with each message
     * @param {number} [options.retryMin=500] the least pause after a failure, in ms
     * @param {number} [options.retryMax=30000] the most that failures in a row add to it, in ms
     * @param {string} [options.sign_url] 2014: the address to sign in at; it is done at once, by JSONP
     * @param {string} [options.pub_url] 2014: ends in `msg=`; the encoded message is appended
     * @param {string} [options.sub_url] 2014: ends in `seqid=`; the seqid is appended
     * @throws {TypeError} a channel that is no text, a cursor or a transport that does not exist
     */
    constructor(options) {
      const seed = Boolean(options?.sub_url);
      this.#options = { transport: seed ? 'jsonp' : 'fetch', sign: seed && Boolean(options.sign_url), exclusive: true, retryMin: 500, retryMax: 30_000, ...options };
      this.#env = { ...browser, ...options?.env };
      const { channel, sname, cursor, transport, callback } = this.#options;
      if (!seed && (typeof channel !== 'string' || channel === '')) throw new TypeError('CComet: channel must be a text.');
      if (!Object.hasOwn(transports, transport)) throw new TypeError(`CComet: there is no transport ${transport}.`);
      if (cursor != null && !readCursor(cursor)) throw new TypeError('CComet: cursor must be epoch:seqid.');

      const { key, locate } = locator(this.#env, this.#options);
      this.#key = JSON.stringify([key, channel, sname ?? null]);
      const same = living.get(this.#key);
      if (callback) (same ?? this).on('message', callback);
      if (same) {
        same.resume();
        return same;
      }

      living.set(this.#key, this);
      this.#locate = locate;
      this.#transport = transports[transport];
      this.#signing = this.#options.sign;
      this.#place = readCursor(cursor) ?? nowhere();
      this.#env.window.addEventListener?.('online', this.#onOnline);
      this.#env.document?.addEventListener('visibilitychange', this.#onVisible);
      // Not before the caller has had the time to listen.
      Promise.resolve().then(() => this.#run());
    }

    /** Where this stands: `epoch:next seqid`, good on every transport and in another page; null until it is known. */
    get cursor() { return this.#place.next === null || this.#place.epoch === null ? null : `${this.#place.epoch}:${this.#place.next}`; }

    /** The next seqid wanted; 0 until it is known. */
    get seqid() { return this.#place.next ?? 0; }

    /** One of `connecting`, `open`, `reconnecting`, `replaced`, `refused`, `closed`. */
    get state() { return this.#state; }

    /**
     * Listens.
     * - `message` (message): each message of the log once, in order: `{ type, channel, sname?, msg, seqid, time }`, type MSG or SIGN
     * - `gap` ({ from, to }): these seqids cannot be had any more, both included
     * - `reset` ({ epoch, seqid }): the log began anew, what follows is numbered afresh
     * - `state` (state, before)
     * - `error` (CCometError): what went wrong; `retryIn` says when it is tried again
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
     * reason (no connection, 408, 429, 5xx) is tried again with growing pauses; the id makes that it is stored once.
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
      this.#wake(true);
    }

    /** 2014's name of `resume`. */
    sub() { this.resume(); }

    /** Goes on after `replaced` or `refused`; nothing in other states. */
    resume() {
      if (!RESTING.has(this.#state) || this.#state === 'closed') return;
      this.#probing = true;
      this.#failures = 0;
      this.#turn('reconnecting');
      this.#run();
    }

    /** Ends for good. What was given to `publish` is still sent. */
    close() {
      if (this.#state === 'closed') return;
      living.delete(this.#key);
      this.#env.window.removeEventListener?.('online', this.#onOnline);
      this.#env.document?.removeEventListener('visibilitychange', this.#onVisible);
      this.#turn('closed');
      this.#flight?.abort();
    }

    async #run() {
      if (this.#running) return;
      this.#running = true;
      while (!RESTING.has(this.#state)) {
        const flight = this.#flight = new AbortController();
        flight.began = this.#env.now();
        flight.signs = this.#signing;
        try {
          if (flight.signs) await this.#signIn(flight.signal);
          else await this.#transport.receive(this.#link(flight.signal));
        } catch (error) {
          // Aborted on purpose: closed, or woken to ask anew.
          if (!flight.signal.aborted) await this.#recover(error, flight.signal);
        }
      }

      this.#running = false;
    }

    /** What a transport sees of this. */
    #link(signal) {
      return {
        env: this.#env,
        signal,
        probing: this.#probing,
        place: () => this.#whoAndWhere(),
        ask: (verb, params, how) => this.#ask(verb, params, { ...how, signal }),
        deliver: (items, cursor) => { if (!signal.aborted) { this.#deliver(items, cursor); this.#opened(); } },
        rest: () => this.#rest(this.#pause(0), signal),
      };
    }

    #whoAndWhere() {
      const { channel, sname, exclusive } = this.#options;
      return { channel, sname: exclusive ? sname : undefined, seqid: this.#place.next, epoch: this.#place.epoch };
    }

    async #ask(verb, params, { post, signal, timeout = ASK_TIMEOUT } = {}) {
      if (signal?.aborted) throw new CCometError('Given up.');
      const limit = new AbortController();
      const abort = () => limit.abort();
      const timer = this.#env.setTimeout(abort, timeout);
      signal?.addEventListener('abort', abort, { once: true });
      try {
        const answer = await this.#transport.ask(this.#env, { url: this.#locate(verb, params), post, signal: limit.signal });
        const refusal = answer.items.find(item => /^[45]\d\d$/.test(item?.type));
        if (refusal) throw new CCometError(refusal.reason, { status: refusal.type === '402' ? 409 : Number(refusal.type), code: refusal.type });
        return answer;
      } finally {
        this.#env.clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
      }
    }

    async #signIn(signal) {
      const { channel, sname } = this.#options;
      let epoch = null;
      if (!this.#transport.tellsCursor) {
        const { items } = await this.#ask('sub', { channel, wait: 0 }, { signal });
        epoch = items.find(item => item.type === 'CURSOR')?.epoch;
      }

      const { items, cursor } = await this.#ask('sign', { channel, sname }, { signal });
      this.#signing = false;
      this.#deliver(items, cursor ?? (epoch && { epoch, next: items.at(-1).seqid + 1 }));
      this.#opened();
    }

    /** Moves the place over what came, and tells it. The place is moved first, so that a listener reads the cursor behind its message. */
    #deliver(items, after) {
      const place = this.#place;
      const { channel } = this.#options;
      if (after && place.epoch !== after.epoch && !items.some(item => item.type === 'RESET')) {
        const anew = place.epoch !== null;
        Object.assign(place, { epoch: after.epoch, next: anew ? null : place.next });
        if (anew) this.#emit('reset', { type: 'RESET', channel, epoch: after.epoch, seqid: 0 });
      }

      const skipTo = seqid => {
        // The server tells of every gap; one that it did not tell must not pass in silence either.
        const from = place.next;
        place.next = seqid;
        if (from !== null && from < seqid) this.#emit('gap', { type: 'GAP', channel, epoch: place.epoch, from, to: seqid - 1, seqid: seqid - 1 });
      };
      for (const item of items) {
        if (this.#state === 'closed') return;
        if (item.type === 'RESET') {
          Object.assign(place, { epoch: item.epoch, next: item.seqid });
          this.#emit('reset', item);
        } else if (item.type === 'GAP') {
          skipTo(Math.max(place.next ?? 0, item.to + 1));
        } else if (item.type === 'CURSOR') {
          if (place.next === null) Object.assign(place, { epoch: item.epoch, next: item.seqid });
        } else if (Number.isInteger(item.seqid) && item.seqid >= (place.next ?? 0)) {
          skipTo(item.seqid);
          place.next = item.seqid + 1;
          this.#emit('message', item);
        }
      }

      if (after?.epoch === place.epoch && after.next > (place.next ?? -1)) skipTo(after.next);
    }

    #opened() {
      this.#failures = 0;
      this.#probing = false;
      if (!RESTING.has(this.#state)) this.#turn('open');
    }

    async #recover(error, signal) {
      const known = error instanceof CCometError ? error : new CCometError(String(error?.message ?? error), { cause: error });
      this.#probing = true;
      if (known.code === '409' || FINAL.has(known.code)) {
        this.#emit('error', known);
        if (!signal.aborted) this.#turn(known.code === '409' ? 'replaced' : 'refused');
        return;
      }

      if (known.code === '402') {
        // The log is shorter than it was. Begin at its beginning, and say so.
        this.#place.next = 0;
        this.#emit('reset', { type: 'RESET', channel: this.#options.channel, epoch: this.#place.epoch, seqid: 0 });
      }

      known.retryIn = this.#pause(this.#failures++, known.retryAfter);
      this.#turn('reconnecting');
      this.#emit('error', known);
      await this.#rest(known.retryIn, signal);
    }

    async #rest(ms, signal) {
      if (signal.aborted) return;
      this.#waiting = true;
      await sleep(this.#env, ms, signal);
      this.#waiting = false;
    }

    /** The floor, and a random share of what grows with each failure: clients cut off together do not come back together. */
    #pause(failures, retryAfter = 0) {
      const { retryMin, retryMax } = this.#options;
      return Math.max(retryMin, retryAfter) + this.#env.random() * Math.min(retryMax, retryMin * 2 ** failures);
    }

    async #publish(msg, id, deadline) {
      const { channel, sname, sub_url: seed } = this.#options;
      const { posts } = this.#transport;
      if (typeof msg !== 'string' && (seed || !posts)) throw new TypeError('CComet: only a text can be published in the query of an address.');
      const message = { channel, msg, sname, id };
      for (let failures = 0; ; failures++) {
        const left = deadline - this.#env.now();
        if (left <= 0) throw new CCometError('The message was not sent in time.');
        try {
          const how = { timeout: Math.min(ASK_TIMEOUT, left) };
          const { items } = posts && !seed ? await this.#ask('pub', {}, { ...how, post: message }) : await this.#ask('pub', message, how);
          return items[0];
        } catch (error) {
          const passing = error.status === 0 || error.status === 408 || error.status === 429 || error.status >= 500;
          const pause = this.#pause(failures, error.retryAfter);
          if (!passing || this.#env.now() + pause >= deadline) throw error;
          await sleep(this.#env, pause);
        }
      }
    }

    /** Asks anew at once: what is in flight may be dead without anybody having been told. A sign-in is never said twice for it. */
    #wake(always) {
      const young = this.#env.now() - (this.#flight?.began ?? 0) < YOUNG;
      if (!this.#waiting && (this.#flight?.signs || (young && !always))) return;
      this.#failures = 0;
      this.#probing = true;
      this.#flight?.abort();
    }

    #onOnline = () => this.#wake(true);

    #onVisible = () => {
      if (this.#env.document.visibilityState !== 'visible') return;
      if (this.#state === 'replaced') this.resume();
      else this.#wake(false);
    };

    #turn(state) {
      const before = this.#state;
      if (before === state || before === 'closed') return;
      this.#state = state;
      this.#emit('state', state, before);
    }

    #emit(event, ...args) {
      for (const listener of [...this.#listeners[event]]) {
        try { listener(...args); } catch (error) { this.#env.report(error); }
      }
    }
  }

  globalThis.CComet = CComet;
})();
