import { follow } from '../wire/log.js';

/** One channel, as the leading tab receives it for all tabs that want it. */
export class Trunk {
  #place; #tell;
  #wanted = new Set();
  #waiting = new Set();
  #isOpen = false;
  #upstream;

  /**
   * @param {string} channel
   * @param {{ epoch: string|null, next: number|null }} place from where on
   * @param {(message: object) => void} tell tells all tabs
   * @param {(channel: string, place: () => object, sink: object) => { leave(): void, wake(): void }} open opens the connection
   */
  constructor(channel, place, tell, open) {
    this.#place = { ...place };
    this.#tell = message => tell({ channel, ...message });
    this.#upstream = open(channel, () => this.#place, {
      deliver: (items, after) => {
        follow(this.#place, items, after, () => {}, () => false);
        this.#tell({ is: 'items', items, after });
      },
      opened: () => {
        this.#isOpen = true;
        this.#tell({ is: 'state', what: 'opened' });
        for (const tab of this.#waiting) this.#answer(tab);
        this.#waiting.clear();
      },
      away: () => this.#away('away'),
      failed: error => this.#away('failed', error),
      warned: error => this.#tell({ is: 'state', what: 'warned', error: { ...error } }),
      ended: (error, state) => this.#tell({ is: 'state', what: 'ended', error: { ...error }, state }),
      beginAgain: () => {
        this.#place = { epoch: null, next: 0 };
        this.#isOpen = false;
        for (const tab of this.#wanted) this.#waiting.add(tab);
        this.#tell({ is: 'again' });
      },
    });
  }

  get isWanted() { return this.#wanted.size > 0; }

  /** A tab wants to be told from now on. */
  want(tab) {
    this.#wanted.add(tab);
    // Where it does not know where it is, it will once it is open.
    if (this.#isOpen || this.#place.epoch !== null) this.#answer(tab);
    else this.#waiting.add(tab);
  }

  drop(tab) {
    this.#wanted.delete(tab);
    this.#waiting.delete(tab);
  }

  wake() { this.#upstream.wake(); }

  close() { this.#upstream.leave(); }

  #answer(tab) { this.#tell({ is: 'base', to: tab, base: { ...this.#place }, isOpen: this.#isOpen }); }

  #away(what, error) {
    this.#isOpen = false;
    this.#tell({ is: 'state', what, error: error && { ...error } });
  }
}
