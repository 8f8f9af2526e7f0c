import { Tail } from './tail.js';
import { Trunk } from './trunk.js';

/** How often a tab looks whether the leader is alive, in ms. One that has not answered twice is frozen. */
const BEAT = 2_500;

/** A tab of which the leader has not heard for so long is gone, in ms; the timers of a hidden page fire once a minute. */
const TAB_LIFE = 180_000;

/** Whether tabs can find each other here: Web Locks need a secure page (https, or localhost). Node has locks, but no location and no tabs. */
export const canShare = env => Boolean(env.window.location && env.window.navigator?.locks && env.window.BroadcastChannel && env.window.crypto?.subtle);

/** A name that tells nothing about what it was made of. */
async function nameOf(env, parts) {
  const digest = await env.window.crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify(parts)));
  return `ccomet ${Array.from(new Uint8Array(digest), byte => byte.toString(16).padStart(2, '0')).join('')}`;
}

/**
 * The tabs of one browser that ask the same server as the same user. One of them, which holds a lock, leads: its rooms join its
 * connection as if there were no other tab, and what the other tabs want besides joins that connection too. It tells the others what
 * comes. When it goes, the lock goes to the next; when it is frozen, another steals it.
 *
 * A room is `{ channel, member, full(), direct(sink), join(channel, sink), begin(signal), read(signal), judge(error, failures),
 * alone() }`:
 * - `member` has `place()`, `signs()`, `signIn(…)`, and what it is told: `deliver(items, after)`, `opened()`, `away()`,
 *   `failed(error)`, `warned(error)`, `beginAgain()`, `ended(error, state)`;
 * - `full`, if it has that, gives a promise while it has no room for more: then it holds back the connection of a tab alone, and where
 *   there are others it reads the rest later;
 * - `direct` joins the tab's own connection in the room's place, and `join` joins it for a channel of other tabs; both give
 *   `{ leave(), wake?(always) }`, and that connection asks nothing before `enter` has resolved;
 * - `begin`, `read` and `judge` are what a tab that does not lead does by itself: `judge` gives the pause after which to try again,
 *   or null when it is over;
 * - `alone` has the room follow by a connection of its own, outside the group.
 *
 * Messages are objects that all tabs of the group hear: `who` asks for the leader, who says `lead`; `want` and `drop` a channel,
 * answered by `base`; `items`, `state` and `again` are what comes; `ping` and `pong` show who is alive; `wake` tries again.
 */
export class TabGroup {
  #env; #parts; #identify; #left; #id;

  /** Each room of this tab, and what feeds it: a trunk of its own, or a tail. */
  #rooms = new Map();
  #trunks = new Set();

  /** The group's name; null until it is found. */
  #name = null;

  /** Differs for each time that the group was found: what was asked of the lock before does not count. */
  #visit = null;

  /** Who leads, as far as is known. */
  #leader = null;
  #isFollower = false;
  #isAway = false;
  #finding = null;
  #channel = null;
  #queue = null;
  #release = null;
  #tabs = new Map();
  #timer = null;
  #misses = 0;

  /**
   * @param {object} env
   * @param {object} how
   * @param {any[]} how.parts what tabs must have in common
   * @param {() => Promise<string>} how.identify who this tab is; tabs of different users share nothing
   * @param {() => void} how.left is called when the last room has left
   */
  constructor(env, { parts, identify, left }) {
    this.#env = env;
    this.#parts = parts;
    this.#identify = identify;
    this.#left = left;
    this.#id = env.newId();
  }

  get #leads() { return this.#leader === this.#id; }

