import { browser, sleep } from '../environment.js';
import { CCometError } from '../wire/errors.js';
import { Caller } from './caller.js';
import { LIMITS } from './limits.js';
import { Line } from './line.js';
import { poll } from './poll.js';
import { sse, stream } from './streams.js';
import { Subscription } from './subscription.js';
import { Tokens } from './tokens.js';

/** What can be told by its name; others are imported, so that who does not use them does not load them. */
const NAMED = { auto: sse, sse, stream, poll };

const COOKIES = [undefined, 'omit', 'same-origin', 'include'];

/** The server's address, without a slash at its end. */
function baseOf(url, env) {
  const page = env.document?.baseURI ?? env.window.location?.href;
  if (!URL.canParse(url, page)) throw new TypeError(`CComet: url must be absolute where there is no page that it could be relative to, but is ${url}.`);
  const { protocol, href } = new URL(url, page);
  if (protocol !== 'http:' && protocol !== 'https:') throw new TypeError(`CComet: url must be one of http or https, but is ${url}.`);
  return href.replace(/[?#].*$/, '').replace(/\/$/, '');
}

/** One server, for as long as an application lives. Its subscriptions share one connection for 64 channels. */
class Client {
  #env; #caller; #transport; #isAuto;
  #lines = new Set();
  #rooms = new Set();
  #closing = new AbortController();

  constructor(url, { token, headers, credentials, signal, transport = 'auto', limits, env } = {}) {
    this.#env = { ...browser, ...env };
    this.#transport = typeof transport === 'string' && Object.hasOwn(NAMED, transport) ? NAMED[transport] : transport;
    if (typeof this.#transport?.open !== 'function') throw new TypeError(`CComet: transport must be auto, sse, stream, poll, or one that is imported, such as { websocket }; there is no ${transport}.`);
    if (token != null && typeof token !== 'string' && typeof token !== 'function') throw new TypeError('CComet: token must be a text or a function.');
    if (!COOKIES.includes(credentials)) throw new TypeError('CComet: credentials must be omit, same-origin or include.');
    this.#transport.check(this.#env, { token });
    this.#isAuto = transport === 'auto';
    this.#caller = new Caller({
      env: this.#env,
      base: baseOf(url, this.#env),
      headers: Object.fromEntries(new Headers(headers)),
      cookies: credentials,
      tokens: new Tokens(this.#env, token),
      limits: { ...LIMITS, ...limits },
    });
    if (signal?.aborted) this.close();
    signal?.addEventListener('abort', () => this.close(), { once: true, signal: this.#closing.signal });
  }

  get closed() { return this.#closing.signal.aborted; }

  /** Follows a channel. */
  subscribe(channel, options) {
    const room = new Subscription(channel, options);
    if (this.closed) throw new CCometError('The client is closed.');
    this.#rooms.add(room);
    Subscription.begin(room, {
      join: member => { this.#lineFor(member).join(member); },
      leave: member => {
        this.#rooms.delete(room);
        for (const line of [...this.#lines]) line.leave(member);
      },
      wake: () => { for (const line of this.#lines) line.wake(); },
    });
    return room;
  }

  #lineFor(member) {
    for (const line of this.#lines) if (line.hasRoomFor(member)) return line;
    const line = new Line(this.#caller, this.#transport, this.#isAuto, one => this.#lines.delete(one));
    this.#lines.add(line);
    return line;
  }

  /** Publishes, again and again until it is stored: the id makes that it is stored once. */
  async publish(channel, msg, { id = this.#env.newId(), sname, timeout = 30_000, signal } = {}) {
    if (typeof channel !== 'string' || channel === '') throw new TypeError('CComet: channel must be a text.');
    if (msg === undefined) throw new TypeError('CComet: msg must be a text or a JSON value.');
    if (!(timeout > 0)) throw new TypeError('CComet: timeout must be a number of ms above 0.');
    const { retryMin, retryMax, ask } = this.#caller.limits;
    const ending = AbortSignal.any([this.#closing.signal, ...signal ? [signal] : []]);
    const deadline = this.#env.now() + timeout;
    const message = { channel, msg, id, sname };
    for (let failures = 0; ; failures++) {
      if (ending.aborted) throw new CCometError(this.closed ? 'The client is closed.' : 'The publish was aborted.', { cause: ending.reason });
      const left = Math.min(ask, deadline - this.#env.now());
      try {
        const send = this.#transport.publish;
        return send ? await send(this.#caller, message, left, ending) : (await this.#caller.ask('pub', {}, { post: message, timeout: left, signal: ending })).items[0];
      } catch (error) {
        const isPassing = [0, 408, 425, 429].includes(error.status) || error.status >= 500;
        const pause = Math.max(error.retryAfter ?? 0, this.#env.random() * Math.min(retryMax, retryMin * 2 ** failures));
        if (!ending.aborted && (!isPassing || this.#env.now() + pause >= deadline)) throw error;
        await sleep(this.#env, pause, ending);
      }
    }
  }

  /** Who is there: `{ channel, epoch, seqid, count, users }`; follow `$presence:<channel>` from `epoch:seqid`. */
  presence(channel, { counts = false, signal } = {}) {
    if (typeof channel !== 'string' || channel === '') throw new TypeError('CComet: channel must be a text.');
    return this.#caller.object('presence', { channel, counts: counts ? 1 : null }, { signal });
  }

  /** Ends everything. */
  close() {
    this.#closing.abort();
    for (const room of [...this.#rooms]) room.close();
  }
}

/** Gives a client of the server at `url`. Nothing is asked before something is to be subscribed or published. */
export function connect(url, options) {
  return new Client(url, options);
}
