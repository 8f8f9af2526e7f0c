import { readCursor } from '../wire/cursor.js';
import { CCometError } from '../wire/errors.js';
import { follow } from '../wire/log.js';
import { asSent, query } from '../wire/query.js';
import { check } from './check.js';
import { GapError } from './gap-error.js';
import { MAX_QUEUE } from './limits.js';

const write = ({ epoch, next }) => (epoch === null || next === null ? null : `${epoch}:${next}`);

/**
 * One channel, followed. It is read by `for await`, or by listeners; until there is one of them, what comes is kept. More than
 * 256 messages are not: the client stops to receive until they are read.
 */
export class Subscription extends EventTarget {
  #onGap; #signal; #line;
  #isFromStart;
  #passed; // the place before what is being told
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

  constructor(channel, { from = 'now', onGap, signal } = {}) {
    super();
    const place = from === 'now' || from === 'start' ? { epoch: null, next: from === 'now' ? null : 0 } : readCursor(from);
    check(place, 'from', `start, now or epoch:seqid, not ${from}`);
    check(typeof (onGap ?? check) === 'function', 'onGap', 'a function');
    this.channel = channel;
    this.opened.catch(() => {});
    this.#isFromStart = from === 'start';
    this.#onGap = onGap;
    this.#signal = signal;
    this._place = place;
    this._name = asSent(channel);
    this._length = query({ channel }).length + 60;
  }

  /** Begins; `line` is what the subscription joins. */
  _begin(line) {
    this.#line = line;
    line._join(this);
    this.#signal?.addEventListener('abort', this.close);
    if (this.#signal?.aborted) this.close();
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
    this.#listeners = this.#listeners.filter(one => {
      if (one[0] !== type || one[1] !== listener) return true;
      this.removeEventListener(type, one[2]);
    });
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
      if (this.#queue.length > 0) {
        const { _isGap, value } = this.#shift();
        if (!_isGap) return { done: false, value };
      } else if (this.#isOver) {
        if (this.error) throw this.error;
        return { done: true, value: undefined };
      } else {
        await new Promise(resolve => { this.#arrived = resolve; });
      }
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

  #take = (type, item) => {
    const { channel, _place: { epoch } } = this;
    const cursor = write(this._place);
    const reset = type === 'reset';
    if (type === 'message') {
      this.#isFromStart = false;
      this.#queue.push({ _before: epoch && `${epoch}:${item.seqid}`, value: { ...item, cursor } });
    } else if (reset || !this.#isFromStart) {
      this.#queue.push({ _isGap: true, _before: write(this.#passed), value: { channel, epoch, from: reset ? this.#passed.next : item.from, to: item.to, reset, cursor } });
    }

    this.#pass();
    this.#arrived?.();
    this.#drain();
  };

  #pass() { this.#passed = { ...this._place }; }

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
    this.#pass();
    follow(this._place, items, after, this.#take, () => this.#isOver);
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
    this.#pass();
    this._place = { epoch: null, next: 0 };
    this.#take('reset', {});
  }

  _end(state, error = null) {
    if (this.#isOver) return;
    this.error = error;
    this.#signal?.removeEventListener('abort', this.close);
    this.#turn(state);
    this.#isOver = true;
    this.#line?._leave(this);
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
