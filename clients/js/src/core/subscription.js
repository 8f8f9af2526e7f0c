import { readCursor } from '../wire/cursor.js';
import { CCometError } from '../wire/errors.js';
import { follow } from '../wire/log.js';
import { asSent, query } from '../wire/query.js';
import { check } from './check.js';
import { GapError } from './gap-error.js';
import { MAX_QUEUE } from './limits.js';
import { whenAborted } from './time.js';

const write = ({ epoch, next }) => (epoch === null || next === null ? null : `${epoch}:${next}`);

/**
 * One channel, followed. It is read by `for await`, or by listeners; until there is one of them, what comes is kept. More than
 * 256 messages are not: the client stops to receive until they are read.
 */
export class Subscription extends EventTarget {
  #onGap; #line;
  #over = new AbortController();
  #isFromStart;
  #queue = [];
  #reading = Promise.resolve();
  #isRead = false;
  #isOver = false;
  #hears = new Set();
  #arrived;
  #full; // what waits for room
  #drained;
  #listeners = [];
  #settleOpened;

  /** One of `connecting`, `open`, `reconnecting`, `replaced`, `refused`, `closed`. */
  state = 'connecting';

  /** Why it ended, if it did for a reason that is not the caller's. */
  error = null;

  /** Resolves when it is open for the first time; rejects when it ends before. */
  opened = new Promise((...settle) => { this.#settleOpened = settle; });

  constructor(channel, { from = 'now', onGap } = {}) {
    super();
    const isFromStart = from === 'start';
    const place = isFromStart || from === 'now' ? { epoch: null, next: isFromStart ? 0 : null } : readCursor(from);
    check(place, 'from', `start, now or epoch:seqid, not ${from}`);
    check(typeof (onGap ?? check) === 'function', 'onGap', 'a function');
    this.channel = channel;
    this.opened.catch(() => {});
    this.#isFromStart = isFromStart;
    this.#onGap = onGap;
    this._place = place;
    this._name = asSent(channel);
    this._length = query({ channel }).length + 60;
  }

  /** Begins: joins `line`, until one of `signals` is aborted. */
  _begin(line, ...signals) {
    this.#line = line;
    line._join(this);
    for (const signal of signals) whenAborted(signal, this.close, this.#over.signal);
  }

  /** Where its reader is: what to give as `from` to go on behind the last message that he was given; null until it is known. */
  get cursor() { return this.#queue.length > 0 ? this.#queue[0]._before : write(this._place); }

  /**
   * Listens to `message`, `gap`, `state` or `error`; the listener is given what is told, without an event around it.
   * @returns {() => void} stops listening
   */
  on(type, listener, how) {
    const wrapped = event => {
      if (how) this.off(type, listener);
      listener(...event._args);
    };
    this.#listeners.push([type, listener, wrapped]);
    this.addEventListener(type, wrapped);
    return () => this.off(type, listener);
  }

  /** Listens to the next one alone. */
  once(type, listener) { return this.on(type, listener, true); }

  /** Stops listening. */
  off(type, listener) {
    // removeEventListener gives nothing: what it removes is left out.
    this.#listeners = this.#listeners.filter(([to, by, wrapped]) => to !== type || by !== listener || this.removeEventListener(type, wrapped));
  }

  addEventListener(type, ...how) {
    super.addEventListener(type, ...how);
    this.#hears.add(type);
    // Not before the caller has had the time to listen for gaps as well.
    if (type === 'message') queueMicrotask(() => this.#drain());
  }

  /** Ends. Leaving a `for await` does so as well. */
  close = () => {
    this.#queue = [];
    this._end('closed');
  };

  [Symbol.asyncIterator]() {
    this.#isRead = true;
    const next = () => this.#next();
    return {
      next: () => (this.#reading = this.#reading.then(next, next)),
      return: async value => {
        this.close();
        return { done: true, value };
      },
    };
  }

  async #next() {
    for (;;) {
      while (this.#queue.length > 0) {
        const { _isGap, value } = this.#shift();
        if (!_isGap) return { done: false, value };
      }

      if (this.error) throw this.error;
      if (this.#isOver) return { done: true, value: undefined };
      await new Promise(resolve => { this.#arrived = resolve; });
    }
  }

  /** Tells listeners what waits, when nobody iterates. */
  #drain() {
    while (this.#hears.has('message') && !this.#isRead && this.#queue.length > 0) this.#shift();
  }

  /** Takes the next out of the queue, and tells it. */
  #shift() {
    const entry = this.#queue.shift();
    const { _isGap, value } = entry;
    if (this.#queue.length < MAX_QUEUE / 2) this.#drained?.();
    this.#emit(_isGap ? 'gap' : 'message', value);
    if (_isGap) {
      this.#onGap?.(value);
      if (!this.#onGap && (this.#isRead || !this.#hears.has('gap'))) {
        // What follows was not read: it comes to those that go on from the gap's cursor.
        this.#queue = [];
        this._place = readCursor(value.cursor) ?? this._place;
        this._end('closed', new GapError(value));
      }
    }

    return entry;
  }

  /** Puts into the queue what follow() tells. */
  #take = (type, item, before) => {
    const { channel, _place: { epoch } } = this;
    const cursor = write(this._place);
    const reset = type === 'reset';
    const _isGap = type !== 'message';
    const { next: from } = before ??= { epoch, next: item.seqid ?? item.from };
    if (!_isGap) this.#isFromStart = false;
    // From the start on, what is not kept any more is no gap.
    if (reset || !this.#isFromStart) this.#queue.push({ _isGap, _before: write(before), value: _isGap ? { channel, epoch, from, to: item.to, reset, cursor } : { ...item, cursor } });

    this.#arrived?.();
    this.#drain();
  };

  #turn(state) {
    const before = this.state;
    if (before === state || this.#isOver) return;
    this.state = state;
    this.#emit('state', state, before);
  }

  #emit(type, ...args) { this.dispatchEvent(Object.assign(new CustomEvent(type, { detail: args[0] }), { _args: args })); }

  // What its line calls: see Line.

  _room() {
    if (this.#queue.length >= MAX_QUEUE) return this.#full ??= new Promise(resolve => {
      this.#drained = () => {
        this.#full = null;
        resolve();
      };
    });
  }

  _deliver(items, after) {
    follow(this._place, items, after, this.#take, () => this.#isOver);
    // An administrator closed the channel.
    if (items.some(({ type }) => type === 'CLOSE')) this._end('closed');
  }

  _open() {
    this.#settleOpened[0](this);
    this.#turn('open');
  }

  _away(error) {
    this.#turn('reconnecting');
    if (error) this._warn(error);
  }

  _warn(error) { this.#emit('error', error); }

  _beginAgain() {
    const before = this._place;
    this._place = { epoch: null, next: 0 };
    this.#take('reset', {}, before);
  }

  _end(state, error = null) {
    if (this.#isOver) return;
    this.error = error;
    this.#over.abort();
    this.#turn(state);
    this.#isOver = true;
    this.#line._leave(this);
    this.#settleOpened[1](error ?? new CCometError('It is closed.'));
    if (error) {
      this._warn(error);
      // Nobody would ever know.
      if (!this.#isRead && !this.#hears.has('error')) (globalThis.reportError ?? console.error)(error);
    }

    this.#arrived?.();
    this.#drained?.();
  }
}
