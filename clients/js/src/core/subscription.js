import { readCursor } from '../wire/cursor.js';
import { follow } from '../wire/log.js';
import { asSent, encode } from '../wire/query.js';
import { GapError } from './gap-error.js';
import { MAX_QUEUE } from './limits.js';

const write = ({ epoch, next }) => (epoch === null || next === null ? null : `${epoch}:${next}`);

/** Where `from` says to begin. */
function placeOf(from = 'now') {
  const place = from === 'now' ? { epoch: null, next: null } : from === 'start' ? { epoch: null, next: 0 } : typeof from === 'string' && readCursor(from);
  if (!place) throw new TypeError("CComet: from must be 'start', 'now' or a cursor, epoch:seqid.");
  return place;
}

/**
 * One channel, followed. It is read by `for await`, or by listeners; until there is one of them, what comes is kept. More than
 * 256 messages are not: the client stops to receive until they are read.
 */
export class Subscription extends EventTarget {
  #place; #onGap; #leave; #wake; #signal;
  #isFromStart;
  #passed; // the place before what is being told
  #queue = [];
  #reading = Promise.resolve();
  #isRead = false;
  #hears = new Set();
  #arrived;
  #drained;
  #listeners = [];
  #resolveOpened; #rejectOpened;

  /** One of `connecting`, `open`, `reconnecting`, `replaced`, `refused`, `closed`. */
  state = 'connecting';

  /** Why it ended, if it did for a reason that is not the caller's. */
  error = null;

  /** Resolves when it is open for the first time; rejects when it ends before. */
  opened = new Promise((resolve, reject) => {
    this.#resolveOpened = resolve;
    this.#rejectOpened = reject;
  });

  constructor(channel, { from, onGap, signal } = {}) {
    super();
    if (typeof channel !== 'string' || channel === '') throw new TypeError('CComet: channel must be a text.');
    if (onGap !== undefined && typeof onGap !== 'function') throw new TypeError('CComet: onGap must be a function.');
    this.channel = channel;
    this.#place = placeOf(from);
    this.#passed = { ...this.#place };
    this.#isFromStart = from === 'start';
    this.#onGap = onGap;
    this.#signal = signal;
    this.opened.catch(() => {});
  }

  /** Begins. `line` is what the subscription joins. */
  static begin(self, line) {
    const member = {
      channel: self.channel,
      name: asSent(self.channel),
      length: encode(self.channel).length + 60,
      place: () => self.#place,
      room: () => (self.#queue.length < MAX_QUEUE ? undefined : new Promise(resolve => { self.#drained = resolve; })),
      signs: () => false,
      deliver: (items, after) => {
        follow(self.#place, self.channel, items, after, (type, item) => self.#take(type, item), () => self.#isOver);
        self.#passed = { ...self.#place };
      },
      opened: () => self.#turn('open'),
      away: () => self.#turn('reconnecting'),
      failed: error => { self.#turn('reconnecting'); self.#emit('error', error); },
      warned: error => self.#emit('error', error),
      beginAgain: () => self.#beginAgain(),
      ended: (error, state) => self.#end(state, error),
    };
    self.#leave = () => line.leave(member);
    self.#wake = () => line.wake();
    if (self.#signal?.aborted) return self.close();
    self.#signal?.addEventListener('abort', self.#onAbort);
    line.join(member);
  }

  /** Where its reader is: what to give as `from` to go on behind the last message that he was given; null until it is known. */
  get cursor() { return this.#queue.length > 0 ? this.#queue[0].before : write(this.#place); }

  get #isOver() { return this.state === 'closed' || this.state === 'refused' || this.state === 'replaced'; }

  #onAbort = () => this.close();

  /**
   * Listens to `message`, `gap`, `state` or `error`; the listener is given what is told, without an event around it.
   * @returns {() => void} stops listening
   */
  on(type, listener, how) {
    const wrapped = event => {
      if (how?.once) this.off(type, listener);
      listener(...event.args);
    };
    this.#listeners.push({ type, listener, wrapped });
    this.addEventListener(type, wrapped, how);
    return () => this.off(type, listener);
  }

  /** Listens to the next one alone. */
  once(type, listener) { return this.on(type, listener, { once: true }); }

  /** Stops listening. */
  off(type, listener) {
    this.#listeners = this.#listeners.filter(one => {
      const isMeant = one.type === type && one.listener === listener;
      if (isMeant) this.removeEventListener(type, one.wrapped);
      return !isMeant;
    });
  }

  addEventListener(type, listener, how) {
    super.addEventListener(type, listener, how);
    this.#hears.add(type);
    // Not before the caller has had the time to listen for gaps as well.
    if (type === 'message') queueMicrotask(() => this.#drain());
  }

  /** Goes on at once instead of after the pause. */
  resume() { if (this.state === 'reconnecting') this.#wake(); }

  /** Ends. Leaving a `for await` does so as well. */
  close() {
    this.#queue = [];
    this.#end('closed');
  }

  [Symbol.asyncIterator]() {
    this.#isRead = true;
    return {
      next: () => (this.#reading = this.#reading.catch(() => {}).then(() => this.#next())),
      return: async value => {
        this.close();
        return { done: true, value };
      },
      [Symbol.asyncIterator]() { return this; },
    };
  }

  async #next() {
    for (;;) {
      if (this.#queue.length > 0) {
        const entry = this.#shift();
        if (entry.type === 'message') return { done: false, value: entry.value };
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
    if (this.#queue.length < MAX_QUEUE / 2) this.#drained?.();
    if (entry.type === 'message') {
      this.#emit('message', entry.value);
      return entry;
    }

    const isTold = this.#onGap || (this.#hears.has('gap') && !this.#isRead);
    this.#emit('gap', entry.value);
    this.#onGap?.(entry.value);
    if (!isTold) {
      this.#queue = [];
      this.#place = readCursor(entry.value.cursor) ?? this.#place;
      this.#end('closed', new GapError(entry.value));
    }

    return entry;
  }

  #take(type, item) {
    const { channel } = this;
    const { epoch } = this.#place;
    const cursor = write(this.#place);
    if (type === 'message') {
      this.#isFromStart = false;
      this.#queue.push({ type, before: epoch && `${epoch}:${item.seqid}`, value: { ...item, cursor } });
    } else if (type === 'reset' || !this.#isFromStart) {
      const reset = type === 'reset';
      this.#queue.push({ type: 'gap', before: write(this.#passed), value: { channel, epoch, from: reset ? this.#passed.next : item.from, to: item.to, reset, cursor } });
    }

    this.#passed = { ...this.#place };
    this.#arrived?.();
    this.#drain();
  }

  #beginAgain() {
    this.#place = { epoch: null, next: 0 };
    this.#take('reset', {});
  }

  #turn(state) {
    const before = this.state;
    if (before === state || this.#isOver) return;
    this.state = state;
    if (state === 'open') this.#resolveOpened(this);
    this.#emit('state', state, before);
  }

  #end(state, error = null) {
    if (this.#isOver) return;
    this.error = error;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#leave?.();
    this.#rejectOpened(error ?? new Error('The subscription was closed.'));
    if (error) this.#emit('error', error);
    // Nobody would ever know.
    if (error && !this.#isRead && !this.#hears.has('error')) (globalThis.reportError ?? console.error)(error);
    this.#turn(state);
    this.#arrived?.();
    this.#drained?.();
  }

  #emit(type, ...args) { this.dispatchEvent(Object.assign(new CustomEvent(type, { detail: args[0] }), { args })); }
}
