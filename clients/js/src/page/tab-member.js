import { memberOf } from './member.js';
import { CCometError } from '../wire/errors.js';

/** One member among the tabs that share a connection. To its instance it is what a Connection is. */
export class TabMember {
  #env; #group; #member; #room;

  /** Asks and publishes; this tab follows by it when it leads. */
  #connection;
  #isDirect = false;

  /** The connection that it has when it is not fed by a tab. */
  #alone = null;
  #retryAt = null;

  /**
   * @param {object} env
   * @param {import('../tabs/group.js').TabGroup} group
   * @param {object} member
   * @param {(member: object, isAlone?: boolean) => import('./connection.js').Connection} open gives a connection that has room for a
   *   member: the tab's own of the group, or one outside it
   */
  constructor(env, group, member, open) {
    this.#env = env;
    this.#group = group;
    this.#connection = open(member);
    this.#connection.expectPauses(member.pauses);
    this.#member = {
      ...member,
      opened: () => {
        this.#retryAt = null;
        member.opened();
      },
      failed: error => member.failed(this.#known(error)),
      warned: error => member.warned(this.#known(error)),
      ended: (error, state) => member.ended(this.#known(error), state),
    };
    this.#room = {
      channel: member.channel,
      member: this.#member,
      direct: sink => {
        this.#isDirect = true;
        this.#connection = open(member);
        const { leave, wake } = this.#joined(this.#connection, { ...member, ...sink });
        return { leave: () => { this.#isDirect = false; leave(); }, wake };
      },
      join: (channel, sink) => {
        const other = { ...memberOf(channel), pauses: member.pauses, ...sink };
        return this.#joined(open(other), other);
      },
      begin: signal => this.#connection.begin(this.#member, signal),
      read: signal => this.#connection.read(this.#member, signal),
      judge: (cause, failures) => this.#connection.judge(this.#known(cause), { ...this.#member, ended: (error, state) => { this.leave(); this.#member.ended(error, state); } }, failures),
      alone: () => {
        this.#alone = this.#connection = open(member, true);
        this.#alone.join(this.#member);
      },
    };
  }

  get transport() { return this.#connection.transport; }

  get retryIn() {
    if (this.#isDirect || this.#alone) return this.#connection.retryIn;
    const left = this.#retryAt === null ? -1 : this.#retryAt - this.#env.now();
    return left >= 0 ? left : null;
  }

  join() { this.#group.add(this.#room); }

  leave() {
    this.#alone?.leave(this.#member);
    this.#group.remove(this.#room);
  }

  wake(always) {
    if (this.#alone) this.#alone.wake(always);
    else this.#group.wake(this.#room, always);
  }

  forgetToken() { this.#connection.forgetToken(); }

  publish(message, timeout, byAddress) { return this.#connection.publish(message, timeout, byAddress); }

  pause(failures, retryAfter) { return this.#connection.pause(failures, retryAfter); }

  #joined(connection, member) {
    connection.join(member);
    return { leave: () => connection.leave(member), wake: always => connection.wake(always) };
  }

  /** An error of another tab has come without its class. */
  #known(error) {
    const known = error instanceof CCometError ? error : Object.assign(new CCometError(error.detail ?? String(error.message ?? error), { cause: error }), error);
    this.#retryAt = known.retryIn === undefined ? null : this.#env.now() + known.retryIn;
    return known;
  }
}
