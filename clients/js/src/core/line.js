import { sleep } from '../environment.js';
import { readPause } from '../wire/errors.js';
import { readCursors } from '../wire/cursor.js';
import { LONGEST_PAUSE } from '../wire/limits.js';
import { asError } from './caller.js';
import { FINAL, MAX_ADDRESS, MAX_CHANNELS } from './limits.js';
import { poll } from './poll.js';

const EVENTS = ['online', 'offline'];

/** A token is not asked for again sooner than this, in ms, as long as the one at hand holds. */
const LEAST_LIFE = 1_000;

/**
 * One connection, shared by the channels of a client: one request at a time for all of them, made again for as long as there is one.
 *
 * A member is what a line knows of a subscription: `channel`, `name` (the channel as the server repeats it), `length` (about what
 * it adds to an address), `place()`, `room()` (a promise while there is no room for more messages), and what it is told:
 * `deliver(items, after)`, `opened()`, `away()`, `failed(error)`, `warned(error)`, `beginAgain()`, `ended(error, state)`.
 */
export class Line {
  #caller; #env; #limits; #transport; #isAuto; #left;
  #members = new Set();
  #length = 0;
  #flight = null;
  #successor = null;
  #pausing = null;
  #isRunning = false;
  #isSettling = false;
  #isProbing = true;
  #failures = 0;
  #pollUntil = -Infinity;

  constructor(caller, transport, isAuto, left) {
    this.#caller = caller;
    this.#env = caller.env;
    this.#limits = caller.limits;
    this.#transport = transport;
    this.#isAuto = isAuto;
    this.#left = left;
  }

