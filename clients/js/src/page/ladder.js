/** What `auto` tries, the best first. */
const LADDER = ['sse', 'fetch', 'jsonp'];

/**
 * Which transport `auto` uses for one url, for as long as the page lives. It goes down when SSE does not get through but
 * something below does, and back to the top when that fails as well: then it is not the transport that is at fault.
 */
export class Ladder {
  #at = 0;
  #first;
  #isProven = false;
  #hasStreamed = false;
  #hasBeaten = false;
  #inOutage = false;

  get transport() { return LADDER[this.#at]; }

  /** Something came by a transport. `isLate` says that it came after a quiet time, as only a stream that is not kept back does. */
  works(transport, isLate) {
    if (transport !== this.transport) return;
    if (this.#inOutage && this.#at > 0) {
      // The server came back between two attempts: that this one was the first to find it says nothing against the best.
      this.#inOutage = this.#isProven = false;
      this.#at = 0;
      return;
    }

    this.#isProven = true;
    this.#hasStreamed ||= this.#at === 0;
    this.#hasBeaten ||= this.#at === 0 && isLate;
  }

  /** A request that is not a stream has been answered: as far as is known, a stream would be as well. */
  asks(transport) {
    if (transport === 'fetch' && this.transport === 'fetch' && !this.#isProven) this.#at = 0;
  }

  /**
   * Something failed by a transport, after so many failures in a row. Gives null when another is to be tried at once, else
   * the error to tell.
   */
  fails(transport, error, failures) {
    // What CComet itself answered got through.
    if (!['', '0', '404'].includes(error.code)) return error;
    // Another connection to the same url was here first.
    if (transport !== this.transport) return null;
    if (this.#at === 0) {
      // A stream that was alive before is cut by outages and by a sleeping computer; only if that goes on, it may be the way.
      const outage = error.silence === 'fallen silent' ? this.#hasBeaten : !error.silence && this.#hasStreamed;
      if (outage && failures < 2) return error;
      this.#first = error;
      this.#inOutage = failures > 0;
    } else if (this.#isProven || this.#at === LADDER.length - 1) {
      // Why there is no ticket says more than why there is no stream.
      const told = this.#isProven || error.isOfTicket ? error : this.#first;
      this.#at = 0;
      this.#isProven = false;
      return told;
    }

    this.#at++;
    this.#isProven = false;
    return null;
  }
}
