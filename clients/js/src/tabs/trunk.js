import { follow } from '../wire/log.js';

/**
 * One channel as the leading tab receives it by its own connection: for a room of its own, which is treated as if it had joined the
 * connection itself, and for all tabs that want it.
 */
export class Trunk {
  #place; #tellAll; #upstream; #lag;
  #wanted = new Set();
  #waiting = new Set();
  #isOpen = false;
  #goOn = null; // ends the wait for a room that is full

  /**
   * @param {string} channel
   * @param {object} how
   * @param {object|null} how.room the room of this tab that it is opened for, if it is
   * @param {{ epoch: string|null, next: number|null }} how.place from where on
   * @param {(message: object) => void} how.tell tells all tabs
   * @param {(sink: object) => { leave(): void, wake?(always: boolean): void }} how.join joins the connection
   * @param {(room: object|null) => void} how.over hears that the server gives the channel no more
   * @param {() => boolean} how.isShared whether other tabs have something of the connection
   * @param {(room: object) => void} how.lag has the room follow at its own pace
   */
  constructor(channel, { room, place, tell, join, over, isShared, lag }) {
    this.channel = channel;
    this.room = room;
    this.#lag = lag;
    this.#place = { ...place };
    this.#tellAll = message => tell({ channel, ...message });
    this.#upstream = join({
      place: () => this.room?.member.place() ?? this.#place,
      signs: () => this.room?.member.signs() ?? false,
      signIn: (...how) => this.room.member.signIn(...how),
      full: () => {
        const full = this.room?.full?.();
        if (!full) return undefined;
        if (isShared()) return this.#lag(this.room);
        return Promise.race([full, new Promise(resolve => { this.#goOn = resolve; })]);
      },
      deliver: (items, after) => {
        this.#agree();
        follow(this.#place, items, after, () => {}, () => false);
        this.#tell({ is: 'items', items, after });
        this.room?.member.deliver(items, after);
      },
      opened: () => {
        this.#agree();
        if (!this.#isOpen) this.#tell({ is: 'state', what: 'opened' });
        this.#isOpen = true;
        for (const tab of this.#waiting) this.#answer(tab);
        this.#waiting.clear();
        this.room?.member.opened();
      },
      away: () => this.#away('away'),
      failed: error => this.#away('failed', error),
      warned: error => {
        this.#tell({ is: 'state', what: 'warned', error: { ...error } });
        this.room?.member.warned(error);
      },
      beginAgain: () => {
        this.#isOpen = false;
        this.room?.member.beginAgain();
        this.#place = this.room ? { ...this.room.member.place() } : { epoch: null, next: 0 };
        for (const tab of this.#wanted) this.#waiting.add(tab);
        this.#tell({ is: 'again', isShorter: true });
      },
      ended: (error, state) => {
        const { room } = this;
        this.#tell({ is: 'state', what: 'ended', error: { ...error }, state });
        over(room);
        room?.member.ended(error, state);
      },
    });
  }

  get isWanted() { return this.#wanted.size > 0; }

  /** A tab wants to be told from now on. */
  want(tab) {
    this.#agree();
    this.#wanted.add(tab);
    // Where it does not know where it is, it will once it is open.
    if (this.#isOpen || this.#place.epoch !== null) this.#answer(tab);
    else this.#waiting.add(tab);
  }

  /** Other tabs have something of the connection: a room that is full must not hold it back. */
  goOn() {
    if (this.#goOn && this.room?.full()) this.#lag(this.room);
    this.#goOn?.();
    this.#goOn = null;
  }

  drop(tab) {
    this.#wanted.delete(tab);
    this.#waiting.delete(tab);
  }

  /** The room of this tab needs it no more. */
  leave() {
    this.#agree();
    this.room = null;
  }

  wake(always) { this.#upstream.wake?.(always); }

  close() { this.#upstream.leave(); }

  /** The room may have moved by what it asked itself, as when it signs in: other tabs read what they were not told. */
  #agree() {
    const { epoch, next } = this.room?.member.place() ?? this.#place;
    if (epoch === this.#place.epoch && next === this.#place.next) return;
    this.#place = { epoch, next };
    this.#tell({ is: 'again' });
  }

  #tell(message) { if (this.isWanted) this.#tellAll(message); }

  #answer(tab) { this.#tell({ is: 'base', to: tab, base: { ...this.#place }, isOpen: this.#isOpen }); }

  #away(what, error) {
    this.#isOpen = false;
    this.#tell({ is: 'state', what, error: error && { ...error } });
    this.room?.member[what](error);
  }
}
