import { Tail } from './tail.js';
import { Trunk } from './trunk.js';

/** How often a tab looks whether the leader is alive, in ms. One that has not answered twice is frozen. */
const BEAT = 2_500;

/** A tab of which the leader has not heard for so long is gone, in ms; the timers of a hidden page fire once a minute. */
const TAB_LIFE = 180_000;

/** Whether tabs can find each other here: Web Locks need a secure page (https, or localhost). */
export const canShare = env => Boolean(env.window.navigator?.locks && env.window.BroadcastChannel && env.window.crypto?.subtle);

/** A name that tells nothing about what it was made of. */
async function nameOf(env, parts) {
  const digest = await env.window.crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify(parts)));
  return `ccomet ${Array.from(new Uint8Array(digest), byte => byte.toString(16).padStart(2, '0')).join('')}`;
}

/**
 * The tabs of one browser that ask the same server as the same user. One of them, which holds a lock, leads: it has the only
 * connection, and tells the others what comes by it. When it goes, the lock goes to the next; when it is frozen, another steals it.
 *
 * Messages are objects that all tabs of the group hear: `who` asks for the leader, who says `lead`; `want` and `drop` a channel,
 * answered by `base`; `items`, `state` and `again` are what comes; `ping` and `pong` show who is alive; `wake` tries again.
 */
export class TabGroup {
  #env; #parts; #identify; #open;
  #id;
  #name = null;
  #leader = null;
  #channel = null;
  #tails = new Set();
  #trunks = new Map();
  #tabs = new Map();
  #queue = null;
  #release = null;
  #timer = null;
  #misses = 0;
  #starting = null;

  /**
   * @param {object} env
   * @param {object} how
   * @param {any[]} how.parts what tabs must have in common
   * @param {() => Promise<string>} how.identify who this tab is; tabs of different users share nothing
   * @param {ConstructorParameters<typeof Trunk>[3]} how.open opens the leader's connection
   */
  constructor(env, { parts, identify, open }) {
    this.#env = env;
    this.#parts = parts;
    this.#identify = identify;
    this.#open = open;
    this.#id = env.newId();
  }