  hasRoomFor({ channel, length }) {
    const members = [...this.#members];
    return members.length < MAX_CHANNELS && (members.length === 0 || this.#length + length <= MAX_ADDRESS) && members.every(other => other.channel !== channel);
  }

  join(member) {
    if (this.#members.size === 0) for (const event of EVENTS) this.#env.window.addEventListener?.(event, this.#onNetwork);
    this.#members.add(member);
    this.#length += member.length;
    this.#change();
  }

  leave(member) {
    if (!this.#members.delete(member)) return;
    this.#length -= member.length;
    if (this.#members.size > 0) return this.#change();
    for (const event of EVENTS) this.#env.window.removeEventListener?.(event, this.#onNetwork);
    this.#left(this);
    this.#abort();
    this.#pausing?.abort();
  }

  /** Tries again at once. */
  wake() {
    this.#failures = 0;
    this.#isProbing = true;
    this.#abort();
    this.#pausing?.abort();
  }

  /** Reads what there is of a channel now. */
  async read(member, signal) {
    const { items, cursor } = await this.#caller.ask('sub', { ...this.#where([member]), wait: 0, _: this.#caller.tag }, { signal });
    member.deliver(items, readCursors(cursor, [member.name])[0]);
  }

  /** A pause after so many failures in a row: a random share of what doubles with each, and what the server asked for. */
  pause(failures, retryAfter = 0) {
    const { retryMin, retryMax } = this.#limits;
    return Math.max(retryAfter, this.#env.random() * Math.min(retryMax, retryMin * 2 ** failures));
  }

  #onNetwork = () => this.wake();

  #abort() {
    this.#flight?.abort();
    this.#successor?.abort();
    this.#successor = null;
  }

  /** Another set of channels is another request; those that come together share it. */
  #change() {
    if (this.#isSettling) return;
    this.#isSettling = true;
    this.#env.setTimeout(() => {
      this.#isSettling = false;
      this.#isProbing = true;
      if (this.#isRunning) this.#abort();
      else this.#run();
    }, this.#limits.settle);
  }

  async #run() {
    this.#isRunning = true;
    while (this.#members.size > 0) {
      const flight = this.#flight = this.#successor ?? this.#fly();
      this.#successor = null;
      let pause;
      try {
        const bye = await flight.ended;
        if (bye) pause = this.#sentAway(bye, flight);
      } catch (error) {
        // Aborted on purpose, or what takes its place is on its way.
        if (!flight.signal.aborted && !this.#successor) pause = await this.#recover(asError(error), flight);
      }

      flight.abort();
      if (!(pause > 0) || this.#members.size === 0) continue;
      this.#pausing = new AbortController();
      await sleep(this.#env, pause, this.#pausing.signal);
      this.#pausing = null;
    }

    this.#isRunning = false;
    this.#flight = null;
  }

  #fly(token) {
    const transport = this.#isAuto && this.#env.now() < this.#pollUntil ? poll : this.#transport;
    const flight = Object.assign(new AbortController(), { members: [...this.#members], transport, token });
    flight.ended = this.#open(flight);
    // Looked at by #run, which may come to it later.
    flight.ended.catch(() => {});
    return flight;
  }

  async #open(flight) {
    const { signal, transport, members } = flight;
    await this.#room(flight);
    signal.throwIfAborted();
    if (transport.streams) flight.token ??= await this.#caller.tokens.get({ isConnect: true, signal });
    const caller = this.#caller;
    const where = () => this.#where(members);
    return transport.open({
      caller,
      env: this.#env,
      limits: this.#limits,
      tag: caller.tag,
      signal,
      token: flight.token,
      isProbing: this.#isProbing,
      where,
      url: verb => caller.url(verb, where()),
      send: (verb, how) => caller.send(verb, where(), { ...how, token: flight.token }),
      ask: (verb, params, how) => caller.ask(verb, { ...where(), ...params }, { ...how, signal }),
      deliver: (items, cursor) => this.#deliver(flight, items, cursor),
      room: () => this.#room(flight),
    });
  }

  /** A promise while a member has no room for more; it ends with the flight as well. */
  #room({ members, signal }) {
    const full = members.map(member => member.room()).filter(Boolean);
    if (full.length === 0 || signal.aborted) return undefined;
    return Promise.race([Promise.all(full), new Promise(resolve => { signal.addEventListener('abort', resolve, { once: true }); })]);
  }

  /** Who asks, and from where on. Among several channels each has a value, which may be empty. */
  #where(members) {
    const all = members.map(member => ({ channel: member.channel, seqid: member.place().next, epoch: member.place().epoch }));
    if (all.length === 1) return all[0];
    return { channel: all.map(one => one.channel), seqid: all.map(one => one.seqid), epoch: all.map(one => one.epoch) };
  }

  #deliver(flight, items, cursor) {
    if (flight.signal.aborted) return;
    // The new stream has begun: the old one is over. What comes by both is dropped the second time.
    if (flight === this.#successor) this.#flight.abort();
    this.#failures = 0;
    this.#isProbing = false;
    if (flight.transport.streams) this.#renewInTime(flight, items.find(({ type }) => type === 'CURSOR')?.expires);
    const { members } = flight;
    const names = members.map(({ name }) => name);
    const cursors = readCursors(cursor, names);
    const byName = new Map(names.map(name => [name, []]));
    for (const item of items) byName.get(names.length === 1 ? names[0] : item.channel)?.push(item);
    members.forEach((member, i) => {
      if (!this.#members.has(member)) return;
      member.deliver(byName.get(member.name), cursors[i]);
      member.opened();
    });
  }

  /** A stream's token was good. Before it is not any more, a second stream is opened by the next one, and then the first one is ended. */
  #renewInTime(flight, expires) {
    const { tokens } = this.#caller;
    tokens.accepted(flight.token, expires);
    if (flight.isRenewing || tokens.dueIn === Infinity) return;
    flight.isRenewing = true;
    this.#renew(flight);
  }

  async #renew(flight) {
    const { tokens } = this.#caller;
    const { signal } = flight;
    for (let failures = 0; !signal.aborted;) {
      let next;
      try {
        while (tokens.dueIn > 0 && tokens.dueIn < Infinity && !signal.aborted) await sleep(this.#env, Math.min(tokens.dueIn, LONGEST_PAUSE), signal);
        const token = await tokens.get({ isFresh: true, signal });
        if (signal.aborted) return;
        if (token !== flight.token) {
          next = this.#successor = this.#fly(token);
          await next.ended;
        } else if (tokens.dueIn === Infinity) {
          // Nobody knows when to ask again; the server will say that it is over.
          return;
        }

        await sleep(this.#env, LEAST_LIFE, signal);
      } catch (cause) {
        // Has the new stream begun, then it has taken over, and #run looks after it.
        if (signal.aborted) return;
        const error = asError(cause);
        if (error.status === 401) tokens.drop(next?.token);
        error.retryIn = Math.max(LEAST_LIFE, this.pause(failures++, error.retryAfter));
        for (const member of flight.members) if (this.#members.has(member)) member.warned(error);
        await sleep(this.#env, error.retryIn, signal);
      } finally {
        if (next && this.#successor === next) this.#successor = null;
      }
    }
  }

  /** The server ends what it sends on purpose, and has told when to come back. */
  #sentAway({ retry, reason, isRest }, flight) {
    if (reason === 'expired') this.#caller.tokens.drop(flight.token);
    this.#isProbing = !isRest;
    if (!isRest) for (const member of flight.members) if (this.#members.has(member)) member.away();
    return readPause(Number(retry ?? NaN)) ?? this.pause(0);
  }

  /** Gives the pause after which to try again. */
  async #recover(error, flight) {
    this.#isProbing = true;
    const members = flight.members.filter(member => this.#members.has(member));
    const isFinal = FINAL.has(error.status);
    if (error.status === 401 && flight.transport.streams && this.#caller.tokens.refused(flight.token)) return 0;
    // Whose name among several was taken is not told.
    if (error.code === '409') return this.#end(members, error, 'replaced');
    if (members.length > 1 && (isFinal || error.code === '402')) return this.#sift(members, error, flight.signal);
    if (isFinal) return this.#end(members, error, 'refused');
    if (error.code === '402') {
      members[0]?.beginAgain();
      return this.pause(this.#failures++);
    }

    if (error.isKept && this.#isAuto && flight.transport !== poll) {
      this.#pollUntil = this.#env.now() + this.#limits.pollFor;
      return 0;
    }

    error.retryIn = this.pause(this.#failures++, error.retryAfter);
    for (const member of members) member.failed(error);
    return error.retryIn;
  }

  #end(members, error, state) {
    for (const member of members) {
      this.leave(member);
      member.ended(error, state);
    }
  }

  /** Several were refused together: finds out which, so that the others go on. */
  async #sift(members, refusal, signal) {
    let isFound = false;
    for (const member of members) {
      try {
        await this.read(member, signal);
      } catch (cause) {
        const error = asError(cause);
        if (signal.aborted) return;
        isFound ||= error.code === '402' || FINAL.has(error.status);
        if (error.code === '402') member.beginAgain();
        else if (FINAL.has(error.status)) this.#end([member], error, 'refused');
        else {
          error.retryIn = this.pause(this.#failures++, error.retryAfter);
          member.failed(error);
          return error.retryIn;
        }
      }
    }

    if (!isFound) this.#end(members, refusal, 'refused');
  }
}
