/*
 * CComet in a browser: follow a channel, publish to it, miss nothing.
 *
 *   <script src="js/ccomet.js"></script>                 sets window.CComet
 *   <script type="module"> import './ccomet.js'; …       sets globalThis.CComet
 *   import CComet from './ccomet.mjs';                   the same class, by name or as default
 *
 * This file has no import and no export on purpose: a plain script tag cannot read a file that has one, and a module can
 * import a file that has none. Loaded both ways in one page it is still one class, so that "one living instance per url,
 * channel and sname" holds for the whole page. The plain script tag is also why all of the client stands in this one long
 * file: a second one would be a second tag, or a build step.
 *
 *   const room = new CComet({ url: 'https://push.example.org', channel: 'lobby', sname: 'alice' });
 *   room.on('message', message => console.log(message.sname, message.msg));
 *   await room.publish('hello');
 *
 * `sname` is the name that messages are published by, and no more: pages that give the same name all follow. With
 * `exclusive: true` it goes along when following too, and then the server keeps one follower of each channel and name: the
 * newest page takes the place of the older one, whose state becomes `replaced`. That suits a name that is one device or one
 * login, not a nickname. The constructor of 2014 follows by its name, as its addresses say.
 *
 * A server that lets in only callers with a token is given one by `token`, a function that the client calls whenever it needs
 * the next:
 *
 *   new CComet({ url: '.', channel: 'lobby', token: async () => (await (await fetch('token', { method: 'POST' })).json()).token });
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

  /** A stream begins at once; when nothing of it came by then, something on the way collects it, in ms. */
  const FIRST_BYTES = 8_000;

  /** The server gives a sign of life every 15 s on all that stays open. Two that did not come are silence, in ms. */
  const SILENCE = 33_000;

  /** What is published waits this long for a WebSocket that is being opened, in ms, and is then sent by a request of its own. */
  const SOCKET_WAIT = 5_000;

  /** The longest pauses that are obeyed, in ms: one told as a length of time, and one told as a date, which a clock that is set wrong stretches. */
  const LONGEST_PAUSE = 3_600_000;
  const LONGEST_PAUSE_TO_DATE = 300_000;

  /** The most characters of one event or one answer: more than a message of 16 MiB has when each of its characters is escaped. */
  const MAX_LENGTH = 2 ** 27;

  /** An answer that tells that it has no more bytes than this is read in one go. */
  const SHORT = 65_536;

  /** When the page is looked at again, what was heard of less than this ago is taken to be alive, in ms; what stays open is heard of every 15 s. */
  const YOUNG = 5_000;
  const YOUNG_STREAM = 17_000;

  /** Channels added one after another within this time, in ms, make a shared connection reopen only once. */
  const SETTLE = 20;

  /** The most channels, and about the most characters of an address, that one connection has. */
  const MAX_CHANNELS = 64;
  const MAX_ADDRESS = 6_000;

  /** An empty answer that came sooner than this, in ms, was not waited for; asking again at once would make a storm. */
  const UNWAITED = 500;

  /** The code with which a WebSocket is closed after a message over its limit. */
  const TOO_LONG = 1009;

  /** The codes with which a WebSocket is closed whose caller is not known, or has not the right. */
  const UNAUTHORIZED = 4401;
  const FORBIDDEN = 4403;

  /** A token function that has not answered by then has failed, in ms. */
  const TOKEN_TIMEOUT = 15_000;

  /** The share of a token's life, or of a ticket's, after which the next one is asked for. */
  const RENEW_AT = 0.75;

  /** A token is not asked for again sooner than this, in ms, as long as the one at hand holds. */
  const LEAST_LIFE = 1_000;

  /** While the token at hand holds, a token function that fails is called again after pauses that grow up to this, in ms. */
  const LONGEST_RENEWAL = 60_000;

  /** For how long a ticket is asked for, in seconds; the server gives none for longer. */
  const TICKET_SECONDS = 60;

  /** What a ticket must be good for, by the verb of the address. */
  const RIGHTS = { sub: ['subscribe'], pub: ['publish'], sign: ['subscribe', 'publish'] };

  /** Refusals, in the server's own words, that asking again will not change. */
  const FINAL = new Set(['400', '401', '403']);

  /** What fetch knows of credentials; undefined is its default. */
  const COOKIES = new Set([undefined, null, 'omit', 'same-origin', 'include']);

  /** The states in which nothing is asked. */
  const RESTING = new Set(['replaced', 'refused', 'closed']);

  /** Where a poll begins: the log's epoch and the next seqid wanted, both null for "from now on". */
  const nowhere = () => ({ epoch: null, next: null });

  const readCursor = text => {
    const parts = /^([^:]+):(\d+)$/.exec(text ?? '');
    return parts && { epoch: parts[1], next: Number(parts[2]) };
  };

  /**
   * The cursors of an answer, in the order of the channels asked for: `epoch:seqid,…` in that order, or in any order
   * `name=epoch:seqid,…` with names percent-encoded. Where none is told there is none.
   */
  const readCursors = (text, channels) => {
    if (channels.length === 1) return [readCursor(text)];
    const parts = (text ?? '').split(',', channels.length + 1);
    if (!parts.every(part => part.includes('='))) return parts.length === channels.length ? parts.map(readCursor) : [];
    const named = new Map(parts.map(part => part.split('=', 2)).map(([name, cursor]) => [decodeURIComponent(name), readCursor(cursor)]));
    return channels.map(channel => named.get(channel));
  };

  /** A pause that the server told, in ms: undefined when it is no number, and bounded, as a timer of more than 24 days would end at once. */
  const readPause = (ms, longest = LONGEST_PAUSE) => (ms >= 0 ? Math.min(ms, longest) : undefined);

  /** A value may be an array, and is then repeated; one that is null is left out, but in an array it keeps its place. */
  const query = params => new URLSearchParams(Object.entries(params)
    .filter(([, value]) => value != null)
    .flatMap(([name, value]) => [value].flat().map(one => [name, one ?? '']))).toString();

  /** As part of a query; half a surrogate pair becomes U+FFFD, where encodeURIComponent would throw. */
  const encode = text => query({ '': text }).slice(1);

  /** As the server repeats it: with half a surrogate pair become U+FFFD. */
  const asSent = text => new URLSearchParams({ '': text }).get('');

  /** All that is used of the browser. A test may replace any of it by the option `env`. */
  const browser = {
    fetch: (...args) => globalThis.fetch(...args),
    openSocket: url => new globalThis.WebSocket(url),
    setTimeout: (fn, ms) => globalThis.setTimeout(fn, ms),
    clearTimeout: timer => globalThis.clearTimeout(timer),
    /** In ms, for lengths of time: a clock that nobody sets. It may stand still while the computer sleeps. */
    now: globalThis.performance?.now ? () => globalThis.performance.now() : () => Date.now(),
    /** In ms since 1970; somebody may set it meanwhile. */
    wallTime: () => Date.now(),
    random: () => Math.random(),
    newId: () => Array.from(globalThis.crypto.getRandomValues(new Uint32Array(4)), n => n.toString(36)).join('-'),
    report: error => (globalThis.reportError ?? console.error)(error),
    window: globalThis,
    document: globalThis.document,
  };

  /** A point in time, by both clocks. */
  const moment = env => ({ now: env.now(), wallTime: env.wallTime() });

  /** How long ago that was, in ms. While the computer slept one clock may have stood still, and somebody may have set the other: the longer time counts. */
  const since = (env, { now, wallTime }) => Math.max(env.now() - now, env.wallTime() - wallTime);

  /** Why something was refused or failed. */
  class CCometError extends Error {
    name = 'CCometError';
    constructor(detail, { status = 0, code = String(status), title, parameter, retryAfter, cause } = {}) {
      super(detail, { cause });
      /** The HTTP status; 0 when there was no answer. */
      this.status = status;
      /** What is wrong, in the server's words. */
      this.detail = detail;
      /** The wire's own number: the status, but for 402 (a seqid beyond the end, HTTP 409). `token` when the token function failed. */
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

  /** What comes of `work`, unless that takes longer than `ms` or `signal` is aborted. */
  function inTime(env, work, ms, signal) {
    return new Promise((resolve, reject) => {
      const giveUp = () => end(reject, new CCometError('Given up.'));
      const timer = env.setTimeout(() => end(reject, new CCometError(`Nothing came within ${ms / 1000} s.`)), ms);
      const end = (settle, value) => {
        env.clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
        settle(value);
      };
      signal?.addEventListener('abort', giveUp, { once: true });
      work.then(value => end(resolve, value), error => end(reject, error));
    });
  }

  const isRefusal = item => /^[45]\d\d$/.test(item?.type);

  /** A refusal that came as an element of an array. */
  const refusalOf = ({ type, reason }) => new CCometError(reason, { status: type === '402' ? 409 : Number(type), code: type });

  /** What an answer by HTTP that has not what was asked for says about the reason. */
  function refusalBy(env, answer, text) {
    let json = null;
    try { json = JSON.parse(text); } catch { /* Something between here and the server answered. */ }
    const after = answer.headers.get('Retry-After');
    const retryAfter = after === null ? undefined : readPause(Number(after) * 1000) ?? readPause(Date.parse(after) - env.wallTime(), LONGEST_PAUSE_TO_DATE);
    const own = json?.type?.startsWith?.('urn:ccomet:error:');
    return new CCometError(json?.detail ?? `The answer is no answer of CComet (HTTP ${answer.status}).`, {
      status: answer.status, code: own ? json.code : '', title: json?.title, parameter: json?.parameter, retryAfter,
    });
  }

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
  const fetchOptions = ({ token, cookies, headers, post, signal }) => ({
    signal,
    cache: 'no-store',
    ...(cookies && { credentials: cookies }),
    ...(post && { method: 'POST', body: JSON.stringify(post) }),
    headers: { ...headers, ...(post && { 'Content-Type': 'application/json' }), ...(token != null && { Authorization: `Bearer ${token}` }) },
  });

  /** Fetches, and reads JSON: undefined when it is none. */
  async function fetchJson(env, { url, heard, ...how }) {
    let answer, text;
    try {
      answer = await env.fetch(url, fetchOptions(how));
      text = await readText(answer, heard);
    } catch (cause) {
      if (cause instanceof CCometError) throw cause;
      throw new CCometError('The server cannot be reached.', { cause });
    }

    let json;
    try { json = JSON.parse(text); } catch { /* refusalBy() says so */ }
    return { answer, text, json };
  }

  /** Asks by fetch. `cursor` and `retry` are what the headers CComet-Cursor and CComet-Retry told. */
  async function askByFetch(env, how) {
    const { answer, text, json: items } = await fetchJson(env, how);
    // A poll that was replaced is a 409 whose body is an array; every other refusal is an object.
    if (!Array.isArray(items) || !(answer.ok || answer.status === 409)) throw refusalBy(env, answer, text);
    return { items, cursor: answer.headers.get('CComet-Cursor'), retry: answer.headers.get('CComet-Retry') };
  }

  /** Asks by a script element (JSONP): for pages that fetch does not let through. */
  function askByScript(env, { url, signal }) {
    return new Promise((resolve, reject) => {
      const name = `ccomet_${env.newId().replace(/\W/g, '_')}`;
      const script = env.document.createElement('script');
      const fail = cause => reject(new CCometError('The server cannot be reached.', { cause }));
      env.window[name] = text => {
        try { resolve({ items: JSON.parse(text), cursor: null, retry: null }); } catch (cause) { fail(cause); }
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
   * is there, are known at once. `_` differs from page to page: of equal requests a caching proxy would send one on, and let
   * the others wait for its answer. The server ignores it.
   */
  async function receiveByPoll(link) {
    const asked = link.env.now();
    const { items, cursor, retry } = await link.ask('sub', { ...link.where(), wait: link.probing ? 0 : POLL_SECONDS, _: link.tag }, { timeout: link.probing ? ASK_TIMEOUT : POLL_TIMEOUT });
    link.deliver(items, cursor);
    if (retry !== null) await link.sentAway({ retry: Number(retry) });
    else if (items.length === 0 && !link.probing && link.env.now() - asked < UNWAITED) await link.rest();
  }

  /**
   * Reads server-sent events out of the pieces in which they come: each call gives the events that a piece has made whole.
   * Each character is looked at once, however many pieces its line comes in.
   */
  function eventReader() {
    const decoder = new TextDecoder();
    let begun = []; // the pieces of a line that has not ended yet
    let event = {};
    let length = 0; // of the event, in characters
    const take = line => {
      const colon = line.indexOf(':');
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1));
      if (field !== '') event[field] = field === 'data' && event.data !== undefined ? `${event.data}\n${value}` : value;
    };
    return piece => {
      const text = decoder.decode(piece, { stream: true });
      const whole = [];
      let from = 0;
      for (let to; (to = text.indexOf('\n', from)) >= 0; from = to + 1) {
        begun.push(text.slice(from, to));
        const line = begun.join('');
        begun = [];
        length += to + 1 - from;
        if (line === '' || line === '\r') {
          whole.push(event);
          event = {};
          length = 0;
        } else {
          take(line.endsWith('\r') ? line.slice(0, -1) : line);
        }
      }

      if (from < text.length) begun.push(text.slice(from));
      length += text.length - from;
      if (length > MAX_LENGTH) throw new CCometError('An event of the stream is too long.');
      return whole;
    };
  }

  /**
   * Receives by server-sent events. Not by the browser's EventSource: that one tells neither the signs of life, without
   * which a stream that is kept back somewhere looks like a quiet one, nor why it was refused.
   */
  async function receiveByEvents(link) {
    const { env, signal } = link;
    const limit = new AbortController();
    const abort = () => limit.abort();
    signal.addEventListener('abort', abort, { once: true });
    let silence, timer, retryAfter;
    const expect = (ms, otherwise) => {
      env.clearTimeout(timer);
      timer = env.setTimeout(() => { silence = otherwise; abort(); }, ms);
    };
    try {
      expect(FIRST_BYTES, 'never begun');
      const { token, cookies } = link;
      const answer = await env.fetch(link.locate('sse', link.where()), fetchOptions({ token, cookies, signal: limit.signal, headers: { Accept: 'text/event-stream' } }));
      if (!answer.ok || !answer.headers.get('Content-Type')?.startsWith('text/event-stream')) throw refusalBy(env, answer, await readText(answer, () => {}));
      if (!answer.body?.getReader) throw new CCometError('This browser cannot read a stream as it comes.');
      const reader = answer.body.getReader();
      const read = eventReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) throw new CCometError('The stream was cut.', { retryAfter });
        expect(SILENCE, 'fallen silent');
        link.heard();
        const events = read(value);
        retryAfter = events.reduce((told, { retry }) => (retry ? readPause(Number(retry)) : told), retryAfter);
        const told = events.filter(event => event.data !== undefined).map(event => ({ by: event.event, item: JSON.parse(event.data) }));
        // A ticket is for those that cannot say who they are by a header.
        const items = told.filter(({ by }) => by !== 'ticket' && by !== 'refused').map(({ item }) => item);
        const id = events.findLast(event => event.id !== undefined)?.id;
        const refusal = told.find(({ by, item }) => by === 'refused' || isRefusal(item));
        if (refusal?.by === 'refused') throw refusalOf({ type: String(refusal.item.code), reason: refusal.item.reason });
        if (refusal) throw refusalOf(refusal.item);
        if (items.length > 0 || id !== undefined) link.deliver(items, id);
        const bye = items.find(item => item.type === 'BYE');
        if (bye) return await link.sentAway(bye);
      }
    } catch (cause) {
      if (silence) throw Object.assign(new CCometError(`The stream has ${silence}.`, { cause }), { silence });
      if (cause instanceof CCometError) throw cause;
      throw new CCometError('The server cannot be reached.', { cause, retryAfter });
    } finally {
      env.clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      // What ended by our own will would otherwise go on being sent.
      abort();
    }
  }

  const authFrame = token => JSON.stringify({ type: 'auth', token });

  /**
   * Receives by a WebSocket, which also takes what is published. The server's pings are answered by the browser and not
   * told to the page, so the server also sends an empty array after 15 s of silence: without it, a connection that died
   * in silence would look like a quiet one.
   *
   * A WebSocket has no headers of its own: the token is its first frame. A refusal that comes while an answer is due is that
   * answer; if the connection was meant as well, the code with which it is closed says so.
   */
  function receiveBySocket(link) {
    const { env, signal, token } = link;
    return new Promise((resolve, reject) => {
      let begun = false;
      let timer, refusal;
      const socket = env.openSocket(link.locate('ws', link.where()).replace(/^http/, 'ws'));
      const end = error => {
        env.clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        socket.onopen = socket.onmessage = socket.onclose = null;
        socket.close();
        link.hangUp(error);
        if (error) reject(error);
      };
      const expect = (ms, otherwise) => {
        env.clearTimeout(timer);
        timer = env.setTimeout(() => end(new CCometError(otherwise)), ms);
      };
      const take = items => {
        const [first] = items;
        if (!first) return; // a sign of life
        if (first.type === 'BYE') {
          end();
          resolve(link.sentAway(first));
        } else if (first.type === '409' && first.sname !== undefined) {
          end(refusalOf(first));
        } else if (first.type === 'auth') {
          link.authenticated(first);
        } else if (isRefusal(first) && link.isRefusedBy(first)) {
          end(refusalOf(first));
        } else if (first.type === 'pub' || isRefusal(first)) {
          if (isRefusal(first)) refusal = first;
          link.receipt(first);
        } else {
          link.deliver(items, null);
          if (!begun && !signal.aborted) link.carry(text => socket.send(text));
          begun = true;
        }
      };
      const onAbort = () => end(new CCometError('Given up.'));
      signal.addEventListener('abort', onAbort, { once: true });
      expect(ASK_TIMEOUT, 'The server cannot be reached.');
      socket.onopen = () => { if (token != null) socket.send(authFrame(token)); };
      socket.onmessage = ({ data }) => {
        expect(SILENCE, 'The connection has fallen silent.');
        link.heard();
        try { take(JSON.parse(data)); } catch (cause) { end(new CCometError('What came is no answer of CComet.', { cause })); }
      };
      socket.onclose = ({ code, reason }) => {
        if (code === TOO_LONG) end(new CCometError('The message is too long.', { status: 413 }));
        else if (code === UNAUTHORIZED || code === FORBIDDEN) end(refusalOf({ type: String(code - 4000), reason: refusal?.reason ?? (reason || 'The server has refused the connection.') }));
        else if (begun) end(new CCometError('The connection was cut.'));
        // Why a WebSocket was refused is not told to the page; a poll is told.
        else link.ask('sub', { ...link.where(), wait: 0 }).then(() => end(new CCometError('No WebSocket can be opened.')), end);
      };
    });
  }

  /**
   * The transports by name. One has
   * - `ask(env, { url, post, token, cookies, signal, heard })`, one request: resolves to `{ items, cursor, retry }` or rejects with a
   *   CCometError; where it can, it calls `heard` with each piece of the answer;
   * - `receive(link)`, which gives what it gets to `link.deliver(items, cursor)`, as often as it likes, until its request
   *   has ended as planned (then it is called again), failed (then it rejects) or `link.signal` was aborted;
   * - `posts`, whether it can send a body, and so values of JSON that are not strings;
   * - `tellsCursor`, whether an answer to /sign comes with its cursor;
   * - `carries`, whether what is published goes over the connection that receives;
   * - `streams`, whether `receive` goes on for ever, and so for longer than a token holds;
   * - `byTicket`, whether `ask` has nothing but an address, in which a token must not be: it goes by tickets;
   * - `young`, for how long after it was heard of it is taken to be alive, in ms.
   */
  const transports = {
    sse: { ask: askByFetch, receive: receiveByEvents, posts: true, tellsCursor: true, carries: false, streams: true, byTicket: false, young: YOUNG_STREAM },
    fetch: { ask: askByFetch, receive: receiveByPoll, posts: true, tellsCursor: true, carries: false, streams: false, byTicket: false, young: YOUNG },
    jsonp: { ask: askByScript, receive: receiveByPoll, posts: false, tellsCursor: false, carries: false, streams: false, byTicket: true, young: YOUNG },
    websocket: { ask: askByFetch, receive: receiveBySocket, posts: true, tellsCursor: true, carries: true, streams: true, byTicket: false, young: YOUNG_STREAM },
  };

  /** What `auto` tries, the best first. */
  const LADDER = ['sse', 'fetch', 'jsonp'];

  /**
   * Which transport `auto` uses for one url, for as long as the page lives. It goes down when SSE does not get through but
   * something below does, and back to the top when that fails as well: then it is not the transport that is at fault.
   */
  class Ladder {
    #at = 0;
    #first;
    #isProven = false;
    #hasStreamed = false;
    #hasBeaten = false;
    #inOutage = false;

    get transport() { return LADDER[this.#at]; }

    /** Something came by a transport. `isLate` says that it came after a quiet time, as only a stream that is not kept back does. */
    works(transport, isLate) {
      if (transport !== this.transport) return;
      if (this.#inOutage && this.#at > 0) {
        // The server came back between two attempts: that this one was the first to find it says nothing against the best.
        this.#inOutage = this.#isProven = false;
        this.#at = 0;
        return;
      }

      this.#isProven = true;
      this.#hasStreamed ||= this.#at === 0;
      this.#hasBeaten ||= this.#at === 0 && isLate;
    }

    /** A request that is not a stream has been answered: as far as is known, a stream would be as well. */
    asks(transport) {
      if (transport === 'fetch' && this.transport === 'fetch' && !this.#isProven) this.#at = 0;
    }

    /**
     * Something failed by a transport, after so many failures in a row. Gives null when another is to be tried at once, else
     * the error to tell.
     */
    fails(transport, error, failures) {
      // What CComet itself answered got through.
      if (!['', '0', '404'].includes(error.code)) return error;
      // Another connection to the same url was here first.
      if (transport !== this.transport) return null;
      if (this.#at === 0) {
        // A stream that was alive before is cut by outages and by a sleeping computer; only if that goes on, it may be the way.
        const outage = error.silence === 'fallen silent' ? this.#hasBeaten : !error.silence && this.#hasStreamed;
        if (outage && failures < 2) return error;
        this.#first = error;
        this.#inOutage = failures > 0;
      } else if (this.#isProven || this.#at === LADDER.length - 1) {
        // Why there is no ticket says more than why there is no stream.
        const told = this.#isProven || error.isOfTicket ? error : this.#first;
        this.#at = 0;
        this.#isProven = false;
        return told;
      }

      this.#at++;
      this.#isProven = false;
      return null;
    }
  }

  /** The characters of a token, as RFC 6750 has them. */
  const TOKEN = /^[\w.~+/-]+=*$/;

  /**
   * A token's life in ms, from when it was asked for; Infinity when it is not known. `told` is its end in ms since 1970, as the
   * server told it; without that the token is read, which verifies nothing. The page's clock may be wrong: a life that would be
   * over, though the server has just taken the token, does not count, nor does one above what the token says of itself.
   */
  function lifeOf(token, asked, told) {
    let claims = {};
    try { claims = JSON.parse(atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/'))); } catch { /* The server knows. */ }
    const lives = [(told ?? claims.exp * 1000) - asked.wallTime, (claims.exp - claims.iat) * 1000].filter(life => life > 0);
    return Math.min(...lives);
  }

  const noToken = cause => new CCometError(`No token could be had: ${cause?.message ?? cause}`, { code: 'token', cause });

  /** Refusals by 401, and whether another token is to be had: of each error the token is told once. */
  const renewals = new WeakMap();

  /**
   * The token of one url, and the tickets that were had for it. It comes from `source`, a text or a function, which is asked when
   * there is none yet, when 75 % of the life of the one at hand are over, and when the server does not take it: then once. If
   * the next is not taken either, or is the same, that is final, until `forget`.
   *
   * A token that is null is none: what everybody may do without one can still be done.
   */
  class Credentials {
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
      this.#life = lifeOf(token, asked);
      this.#notBefore = 0;
      this.#tickets.clear();
      this.#changed();
      return token;
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
      const life = lifeOf(token, this.#asked, expires);
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

  /**
   * One connection to one url, shared by the channels that want the same of it: one request at a time for all of them.
   * A member is what it knows of a channel's instance: `channel`, `name` (the channel as the server repeats it), `length` (about
   * what the channel adds to an address), `pauses`, `place()`, `signs()`, and what it is told.
   */
  class Connection {
    #env; #locate; #transport; #ladder; #alone; #sname; #tag; #credentials; #cookies;
    #pauses = { retryMin: 0, retryMax: 0 };
    #members = new Set();
    #length = 0;
    #flight = null;
    #successor = null;
    #running = false;
    #waiting = false;
    #waitsUntil = 0;
    #settling = false;
    #probing = true;
    #failures = 0;
    #socket = null;
    #outbox = [];

    #left;

    constructor(env, { locate, transport, ladder, alone, sname, credentials, cookies, left }) {
      this.#env = env;
      this.#left = left;
      this.#locate = locate;
      this.#transport = transport;
      this.#ladder = ladder;
      this.#alone = alone;
      this.#sname = sname;
      this.#credentials = credentials;
      this.#cookies = cookies;
      this.#tag = env.random().toString(36).slice(2);
    }

    /** The name of the transport in use. */
    get transport() { return this.#transport === 'auto' ? this.#ladder.transport : this.#transport; }

    get #used() { return transports[this.transport]; }

    hasRoomFor(member) {
      return this.#members.size === 0 || (!this.#alone && this.#members.size < MAX_CHANNELS && this.#length + member.length <= MAX_ADDRESS);
    }

    /** In how many ms it tries again, or null while it does not wait to. */
    get retryIn() { return this.#waiting ? Math.max(0, this.#waitsUntil - this.#env.now()) : null; }

    join(member) {
      if (this.#members.size === 0) {
        for (const event of ['online', 'offline']) this.#env.window.addEventListener?.(event, this.#onNetwork);
        this.#env.document?.addEventListener('visibilitychange', this.#onVisible);
      }

      this.#members.add(member);
      this.#length += member.length;
      // The most patient of them speaks for all.
      for (const name of ['retryMin', 'retryMax']) this.#pauses[name] = Math.max(this.#pauses[name], member.pauses[name]);
      this.#probing = true;
      if (this.#running) {
        this.#change();
      } else {
        this.#failures = 0;
        // Not before the caller has had the time to listen, and to name his other channels.
        Promise.resolve().then(() => this.#run());
      }
    }

    leave(member) {
      if (!this.#members.delete(member)) return;
      this.#length -= member.length;
      if (this.#members.size > 0) {
        this.#change();
        return;
      }

      this.#left(this);
      for (const event of ['online', 'offline']) this.#env.window.removeEventListener?.(event, this.#onNetwork);
      this.#env.document?.removeEventListener('visibilitychange', this.#onVisible);
      this.#abort();
    }

    #abort() {
      this.#flight?.abort();
      this.#successor?.abort();
    }

    /** After a refusal: the token is asked for again. */
    forgetToken() { this.#credentials?.forget(); }

    /** Asks again at once: the request in flight may be dead without any event. A sign-in is never sent twice for it. */
    wake(always) {
      const flight = this.#flight;
      const isYoung = flight !== null && since(this.#env, flight.heard) < this.#used.young;
      // When the server said when to come back, that is when.
      if (flight?.isAway || (!this.#waiting && (flight?.signs || (isYoung && !always)))) return;
      this.#failures = 0;
      this.#probing = true;
      this.#abort();
    }

    /** Asks once, by the credentials that there are, and tells them what the server thought of them. */
    async ask(verb, params, { timeout = ASK_TIMEOUT, transport = this.#used, ...how } = {}) {
      if (!this.#credentials) return await this.#ask(verb, params, { ...how, timeout, transport });
      const { signal } = how;
      const credentials = this.#credentials;
      const asked = this.#env.now();
      const token = await credentials.get({ timeout: Math.min(TOKEN_TIMEOUT, timeout), signal, failed: error => this.#warn(error) });
      const left = timeout - (this.#env.now() - asked);
      const channels = [params.channel].flat();
      const byTicket = transport.byTicket && token !== null;
      for (;;) {
        let tickets = [];
        try {
          if (byTicket) tickets = await credentials.tickets(RIGHTS[verb], channels, post => this.#askForTicket({ post, token, signal }));
          const ticketed = byTicket ? { ...params, ticket: tickets.map(({ text }) => text) } : params;
          const answer = await this.#ask(verb, ticketed, { ...how, timeout: left, transport, token });
          credentials.accepted(token, answer.items.find(item => item.type === 'CURSOR')?.expires);
          const next = answer.items.find(item => item.type === 'TICKET');
          if (next) credentials.keepTicket(RIGHTS[verb][0], channels, next, token);
          for (const ticket of tickets) ticket.isTried = true;
          return { ...answer, items: answer.items.filter(item => item !== next) };
        } catch (error) {
          // A ticket that was good before is too old, or of a server that has forgotten its keys: the token may still be good.
          const isOfOldTicket = error.code === '401' && tickets.some(({ isTried }) => isTried);
          if (!isOfOldTicket) {
            this.#blame(error, token);
            throw error;
          }

          credentials.dropTickets();
        }
      }
    }

    /** By fetch, as the token must be in a header. */
    async #askForTicket({ post, token, signal }) {
      const limit = new AbortController();
      const reading = fetchJson(this.#env, { url: this.#locate('ticket', {}), post, token, cookies: this.#cookies, signal: limit.signal, heard: () => {} });
      try {
        const { answer, text, json } = await inTime(this.#env, reading, ASK_TIMEOUT, signal);
        if (answer.ok && typeof json?.ticket === 'string') return json;
        throw refusalBy(this.#env, answer, text);
      } catch (error) {
        if (error.status !== 0) throw error;
        throw Object.assign(new CCometError('JSONP needs a ticket, and the address that gives tickets cannot be reached by fetch: the server is away, or does not let pages of this origin ask for one (CORS).', { cause: error }), { isOfTicket: true });
      } finally {
        limit.abort();
      }
    }

    /** Tells the credentials of a 401. */
    #blame(error, token) {
      if (error.code === '401' && this.#credentials && !renewals.has(error)) renewals.set(error, this.#credentials.refused(token, error));
    }

    /** Tells of something that went wrong while all goes on. */
    #warn(error, members = [...this.#members]) {
      for (const member of members) if (this.#members.has(member)) member.warned(error);
    }

    async #ask(verb, params, { post, token, signal, timeout, transport }) {
      if (signal?.aborted) throw new CCometError('Given up.');
      const limit = new AbortController();
      const abort = () => limit.abort();
      let timer;
      const expect = ms => {
        this.#env.clearTimeout(timer);
        timer = this.#env.setTimeout(abort, ms);
      };
      expect(timeout);
      signal?.addEventListener('abort', abort, { once: true });
      try {
        const answer = await transport.ask(this.#env, { url: this.#locate(verb, params), post, token, cookies: this.#cookies, signal: limit.signal, heard: () => expect(SILENCE) });
        const refusal = answer.items.find(isRefusal);
        if (refusal) throw refusalOf(refusal);
        return answer;
      } finally {
        this.#env.clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
      }
    }

    /** Publishes once. By the query of an address where there is no body, or where the addresses are those of 2014. */
    async publish(message, timeout, byAddress) {
      if (this.#used.carries && this.#running) {
        const asked = this.#env.now();
        const flight = this.#flight;
        const receipt = await this.#send(message, timeout).catch(error => {
          this.#blame(error, flight.token);
          throw error;
        });
        if (receipt) return receipt;
        timeout -= this.#env.now() - asked;
      }

      const { items } = this.#used.posts && !byAddress ? await this.ask('pub', {}, { timeout, post: message }) : await this.ask('pub', message, { timeout });
      return items[0];
    }

    /** The floor, and a random share of what grows with each failure: clients cut off together do not come back together. */
    pause(failures, retryAfter = 0) {
      const { retryMin, retryMax } = this.#pauses;
      return Math.max(retryMin, retryAfter) + this.#env.random() * Math.min(retryMax, retryMin * 2 ** failures);
    }

    async #run() {
      if (this.#running) return;
      this.#running = true;
      for (let flight = null; this.#members.size > 0;) {
        if (this.#flight === flight || this.#flight.signal.aborted) this.#flight = this.#promote() ?? this.#begin();
        flight = this.#flight;
        try {
          await flight.ended;
        } catch (error) {
          flight.isOver = true;
          // Aborted on purpose: no channel is left, or `wake` aborted it to ask again. And what takes its place is on its way.
          if (!flight.signal.aborted && !this.#successor) await this.#recover(error, flight);
        }

        flight.abort();
      }

      this.#running = false;
      for (const { reject } of this.#outbox.splice(0)) reject(new CCometError('The connection was closed.'));
    }

    #begin() {
      const signing = [...this.#members].find(member => member.signs());
      if (!signing) return this.#receive({ members: [...this.#members], transport: this.transport });
      const flight = this.#newFlight({ members: [signing], transport: this.transport, signs: true });
      flight.ended = this.#signIn(signing, flight);
      return flight;
    }

    #newFlight(how) {
      return Object.assign(new AbortController(), { heard: moment(this.#env), signs: false, hasBegun: false, isAway: false, isOver: false, isRenewing: false, token: undefined, ...how });
    }

    #receive(how) {
      const flight = this.#newFlight(how);
      const transport = transports[flight.transport];
      const receive = () => transport.receive(this.#link(flight));
      // What streams says once who it is; what asks again and again says it each time.
      const hasToken = !this.#credentials || !transport.streams || flight.token !== undefined;
      flight.ended = hasToken ? receive() : this.#getToken(flight.signal).then(token => {
        flight.token = token;
        return receive();
      });
      return flight;
    }

    #getToken(signal) {
      return this.#credentials.get({ signal, failed: error => this.#warn(error) });
    }

    /** Keeps a stream's token good for as long as it is open. What fails is tried again; until then the stream goes on as it is. */
    async #renew(flight) {
      const { signal, members } = flight;
      for (let failures = 0; !signal.aborted;) {
        await this.#credentials.untilDue(flight.token, signal);
        // It ends, and what comes after it has a new token anyway.
        if (signal.aborted || flight.isAway || flight.isOver) return;
        try {
          const token = await this.#credentials.get({ signal });
          if (token !== flight.token) {
            if (transports[flight.transport].carries) await this.#authenticate(flight, token);
            else await this.#handOver(flight, token);
            failures = 0;
          } else {
            await sleep(this.#env, this.pause(failures++), signal);
          }
        } catch (error) {
          if (signal.aborted || flight.isAway || flight.isOver) return;
          error.retryIn = this.pause(failures++, error.retryAfter);
          this.#warn(error, members);
          await sleep(this.#env, error.retryIn, signal);
        }
      }
    }

    /**
     * Opens a new stream by a new token. The old one goes on until the new one has begun; what comes by both is dropped the
     * second time, as its seqid has passed.
     */
    async #handOver(flight, token) {
      const members = flight.members.filter(member => this.#members.has(member));
      const next = this.#newFlight({ members, transport: flight.transport, token, epochs: members.map(member => member.place().epoch) });
      const begun = new Promise(resolve => { next.takesOver = resolve; });
      this.#successor = next;
      next.ended = transports[next.transport].receive(this.#link(next));
      try {
        await Promise.race([begun, next.ended.then(() => { throw new CCometError('The stream was cut.'); })]);
      } catch (error) {
        this.#blame(error, token);
        // The old one may have ended meanwhile: then this one is no successor any more, and #run looks after it.
        if (this.#successor === next) this.#successor = null;
        throw error;
      }
    }

    /** The new stream has begun. Gives whether it takes the old one's place. */
    #takeOver() {
      const old = this.#flight;
      const next = this.#promote();
      if (!next) return false;
      this.#flight = next;
      next.takesOver();
      old.abort();
      return true;
    }

    /** The stream that is being opened is a successor no more. Gives it, or null when it is good for nothing. */
    #promote() {
      const next = this.#successor;
      this.#successor = null;
      if (!next || next.signal.aborted) return null;
      // The log was reset since it was asked for, and the old stream has told so: from its cursor it would be told again.
      if (next.members.every((member, i) => member.place().epoch === next.epochs[i])) return next;
      next.abort();
      return null;
    }

    /** Says who one is over a WebSocket that is open. A refusal closes it, and then `flight` ends by it. */
    #authenticate(flight, token) {
      return new Promise((resolve, reject) => {
        if (!this.#socket) throw new CCometError('The connection has not begun.');
        const { sent, send } = this.#socket;
        const timer = this.#env.setTimeout(() => {
          reject(new CCometError('The token was not answered.'));
          if (this.#flight === flight) this.wake(true);
        }, ASK_TIMEOUT);
        const end = settle => value => {
          this.#env.clearTimeout(timer);
          settle(value);
        };
        sent.push({ isAuth: true, settle: item => end(isRefusal(item) ? reject : resolve)(isRefusal(item) ? refusalOf(item) : undefined), reject: end(reject) });
        flight.token = token;
        send(authFrame(token));
      });
    }

    /** What a transport sees of this. */
    #link(flight) {
      const { signal, members, token } = flight;
      return {
        env: this.#env,
        signal,
        token,
        cookies: this.#cookies,
        tag: this.#tag,
        probing: this.#probing,
        locate: this.#locate,
        where: () => this.#where(members),
        ask: (verb, params, how) => this.ask(verb, params, { ...how, signal, transport: transports[flight.transport] }),
        heard: () => this.#heard(flight),
        deliver: (items, cursor) => this.#deliver(flight, items, cursor),
        rest: () => this.#rest(this.pause(0), signal),
        sentAway: bye => this.#sentAway(bye, flight),
        carry: send => this.#carry(send),
        receipt: item => this.#socket?.sent.shift()?.settle(item),
        authenticated: item => this.#authenticated(flight, item),
        isRefusedBy: item => this.#isRefusedBy(item),
        hangUp: error => { flight.isOver = true; this.#hangUp(error); },
      };
    }

    #authenticated({ token }, item) {
      this.#credentials?.accepted(token, item.expires);
      if (this.#socket?.sent[0]?.isAuth) this.#socket.sent.shift().settle(item);
    }

    /** Whether a refusal over the WebSocket is of the connection: nothing else waits for an answer, or it is a token. */
    #isRefusedBy({ type }) {
      const due = this.#socket?.sent[0];
      return !due || (Boolean(due.isAuth) && FINAL.has(type));
    }

    /** Who asks, and from where on. Among several channels each has a value, which may be empty. */
    #where(members) {
      const places = members.map(member => member.place());
      if (places.length === 1) return { channel: members[0].channel, sname: this.#sname, seqid: places[0].next, epoch: places[0].epoch };
      return { channel: members.map(member => member.channel), sname: this.#sname, seqid: places.map(place => place.next), epoch: places.map(place => place.epoch) };
    }

    #heard(flight) {
      const isLate = flight.hasBegun && this.#env.now() - flight.heard.now > YOUNG;
      Object.assign(flight, { heard: moment(this.#env), hasBegun: true });
      this.#ladder.works(flight.transport, isLate);
    }

    #deliver(flight, items, cursor) {
      if (flight.signal.aborted || (flight === this.#successor && !this.#takeOver())) return;
      this.#failures = 0;
      this.#probing = false;
      this.#ladder.works(flight.transport, false);
      const { members } = flight;
      if (this.#credentials && transports[flight.transport].streams && flight === this.#flight) this.#streams(flight, items);
      const cursors = readCursors(cursor, members.map(member => member.name));
      const byName = new Map(members.map(member => [member.name, []]));
      for (const item of items) (members.length === 1 ? byName.get(members[0].name) : byName.get(item.channel))?.push(item);
      members.forEach((member, i) => {
        if (!this.#members.has(member)) return;
        member.deliver(byName.get(member.name), cursors[i]);
        member.opened();
      });
    }

    /** Something came by a stream: its token was good. */
    #streams(flight, items) {
      const expires = items.find(item => item.type === 'CURSOR')?.expires;
      // Over a WebSocket, what may be followed without a token comes before the token is looked at.
      if (expires || !transports[flight.transport].carries) this.#credentials.accepted(flight.token, expires);
      if (flight.isRenewing) return;
      flight.isRenewing = true;
      this.#renew(flight);
    }

    async #signIn(member, flight) {
      const { signal } = flight;
      await member.signIn((verb, params) => this.ask(verb, params, { signal }), this.#used.tellsCursor);
      this.#failures = 0;
      this.#ladder.asks(flight.transport);
      // Others that came meanwhile have yet to learn where they stand.
      if (this.#members.size === 1) this.#probing = false;
      if (this.#members.has(member)) member.opened();
    }

    async #recover(error, flight) {
      const known = error instanceof CCometError ? error : new CCometError(String(error?.message ?? error), { cause: error });
      const members = flight.members.filter(member => this.#members.has(member));
      this.#probing = true;
      this.#blame(known, flight.token);
      // Another token is asked for: it was not the channel that was refused.
      const isRenewed = renewals.get(known) === true;
      const isFinal = FINAL.has(known.code) && !isRenewed;
      // The server does not tell whose name among several was taken: none is taken back by itself.
      if (known.code === '409') return this.#end(members, known, 'replaced');
      if (members.length > 1 && (isFinal || known.code === '402') && !renewals.has(known)) return this.#sift(members, known, flight);
      if (isFinal) return this.#end(members, known, 'refused');
      if (known.code === '402') members[0]?.beginAgain();

      const failures = this.#failures++;
      const told = this.#transport === 'auto' ? this.#ladder.fails(flight.transport, known, failures) : known;
      if (told === null) return;
      told.retryIn = this.pause(failures, told.retryAfter);
      const rest = this.#rest(told.retryIn, flight.signal);
      for (const member of members) member.failed(told);
      await rest;
    }

    #end(members, error, state) {
      for (const member of members) {
        this.leave(member);
        member.ended(error, state);
      }
    }

    /** Several were refused together: finds out whom it concerns, so that the others go on. */
    async #sift(members, refusal, flight) {
      let isFound = false;
      for (const member of members) {
        const { signal } = flight;
        if (signal.aborted) return;
        const alone = { members: [member], signal, transport: flight.transport };
        try {
          const { items, cursor } = await this.ask('sub', { ...this.#where([member]), wait: 0 }, { signal, transport: transports[flight.transport] });
          this.#deliver(alone, items, cursor);
          continue;
        } catch (error) {
          if (signal.aborted) return;
          isFound ||= error.code === '402' || FINAL.has(error.code);
          if (error.code === '402') member.beginAgain();
          else await this.#recover(error, alone);
        }
      }

      if (!isFound) this.#end(members, refusal, 'refused');
    }

    /** The server ends what it sends on purpose, and has told when to come back: its clients share the time out among them. */
    async #sentAway({ retry, reason }, flight) {
      if (reason === 'expired') this.#credentials?.spent(flight.token);
      flight.isAway = true;
      this.#probing = true;
      const rest = this.#rest(readPause(retry) ?? this.pause(0), flight.signal);
      for (const member of flight.members) if (this.#members.has(member)) member.away();
      await rest;
    }

    async #rest(ms, signal) {
      if (signal.aborted) return;
      this.#waiting = true;
      this.#waitsUntil = this.#env.now() + ms;
      await sleep(this.#env, ms, signal);
      this.#waiting = false;
    }

    /** Another set of channels is another request. */
    #change() {
      if (this.#settling) return;
      this.#settling = true;
      this.#env.setTimeout(() => {
        this.#settling = false;
        this.#probing = true;
        if (!this.#waiting && !this.#flight.signs) this.#abort();
      }, SETTLE);
    }

    /** Publishes by the WebSocket. Resolves to null when there was none that took it. */
    #send(message, timeout) {
      return new Promise((resolve, reject) => {
        let timer;
        const within = (ms, otherwise) => {
          this.#env.clearTimeout(timer);
          timer = this.#env.setTimeout(otherwise, ms);
        };
        const entry = {
          text: JSON.stringify(message),
          reject: error => { this.#env.clearTimeout(timer); reject(error); },
          settle: item => {
            this.#env.clearTimeout(timer);
            if (isRefusal(item)) reject(refusalOf(item));
            else resolve(item);
          },
          sent: () => within(timeout, () => {
            reject(new CCometError('No receipt came.'));
            // What does not answer is dead, and the receipts that may still come would be taken for others.
            if (this.#socket?.sent.includes(entry)) this.wake(true);
          }),
        };
        within(Math.min(SOCKET_WAIT, timeout / 2), () => {
          this.#outbox = this.#outbox.filter(other => other !== entry);
          resolve(null);
        });
        this.#outbox.push(entry);
        this.#flush();
      });
    }

    #carry(send) {
      this.#socket = { send, sent: [] };
      this.#flush();
    }

    #flush() {
      if (!this.#socket) return;
      for (const entry of this.#outbox.splice(0)) {
        this.#socket.sent.push(entry);
        entry.sent();
        this.#socket.send(entry.text);
      }
    }

    /** Whether what has no receipt yet was stored is not known; who published it sends it again by the same id. */
    #hangUp(error = new CCometError('The connection was ended.')) {
      const sent = this.#socket?.sent ?? [];
      this.#socket = null;
      // Receipts come in order: if it was a message that broke it, it was the first without one.
      sent.forEach(({ reject }, i) => reject(i === 0 && !FINAL.has(error.code) ? error : new CCometError('The connection was ended.')));
    }

    /** Offline too: a stream whose network went away is not told so, while a new request is. */
    #onNetwork = () => this.wake(true);

    #onVisible = () => {
      if (this.#env.document.visibilityState === 'visible') this.wake(false);
    };
  }

  /** The connections and ladders of the page, by what they use of the browser: who brings his own shares with nobody else. */
  const pools = new WeakMap();

  /** The credentials of a url by their token function, which is asked for all its connections together. */
  function credentialsOf(env, url, functions, token) {
    if (typeof token !== 'function') return token == null ? undefined : new Credentials(env, token);
    if (!functions.has(token)) functions.set(token, new Map());
    const byUrl = functions.get(token);
    if (!byUrl.has(url)) byUrl.set(url, new Credentials(env, token));
    return byUrl.get(url);
  }

  function connect(owner, env, member, { key: parts, url, token, ...how }) {
    if (!pools.has(owner)) pools.set(owner, { connections: new Map(), ladders: new Map(), functions: new WeakMap() });
    const { connections, ladders, functions } = pools.get(owner);
    const credentials = credentialsOf(env, url, functions, token);
    const key = JSON.stringify([...parts, typeof token === 'function' ? credentials.id : token ?? null]);
    if (!ladders.has(url)) ladders.set(url, new Ladder());
    if (!connections.has(key)) connections.set(key, new Set());
    const shared = connections.get(key);
    for (const connection of shared) if (connection.hasRoomFor(member)) return connection;
    const left = one => {
      shared.delete(one);
      if (shared.size === 0) connections.delete(key);
    };
    const connection = new Connection(env, { ...how, credentials, ladder: ladders.get(url), left });
    shared.add(connection);
    return connection;
  }

  const living = new Map();

  /**
   * One channel, followed from now on, or from a cursor, or with its history.
   *
   * States: `connecting` (not answered yet) · `open` · `reconnecting` (something failed; it tries again by itself) ·
   * `replaced` (only with `exclusive`: another page took this sname on this channel; nothing is asked until `resume()` is
   * called or the page becomes visible again, so that two pages do not take it from each other for ever) · `refused` (the server said 400, 401 or 403,
   * and 401 to the next token as well, if there is a token function; nothing is asked until `resume()`) · `closed` (for good).
   */
  class CComet {
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
     * @param {(message: object) => void} [options.callback] is called with each message
     * @param {number} [options.retryMin=500] the least pause after a failure, in ms
     * @param {number} [options.retryMax=30000] the most that failures in a row add to it, in ms
     * @param {string} [options.sign_url] 2014: the address to sign in at; it is done at once, by JSONP
     * @param {string} [options.pub_url] 2014: ends in `msg=`; the encoded message is appended
     * @param {string} [options.sub_url] 2014: ends in `seqid=`; the seqid is appended
     *
     * Instances of one url, transport, sname, exclusive, credentials and token (the same function) share one connection for all their channels.
     * @throws {TypeError} a channel that is no text, a cursor or a transport that does not exist, a token by the addresses of 2014
     */
    constructor(options) {
      const seed = Boolean(options?.sub_url);
      this.#options = { transport: seed ? 'jsonp' : 'auto', sign: seed && Boolean(options.sign_url), exclusive: seed, retryMin: 500, retryMax: 30_000, ...options };
      this.#env = { ...browser, ...options?.env };
      const { channel, sname, cursor, transport, token, credentials, callback } = this.#options;
      if (!seed && (typeof channel !== 'string' || channel === '')) throw new TypeError('CComet: channel must be a text.');
      if (transport !== 'auto' && !Object.hasOwn(transports, transport)) throw new TypeError(`CComet: there is no transport ${transport}.`);
      if (cursor != null && !readCursor(cursor)) throw new TypeError('CComet: cursor must be epoch:seqid.');
      if (token != null && typeof token !== 'string' && typeof token !== 'function') throw new TypeError('CComet: token must be a text or a function.');
      if (token != null && seed) throw new TypeError('CComet: a token needs the option url; the addresses of 2014 know none.');
      if (!COOKIES.has(credentials)) throw new TypeError(`CComet: there are no credentials ${credentials}.`);

      const { key, locate } = locator(this.#env, this.#options);
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
        channel,
        name: asSent(channel ?? ''),
        length: encode(channel ?? '').length + 60,
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

    #join(isRefused = false) {
      const { sname, exclusive, transport, token, credentials, env, sub_url: seed } = this.#options;
      this.#connection = connect(env ?? browser, this.#env, this.#member, {
        key: [this.#url, transport, sname ?? null, Boolean(exclusive), credentials ?? null],
        url: this.#url,
        token,
        cookies: credentials ?? undefined,
        locate: this.#locate,
        transport,
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

    /** Moves the place over what came, and tells it. The place is moved first, so that a listener reads the cursor behind its message. */
    #deliver(items, after) {
      const place = this.#place;
      const { channel } = this.#options;
      if (after && place.epoch !== after.epoch && !items.some(item => item.type === 'RESET')) {
        const isReset = place.epoch !== null;
        Object.assign(place, { epoch: after.epoch, next: isReset ? null : place.next });
        if (isReset) this.#emit('reset', { type: 'RESET', channel, epoch: after.epoch, seqid: 0 });
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
          place.epoch ??= item.epoch;
          place.next ??= item.seqid;
        } else if (Number.isInteger(item.seqid) && item.seqid >= (place.next ?? 0)) {
          skipTo(item.seqid);
          place.next = item.seqid + 1;
          this.#emit('message', item);
        }
      }

      if (after?.epoch === place.epoch && after.next > (place.next ?? -1)) skipTo(after.next);
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

  globalThis.CComet = CComet;
})();