  /** Feeds a room. */
  add(room) {
    if (this.#rooms.size === 0) this.#listen('addEventListener');
    // Another tab has the channel from this one.
    const isTold = [...this.#trunks].some(trunk => trunk.channel === room.channel && !trunk.room);
    if (this.#isFollower || this.#isAway || isTold) this.#trail(room);
    else this.#direct(room);
  }

  remove(room) {
    const feed = this.#rooms.get(room);
    if (!this.#rooms.delete(room)) return;
    if (feed instanceof Trunk) {
      feed.leave();
      if (!feed.isWanted) this.#endTrunk(feed);
    } else {
      feed.close();
      if (!this.#tails().some(({ channel }) => channel === feed.channel)) this.#say({ is: 'drop', tab: this.#id, channel: feed.channel });
    }

    if (this.#rooms.size > 0) return;
    this.#stop();
    this.#listen('removeEventListener');
    this.#left();
  }

  /** Asks again at once for a room. */
  wake(room, always) {
    const feed = this.#rooms.get(room);
    feed?.wake(always);
    if (feed instanceof Tail && !room.member.signs()) this.#say({ is: 'wake' });
  }

  /**
   * Resolves when this tab leads. Where another one does, the rooms have left their connection by then.
   * @throws who this tab is could not be had
   */
  async enter() {
    do await this.#find(); while (this.#name === null && this.#rooms.size > 0 && !this.#isAway);
  }

  #tails() { return [...this.#rooms.values()].filter(feed => feed instanceof Tail); }

  /** A room is treated as if it had joined the connection itself. */
  #direct(room) {
    this.#rooms.set(room, this.#newTrunk(room.channel, { room, place: room.member.place(), join: room.direct }));
  }

  #newTrunk(channel, how) {
    const trunk = new Trunk(channel, {
      ...how,
      tell: message => this.#say(message),
      over: room => {
        this.#trunks.delete(trunk);
        if (room) this.remove(room);
      },
      isShared: () => [...this.#trunks].some(({ isWanted }) => isWanted),
      lag: room => {
        trunk.leave();
        trunk.want(this.#id);
        this.#trail(room);
      },
    });
    this.#trunks.add(trunk);
    return trunk;
  }

  #endTrunk(trunk) {
    if (this.#trunks.delete(trunk)) trunk.close();
  }

  /** A room is fed by the leader. */
  #trail(room) {
    const tail = new Tail(this.#env, room, {
      find: () => this.enter(),
      want: place => { if (this.#leader !== null) this.#say({ is: 'want', tab: this.#id, channel: room.channel, place: { ...place } }); },
      over: () => {
        this.remove(room);
        room.alone();
      },
    });
    this.#rooms.set(room, tail);
    if (!this.#isAway) tail.begin();
  }

  /** Leaves the group. Its rooms look for theirs anew. */
  #restart() {
    this.#stop();
    for (const [room, feed] of this.#rooms) {
      if (feed instanceof Trunk) this.#trail(room);
      else if (!this.#isAway) feed.begin();
    }
  }

  // ---- coming and going

  /** Finds the group that this tab belongs to, and whether this tab leads it. */
  #find() { return this.#finding ??= this.#search().finally(() => { this.#finding = null; }); }

  async #search() {
    if (this.#name !== null) return;
    const name = await nameOf(this.#env, [...this.#parts, await this.#identify()]);
    if (this.#isAway || this.#rooms.size === 0) return;
    const visit = this.#visit = {};
    this.#name = name;
    try {
      this.#channel = new this.#env.window.BroadcastChannel(name);
      this.#channel.onmessage = ({ data }) => this.#heard(data);
      if (!await new Promise((resolve, reject) => this.#request({ ifAvailable: true }, resolve, reject)) && visit === this.#visit) this.#trailLeader();
    } catch {
      // A page in a sandbox has no locks: it is on its own.
      if (visit === this.#visit) this.#lead();
    }
  }

  /** Another tab leads, until this one gets the lock. */
  #trailLeader() {
    this.#isFollower = true;
    this.#queue = new AbortController();
    this.#request({ signal: this.#queue.signal });
    this.#say({ is: 'who' });
    for (const [room, feed] of this.#rooms) {
      if (!(feed instanceof Trunk)) continue;
      this.#endTrunk(feed);
      this.#trail(room);
    }

    this.#beat();
  }

  #stop() {
    this.#name = this.#visit = null;
    this.#env.clearTimeout(this.#timer);
    this.#timer = null;
    this.#queue?.abort();
    this.#abdicate();
    this.#isFollower = false;
    this.#channel?.close();
    this.#channel = null;
  }

  /** Another user has signed in: what is told here is not for him. */
  async #checkUser() {
    const visit = this.#visit;
    const who = await this.#identify().catch(() => null);
    const isSame = who === null || await nameOf(this.#env, [...this.#parts, who]) === this.#name;
    if (visit !== this.#visit) return false;
    if (!isSame) this.#restart();
    return isSame;
  }

  #listen(how) {
    const { window, document } = this.#env;
    for (const event of ['online', 'offline']) window[how]?.(event, this.#onNetwork);
    for (const event of ['pagehide', 'pageshow']) window[how]?.(event, this.#onPage);
    document?.[how]('freeze', this.#onFreeze);
    document?.[how]('resume', this.#onResume);
  }

  #onNetwork = () => {
    if (!this.#isFollower) return;
    for (const tail of this.#tails()) tail.wake();
    this.#say({ is: 'wake' });
  };

  #onPage = ({ type, persisted }) => {
    if (persisted) (type === 'pagehide' ? this.#onFreeze : this.#onResume)();
  };

  /** The page may stand still for long, with the lock and the connection that others need. */
  #onFreeze = () => {
    if (this.#isAway) return;
    this.#isAway = true;
    this.#restart();
  };

  #onResume = () => {
    if (!this.#isAway) return;
    this.#isAway = false;
    this.#restart();
  };

  // ---- the lock

  /** Asks for the lock. `told` hears whether this tab has it. */
  #request(how, told = () => {}, failed = () => {}) {
    const visit = this.#visit;
    this.#env.window.navigator.locks.request(this.#name, how, lock => new Promise(release => {
      const leads = lock !== null && visit === this.#visit;
      if (leads) {
        this.#release = release;
        this.#lead();
      } else {
        release();
      }

      told(leads);
    })).catch(error => {
      failed(error);
      if (error.name !== 'AbortError' || visit !== this.#visit || !this.#leads) return;
      // Stolen: this tab was frozen, and others have gone on without it.
      this.#abdicate();
      this.#trailLeader();
    });
  }

  #lead() {
    this.#leader = this.#id;
    this.#isFollower = false;
    this.#misses = 0;
    this.#say({ is: 'lead' });
    for (const tail of this.#tails()) {
      tail.close();
      this.#direct(tail.room);
    }
  }

  #abdicate() {
    this.#release?.();
    this.#release = null;
    for (const trunk of this.#trunks) trunk.close();
    this.#trunks.clear();
    this.#tabs.clear();
    this.#leader = null;
  }

  /** Takes the lock from a tab that holds it and does not answer; of several tabs one does. */
  #steal() {
    const visit = this.#visit;
    this.#env.window.navigator.locks.request(`${this.#name} steal`, { ifAvailable: true }, async lock => {
      if (!lock || visit !== this.#visit || this.#misses < 2) return;
      this.#queue.abort();
      this.#request({ steal: true });
      // Held until the others have heard of it.
      await new Promise(resolve => { this.#env.setTimeout(resolve, BEAT); });
    }).catch(() => {});
  }

  /** As long as there are other tabs. */
  #beat() {
    this.#env.clearTimeout(this.#timer);
    this.#timer = null;
    if (!this.#isFollower && this.#tabs.size === 0) return;
    this.#timer = this.#env.setTimeout(() => {
      if (this.#leads) {
        for (const [tab, seen] of this.#tabs) if (this.#env.now() - seen > TAB_LIFE) this.#forget(tab);
      } else {
        if (++this.#misses > 2) this.#steal();
        this.#say(this.#leader === null ? { is: 'who' } : { is: 'ping', tab: this.#id });
      }

      this.#beat();
      this.#checkUser();
    }, BEAT);
  }

  // ---- messages

  #say(message) {
    const full = { leader: this.#leader, ...message };
    this.#channel?.postMessage(full);
    // A tab does not hear itself.
    this.#heard(full);
  }

  #heard(message) {
    const { is, leader, tab, to, channel } = message;
    if (is === 'lead') return this.#follow(leader);
    if (is === 'who') return this.#leads && this.#answer();
    if (leader === null || leader !== this.#leader) return;
    if (this.#leads) this.#asLeader(message);
    if (is === 'pong' && to === this.#id) {
      this.#misses = 0;
      if (!message.isKnown) for (const tail of this.#tails()) tail.join();
    }

    if (tab !== undefined) return;
    for (const tail of this.#tails()) {
      if (tail.channel !== channel) continue;
      if (is === 'base' && to === this.#id) tail.joined(message.base, message.isOpen);
      else if (is === 'items') tail.told(message.items, message.after);
      else if (is === 'state') tail.happened(message.what, message.error, message.state);
      else if (is === 'again') tail.join(message.isShorter);
    }
  }

  async #answer() {
    if (await this.#checkUser()) this.#channel.postMessage({ is: 'lead', leader: this.#id });
  }

  #follow(leader) {
    this.#misses = 0;
    // Whoever stole the lock from this tab, its own end of it comes by the lock.
    if (leader === this.#leader || !this.#isFollower) return;
    this.#leader = leader;
    for (const tail of this.#tails()) tail.join();
  }

  #asLeader({ is, tab, channel, place }) {
    const isKnown = this.#tabs.has(tab);
    if (tab !== undefined && tab !== this.#id) this.#tabs.set(tab, this.#env.now());
    if (is === 'want') this.#want(tab, channel, place);
    else if (is === 'drop') this.#drop(tab, channel);
    else if (is === 'ping') this.#channel.postMessage({ is: 'pong', leader: this.#id, to: tab, isKnown });
    else if (is === 'wake') for (const trunk of this.#trunks) trunk.wake(false);
  }

  #want(tab, channel, place) {
    const trunks = [...this.#trunks].filter(trunk => trunk.channel === channel);
    const [room] = this.#rooms.keys();
    const trunk = trunks.find(({ isWanted }) => isWanted) ?? trunks[0] ?? this.#newTrunk(channel, { room: null, place, join: sink => room.join(channel, sink) });
    trunk.want(tab);
    for (const one of this.#trunks) one.goOn();
    if (this.#timer === null) this.#beat();
  }

  #drop(tab, channel) {
    for (const trunk of this.#trunks) {
      if (trunk.channel !== channel) continue;
      trunk.drop(tab);
      if (!trunk.isWanted && !trunk.room) this.#endTrunk(trunk);
    }
  }

  #forget(tab) {
    this.#tabs.delete(tab);
    for (const { channel } of [...this.#trunks]) this.#drop(tab, channel);
  }
}
