import { memberOf } from './member.js';
import { CCometError } from '../wire/errors.js';
import { TabGroup } from '../tabs/group.js';

/** The connection of one tab that shares it with others: to its members it is what a Connection is. */
export class TabLine {
  #env; #group; #left;
  #tails = new Map();
  #retryAt = null;

  /** Asks and publishes: what this tab does by itself. It follows nothing. */
  #own;

  /** Gives a connection that has room for a member. */
  #open;

  constructor(env, parts, open, left) {
    this.#env = env;
    this.#open = open;
    this.#left = left;
    this.#own = open({ length: 0 });
    this.#group = new TabGroup(env, {
      parts,
      identify: () => this.#own.identify(),
      open: (channel, place, sink) => this.#upstream(channel, place, sink),
    });
  }

  get transport() { return this.#own.transport; }

  get retryIn() {
    const left = this.#retryAt === null ? -1 : this.#retryAt - this.#env.now();
    return left >= 0 ? left : null;
  }

  join(member) {
    if (this.#tails.size === 0) for (const event of ['online', 'offline']) this.#env.window.addEventListener?.(event, this.#onNetwork);
    this.#own.expectPauses(member.pauses);
    const follow = error => {
      this.#retryAt = error.retryIn === undefined ? null : this.#env.now() + error.retryIn;
      return error;
    };
    const known = error => follow(error instanceof CCometError ? error : Object.assign(new CCometError(error.detail), error));
    this.#tails.set(member, this.#group.add({
      channel: member.channel,
      place: member.place,
      begin: signal => this.#own.begin(member, signal),
      read: signal => this.#own.read(member, signal),
      judge: (cause, failures) => {
        const error = cause instanceof CCometError ? cause : new CCometError(String(cause?.message ?? cause), { cause });
        const pause = this.#own.judge(error, { ...member, failed: told => member.failed(follow(told)), ended: (told, state) => this.#end(member, told, state) }, failures);
        return pause;
      },
      deliver: member.deliver,
      opened: () => {
        this.#retryAt = null;
        member.opened();
      },
      away: member.away,
      failed: error => member.failed(known(error)),
      warned: error => member.warned(known(error)),
      ended: (error, state) => this.#end(member, known(error), state),
      alone: () => {
        this.#tails.set(member, { connection: this.#open(member) });
        this.#tails.get(member).connection.join(member);
      },
    }));
  }

  leave(member) {
    const tail = this.#tails.get(member);
    if (!this.#tails.delete(member)) return;
    if (tail.connection) tail.connection.leave(member);
    else this.#group.remove(tail);
    if (this.#tails.size > 0) return;
    for (const event of ['online', 'offline']) this.#env.window.removeEventListener?.(event, this.#onNetwork);
    this.#left();
  }

  wake() {
    this.#group.wake();
    for (const { connection } of this.#tails.values()) connection?.wake(true);
  }

  forgetToken() { this.#own.forgetToken(); }

  publish(message, timeout, byAddress) { return this.#own.publish(message, timeout, byAddress); }

  pause(failures, retryAfter) { return this.#own.pause(failures, retryAfter); }

  #end(member, error, state) {
    this.leave(member);
    member.ended(error, state);
  }

  #upstream(channel, place, sink) {
    const pauses = [...this.#tails.keys()][0]?.pauses ?? { retryMin: 500, retryMax: 30_000 };
    const member = { ...memberOf(channel), pauses, place, signs: () => false, ...sink };
    const connection = this.#open(member);
    connection.join(member);
    return { leave: () => connection.leave(member), wake: () => connection.wake(true) };
  }

  #onNetwork = () => this.#group.wake();
}