  /** Feeds a room. */
  add(room) {
    const tail = new Tail(this.#env, this, {
      ...room,
      begin: async signal => {
        await this.#start();
        await room.begin(signal);
      },
    });
    this.#tails.add(tail);
    tail.begin();
    return tail;
  }

  remove(tail) {
    if (!this.#tails.delete(tail)) return;
    tail.close();
    const isWanted = [...this.#tails].some(({ channel }) => channel === tail.channel);
    if (!isWanted) this.#say({ is: 'drop', tab: this.#id, channel: tail.channel });
    if (this.#tails.size === 0) this.#stop();
  }

  want(channel, place) {
    if (this.#leader !== null) this.#say({ is: 'want', tab: this.#id, channel, place: { ...place } });
  }

  wake() {
    for (const tail of this.#tails) tail.wake();
    if (this.#leader !== null) this.#say({ is: 'wake' });
  }

  // ---- coming and going

  /** Finds the group that this tab belongs to. */
  async #start() {
    this.#starting ??= this.#identify().then(who => nameOf(this.#env, [...this.#parts, who])).finally(() => { this.#starting = null; });
    const name = await this.#starting;
    if (name === this.#name || this.#tails.size === 0) return;
    const hadName = this.#name !== null;
    this.#stop();
    this.#name = name;
    if (hadName) for (const tail of this.#tails) tail.begin();
    this.#channel = new this.#env.window.BroadcastChannel(name);
    this.#channel.onmessage = ({ data }) => this.#heard(data);
    this.#enqueue();
    this.#say({ is: 'who' });
    this.#beat();
  }

  #stop() {
    this.#env.clearTimeout(this.#timer);
    this.#name = null;
    this.#queue?.abort();
    this.#abdicate();
    this.#channel?.close();
    this.#channel = null;
  }

  // ---- the lock

  #enqueue() {
    this.#queue = new AbortController();
    this.#request({ signal: this.#queue.signal });
  }

  #request(how) {
    const name = this.#name;
    this.#env.window.navigator.locks.request(name, how, () => new Promise(resolve => {
      if (name !== this.#name) return resolve();
      this.#release = resolve;
      this.#lead();
    })).catch(error => {
      // Stolen: this tab was frozen, and others have gone on without it.
      if (error.name !== 'AbortError' || name !== this.#name || this.#leader !== this.#id) return;
      this.#abdicate();
      this.#enqueue();
      this.#say({ is: 'who' });
    });
  }

  #lead() {
    this.#leader = this.#id;
    this.#misses = 0;
    this.#say({ is: 'lead' });
    for (const tail of this.#tails) tail.join();
  }

  #abdicate() {
    this.#release?.();
    this.#release = null;
    for (const trunk of this.#trunks.values()) trunk.close();
    this.#trunks.clear();
    this.#tabs.clear();
    this.#leader = null;
  }

  /** Takes the lock from a tab that holds it and does not answer; of several tabs one does. */
  #steal() {
    const name = this.#name;
    this.#env.window.navigator.locks.request(`${name} steal`, { ifAvailable: true }, async lock => {
      if (!lock || name !== this.#name || this.#misses < 2) return;
      this.#queue.abort();
      this.#request({ steal: true });
      // Held until the others have heard of it.
      await new Promise(resolve => { this.#env.setTimeout(resolve, BEAT); });
    });
  }

  async #beat() {
    const name = this.#name;
    this.#timer = this.#env.setTimeout(() => this.#beat(), BEAT);
    if (this.#leader === this.#id) {
      for (const [tab, seen] of this.#tabs) if (this.#env.now() - seen > TAB_LIFE) this.#forget(tab);
    } else {
      if (++this.#misses > 2) this.#steal();
      this.#say(this.#leader === null ? { is: 'who' } : { is: 'ping', tab: this.#id });
    }

    // Another user has signed in: what is told here is not for him.
    const who = await this.#identify().catch(() => null);
    if (who === null || name !== this.#name || await nameOf(this.#env, [...this.#parts, who]) === name || name !== this.#name) return;
    this.#stop();
    for (const tail of this.#tails) tail.begin();
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
    if (is === 'who') return this.#leader === this.#id && this.#channel.postMessage({ is: 'lead', leader: this.#id });
    if (leader === null || leader !== this.#leader) return;
    if (leader === this.#id) this.#asLeader(message);
    if (is === 'pong' && to === this.#id) {
      this.#misses = 0;
      if (!message.isKnown) for (const tail of this.#tails) tail.join();
    }

    if (tab !== undefined) return;
    for (const tail of this.#tails) {
      if (tail.channel !== channel) continue;
      if (is === 'base' && to === this.#id) tail.joined(message.base, message.isOpen);
      else if (is === 'items') tail.told(message.items, message.after);
      else if (is === 'state') tail.happened(message.what, message.error, message.state);
      else if (is === 'again') tail.join();
    }
  }

  #follow(leader) {
    this.#misses = 0;
    if (leader === this.#leader) return;
    // Whoever stole the lock from this tab, its own end of it comes by the lock.
    if (this.#leader === this.#id) return;
    this.#leader = leader;
    for (const tail of this.#tails) tail.join();
  }

  #asLeader({ is, tab, channel, place, what }) {
    if (tab !== undefined && tab !== this.#id && is !== 'ping') this.#tabs.set(tab, this.#env.now());
    if (is === 'want') {
      if (!this.#trunks.has(channel)) this.#trunks.set(channel, new Trunk(channel, place, message => this.#say(message), this.#open));
      this.#trunks.get(channel).want(tab);
    } else if (is === 'drop') {
      this.#drop(tab, channel);
    } else if (is === 'ping') {
      const isKnown = this.#tabs.has(tab);
      this.#tabs.set(tab, this.#env.now());
      this.#channel.postMessage({ is: 'pong', leader: this.#id, to: tab, isKnown });
    } else if (is === 'wake') {
      for (const trunk of this.#trunks.values()) trunk.wake();
    } else if (what === 'ended') {
      this.#trunks.delete(channel);
    }
  }

  #drop(tab, channel) {
    const trunk = this.#trunks.get(channel);
    trunk?.drop(tab);
    if (!trunk || trunk.isWanted) return;
    trunk.close();
    this.#trunks.delete(channel);
  }

  #forget(tab) {
    this.#tabs.delete(tab);
    for (const channel of [...this.#trunks.keys()]) this.#drop(tab, channel);
  }
}
