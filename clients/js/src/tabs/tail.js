import { sleep } from '../environment.js';

/** The least pause, in ms, between two reads of a log that has not yet what the leader had. */
const LEAST_PAUSE = 100;

/**
 * One room of a tab that does not lead, fed by the tab that does. It first asks the server itself, by its own credentials: so it is
 * known that it may, and where it stands. What the leader had by the time it was joined is read from the server as well, and only
 * then comes what the leader tells: nothing is lost in between, and what comes twice has a seqid that has passed.
 */
export class Tail {
  #env; #find; #want; #over;
  #closing = new AbortController();
  #pausing = null;
  #begun = null; // differs for each time that it was begun
  #hasBegun = false;
  #base = null; // from where on the leader tells all, once it has said so
  #buffer = [];
  #turn = null; // differs for each time that the leader was joined
  #isShorter = false;
  #isLive = false;
  #isLagging = false;
  #isOpen = false; // the leader's connection

  /**
   * @param {object} env
   * @param {object} room
   * @param {object} how
   * @param {() => Promise<void>} how.find finds the group
   * @param {(place: object) => void} how.want asks the leader, if there is one, to be told
   * @param {() => void} how.over hears that the leader cannot have the channel
   */
  constructor(env, room, { find, want, over }) {
    this.#env = env;
    this.room = room;
    this.channel = room.channel;
    this.#find = find;
    this.#want = want;
    this.#over = over;
  }

  async begin() {
    this.#hasBegun = false;
    this.#turn = null;
    const turn = this.#begun = {};
    const begin = async () => {
      await this.#find();
      if (turn === this.#begun) await this.room.begin(this.#closing.signal);
    };
    if (!await this.#untilDone(begin, () => turn === this.#begun)) return;
    this.#hasBegun = true;
    this.join();
  }

  /**
   * Asks the leader to be told.
   * @param {boolean} [isShorter] the log has fewer messages than it had: whether that concerns this room, the server tells
   */
  join(isShorter = false) {
    this.#turn = {};
    this.#base = null;
    this.#buffer = [];
    this.#isLive = this.#isLagging = false;
    this.#isShorter ||= isShorter;
    if (this.#hasBegun) this.#want(this.room.member.place());
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
      this.room.member.deliver(items, after);
      this.#lags();
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
      if (this.#isLive || this.#isLagging) this.room.member.opened();
    } else if (what === 'ended') {
      // The leader may not, or not any more. Whether this tab may, the server is asked by itself.
      this.#over();
    } else if (this.#hasBegun) {
      if (what !== 'warned') this.#isOpen = false;
      this.room.member[what](error, state);
    }
  }

  /** Tries again at once; a room that wants to sign in does so. */
  wake() {
    if (this.room.member.signs() && this.#hasBegun) this.begin();
    else this.#pausing?.abort();
  }

  close() {
    this.#closing.abort();
    this.#pausing?.abort();
    this.#turn = this.#begun = null;
  }

  async #catchUp(turn) {
    const isMeant = () => turn !== null && turn === this.#turn;
    while (isMeant() && !this.#lags() && (this.#isShorter || !this.#hasCaughtUp)) {
      const { epoch, next } = this.room.member.place();
      if (!await this.#untilDone(() => this.room.read(this.#closing.signal), isMeant)) return;
      this.#isShorter = false;
      const place = this.room.member.place();
      // A node that is behind the leader's.
      if (place.epoch === epoch && place.next === next && !this.#hasCaughtUp) await this.#pause(LEAST_PAUSE);
    }

    if (!isMeant()) return;
    this.#isLive = true;
    for (const [items, after] of this.#buffer.splice(0)) this.room.member.deliver(items, after);
    if (isMeant() && !this.#lags() && this.#isOpen) this.room.member.opened();
  }

  /** Whether the room has no room for more. It is told nothing then, and reads the rest from the server when it has. */
  #lags() {
    const full = this.room.full?.();
    if (!full) return false;
    const turn = this.#turn = {};
    this.#base = null;
    this.#buffer = [];
    this.#isLive = false;
    this.#isLagging = true;
    if (this.#isOpen) this.room.member.opened();
    full.then(() => { if (turn === this.#turn) this.join(); });
    return true;
  }

  get #hasCaughtUp() {
    const { epoch, next } = this.room.member.place();
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
