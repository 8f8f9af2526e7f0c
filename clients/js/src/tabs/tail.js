import { sleep } from '../environment.js';

/** The least pause, in ms, between two reads of a log that has not yet what the leader had. */
const LEAST_PAUSE = 100;

/**
 * One room of this tab, fed by the tab that leads. It first asks the server itself, by its own credentials: so it is known that it
 * may, and where it stands. What the leader had by the time it was joined is read from the server as well, and only then comes
 * what the leader tells: nothing is lost in between, and what comes twice has a seqid that has passed.
 *
 * A room is `{ channel, place(), begin(signal), read(signal), judge(error, failures), deliver(items, after), opened(), away(),
 * failed(error), warned(error), ended(error, state), alone() }`; `judge` gives the pause after which to try again, or null when it is over.
 */
export class Tail {
  #env; #group;
  #closing = new AbortController();
  #pausing = null;
  #hasBegun = false;
  #base = null; // from where on the leader tells all, once it has said so
  #buffer = [];
  #turn = null; // differs for each time that the leader was joined
  #isLive = false;
  #isOpen = false; // the leader's connection

  constructor(env, group, room) {
    this.#env = env;
    this.#group = group;
    this.room = room;
    this.channel = room.channel;
  }

  async begin() {
    this.#hasBegun = false;
    this.#turn = null;
    const turn = this.#begun = {};
    if (!await this.#untilDone(() => this.room.begin(this.#closing.signal), () => turn === this.#begun)) return;
    this.#hasBegun = true;
    this.join();
  }

  #begun = null;

  /** Asks the leader, if there is one, to be told. */
  join() {
    this.#turn = {};
    this.#base = null;
    this.#buffer = [];
    this.#isLive = false;
    if (this.#hasBegun) this.#group.want(this.channel, this.room.place());
  }

  /** The leader tells all from here on. */
  joined(base, isOpen) {
    if (!this.#hasBegun || this.#base) return;
    this.#isOpen = isOpen;
    this.#base = base;
    this.#catchUp(this.#turn);
  }

  told(items, after) {
    if (this.#isLive) {
      this.room.deliver(items, after);
    } else if (this.#base) {
      this.#buffer.push([items, after]);
      const reset = items.findLast(item => item.type === 'RESET');
      if (reset) this.#base = { epoch: reset.epoch, next: reset.seqid };
    }
  }

  /** What happened to the leader's connection. */
  happened(what, error, state) {
    if (what === 'opened') {
      this.#isOpen = true;
      if (this.#isLive) this.room.opened();
    } else if (what === 'ended') {
      // The leader may not, or not any more. Whether this tab may, the server is asked by itself.
      this.close();
      this.#group.remove(this);
      this.room.alone();
    } else if (this.#hasBegun) {
      if (what !== 'warned') this.#isOpen = false;
      this.room[what](error, state);
    }
  }

  /** Tries again at once. */
  wake() { this.#pausing?.abort(); }

  close() {
    this.#closing.abort();
    this.#pausing?.abort();
    this.#turn = null;
  }

  async #catchUp(turn) {
    const isMeant = () => turn !== null && turn === this.#turn;
    while (isMeant() && !this.#hasCaughtUp) {
      const { epoch, next } = this.room.place();
      if (!await this.#untilDone(() => this.room.read(this.#closing.signal), isMeant)) return;
      const place = this.room.place();
      // A node that is behind the leader's.
      if (place.epoch === epoch && place.next === next && !this.#hasCaughtUp) await this.#pause(LEAST_PAUSE);
    }

    if (!isMeant()) return;
    this.#isLive = true;
    for (const [items, after] of this.#buffer.splice(0)) this.room.deliver(items, after);
    if (isMeant() && this.#isOpen) this.room.opened();
  }

  get #hasCaughtUp() {
    const { epoch, next } = this.room.place();
    return epoch === this.#base.epoch && next >= this.#base.next;
  }

  /** Does it again and again until it is done. Gives false when it is over, or not meant any more. */
  async #untilDone(work, isMeant) {
    for (let failures = 0; ; failures++) {
      if (!isMeant() || this.#closing.signal.aborted) return false;
      try {
        await work();
        return isMeant();
      } catch (error) {
        if (!isMeant() || this.#closing.signal.aborted) return false;
        const pause = this.room.judge(error, failures);
        if (pause === null) return false;
        await this.#pause(pause);
      }
    }
  }

  async #pause(ms) {
    this.#pausing = new AbortController();
    await sleep(this.#env, ms, this.#pausing.signal);
    this.#pausing = null;
  }
}
