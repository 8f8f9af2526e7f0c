import { renewals } from './credentials.js';
import { inTime, moment, since, sleep, unlessAborted } from '../environment.js';
import { ASK_TIMEOUT, FINAL, MAX_ADDRESS, MAX_CHANNELS, RIGHTS, SETTLE, SILENCE, SOCKET_WAIT, TOKEN_TIMEOUT, YOUNG } from './limits.js';
import { authFrame } from './receive-by-socket.js';
import { fetchJson } from '../wire/requests.js';
import { transports } from './transports.js';
import { readCursors } from '../wire/cursor.js';
import { CCometError, isRefusal, readPause, refusalBy, refusalOf, retryAfterOf } from '../wire/errors.js';

/**
 * One connection to one url, shared by the channels that want the same of it: one request at a time for all of them.
 * A member is what it knows of a channel's instance: `channel`, `name` (the channel as the server repeats it), `length` (about
 * what the channel adds to an address), `pauses`, `place()`, `signs()`, and what it is told.
 */
export class Connection {
  #env; #locate; #transport; #ladder; #alone; #sname; #tag; #credentials; #cookies; #enter; #occupied; #left;
  #pauses = { retryMin: 0, retryMax: 0 };
  #members = new Set();
  #length = 0;
  #flight = null;
  #successor = null;
  #running = false;
  #waiting = false;
  #waitsUntil = 0;
  #settling = false;
  #probing = true;
  #failures = 0;
  #socket = null;
  #outbox = [];

  /**
   * @param {object} env
   * @param {object} how
   * @param {() => Promise<void>} [how.enter] resolves when the first request may be made; by then the members may have left
   * @param {(connection: Connection) => void} how.used is called when the first member has joined
   * @param {(connection: Connection) => void} how.left is called when the last member has left
   */
  constructor(env, { locate, transport, ladder, alone, sname, credentials, cookies, enter, used, left }) {
    this.#env = env;
    this.#enter = enter;
    this.#occupied = used;
    this.#left = left;
    this.#locate = locate;
    this.#transport = transport;
    this.#ladder = ladder;
    this.#alone = alone;
    this.#sname = sname;
    this.#credentials = credentials;
    this.#cookies = cookies;
    this.#tag = env.random().toString(36).slice(2);
  }

  /** The name of the transport in use. */
  get transport() { return this.#transport === 'auto' ? this.#ladder.transport : this.#transport; }

  get #used() { return transports[this.transport]; }

  hasRoomFor(member) {
    return this.#members.size === 0 || (!this.#alone && this.#members.size < MAX_CHANNELS && this.#length + member.length <= MAX_ADDRESS);
  }

  /** In how many ms it tries again, or null while it does not wait to. */
  get retryIn() { return this.#waiting ? Math.max(0, this.#waitsUntil - this.#env.now()) : null; }

  join(member) {
    if (this.#members.size === 0) {
      this.#occupied(this);
      for (const event of ['online', 'offline']) this.#env.window.addEventListener?.(event, this.#onNetwork);
      this.#env.document?.addEventListener('visibilitychange', this.#onVisible);
    }

    this.#members.add(member);
    this.#length += member.length;
    this.expectPauses(member.pauses);
    this.#probing = true;
    if (this.#running) {
      this.#change();
    } else {
      this.#failures = 0;
      // Not before the caller has had the time to listen, and to name his other channels.
      Promise.resolve().then(() => this.#run());
    }
  }

  /** The most patient of the members speaks for all. */
  expectPauses(pauses) {
    for (const name of ['retryMin', 'retryMax']) this.#pauses[name] = Math.max(this.#pauses[name], pauses[name]);
  }

  leave(member) {
    if (!this.#members.delete(member)) return;
    this.#length -= member.length;
    if (this.#members.size > 0) {
      this.#change();
      return;
    }

    this.#left(this);
    for (const event of ['online', 'offline']) this.#env.window.removeEventListener?.(event, this.#onNetwork);
    this.#env.document?.removeEventListener('visibilitychange', this.#onVisible);
    this.#abort();
  }

  #abort() {
    this.#flight?.abort();
    this.#successor?.abort();
  }

  /** After a refusal: the token is asked for again. */
  forgetToken() { this.#credentials?.forget(); }

  /** Asks again at once: the request in flight may be dead without any event. A sign-in is never sent twice for it. */
  wake(always) {
    const flight = this.#flight;
    const isYoung = flight !== null && since(this.#env, flight.heard) < this.#used.young;
    // When the server said when to come back, that is when.
    if (flight?.isAway || (!this.#waiting && (flight?.signs || (isYoung && !always)))) return;
    this.#failures = 0;
    this.#probing = true;
    this.#abort();
  }

  /** Asks once, by the credentials that there are, and tells them what the server thought of them. */
  async ask(verb, params, { timeout = ASK_TIMEOUT, transport = this.#used, ...how } = {}) {
    if (!this.#credentials) return await this.#ask(verb, params, { ...how, timeout, transport });
    const { signal } = how;
    const credentials = this.#credentials;
    const asked = this.#env.now();
    const token = await credentials.get({ timeout: Math.min(TOKEN_TIMEOUT, timeout), signal, failed: error => this.#warn(error) });
    const left = timeout - (this.#env.now() - asked);
    const channels = [params.channel].flat();
    const byTicket = transport.byTicket && token !== null;
    for (;;) {
      let tickets = [];
      try {
        if (byTicket) tickets = await credentials.tickets(RIGHTS[verb], channels, post => this.#askForTicket({ post, token, signal }));
        const ticketed = byTicket ? { ...params, ticket: tickets.map(({ text }) => text) } : params;
        const answer = await this.#ask(verb, ticketed, { ...how, timeout: left, transport, token });
        credentials.accepted(token, answer.items.find(item => item.type === 'CURSOR')?.expires);
        const next = answer.items.find(item => item.type === 'TICKET');
        if (next) credentials.keepTicket(RIGHTS[verb][0], channels, next, token);
        for (const ticket of tickets) ticket.isTried = true;
        return { ...answer, items: answer.items.filter(item => item !== next) };
      } catch (error) {
        // A ticket that was good before is too old, or of a server that has forgotten its keys: the token may still be good.
        const isOfOldTicket = error.code === '401' && tickets.some(({ isTried }) => isTried);
        if (!isOfOldTicket) {
          this.#blame(error, token);
          throw error;
        }

        credentials.dropTickets();
      }
    }
  }

  /** By fetch, as the token must be in a header. */
  async #askForTicket({ post, token, signal }) {
    const limit = new AbortController();
    const reading = fetchJson(this.#env, { url: this.#locate('ticket', {}), post, token, cookies: this.#cookies, signal: limit.signal, heard: () => {} });
    try {
      const { answer, json } = await inTime(this.#env, reading, ASK_TIMEOUT, signal);
      if (answer.ok && typeof json?.ticket === 'string') return json;
      throw refusalBy(answer, json, retryAfterOf(answer, this.#env.wallTime()));
    } catch (error) {
      if (error.status !== 0) throw error;
      throw Object.assign(new CCometError('JSONP needs a ticket, and the address that gives tickets cannot be reached by fetch: the server is away, or does not let pages of this origin ask for one (CORS).', { cause: error }), { isOfTicket: true });
    } finally {
      limit.abort();
    }
  }

  /** Tells the credentials of a 401. */
  #blame(error, token) {
    if (error.code === '401' && this.#credentials && !renewals.has(error)) renewals.set(error, this.#credentials.refused(token, error));
  }

  /** Tells of something that went wrong while all goes on. */
  #warn(error, members = [...this.#members]) {
    for (const member of members) if (this.#members.has(member)) member.warned(error);
  }

  async #ask(verb, params, { post, token, signal, timeout, transport }) {
    if (signal?.aborted) throw new CCometError('Given up.');
    const limit = new AbortController();
    const abort = () => limit.abort();
    let timer;
    const expect = ms => {
      this.#env.clearTimeout(timer);
      timer = this.#env.setTimeout(abort, ms);
    };
    expect(timeout);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      const answer = await transport.ask(this.#env, { url: this.#locate(verb, params), post, token, cookies: this.#cookies, signal: limit.signal, heard: () => expect(SILENCE) });
      const refusal = answer.items.find(isRefusal);
      if (refusal) throw refusalOf(refusal);
      return answer;
    } finally {
      this.#env.clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Reads what there is of one member's channel now. */
  async read(member, signal) {
    const { items, cursor } = await this.ask('sub', { ...this.#where([member]), wait: 0, _: this.#tag }, { signal });
    member.deliver(items, readCursors(cursor, [member.name])[0]);
  }

  /** Signs a member in if it wants to, else reads what there is of its channel. */
  async begin(member, signal) {
    if (member.signs()) await member.signIn((verb, params) => this.ask(verb, params, { signal }), this.#used.tellsCursor);
    else await this.read(member, signal);
  }

  /**
   * What it means for a member that `begin` or `read` failed, so many times in a row before.
   * @returns {number|null} the pause after which to try again, in ms; null when it is over, and the member has been told
   */
  judge(error, member, failures) {
    if (error.code === '402') {
      member.beginAgain();
      return this.pause(failures);
    }

    if (FINAL.has(error.code) && renewals.get(error) !== true) {
      member.ended(error, 'refused');
      return null;
    }

    error.retryIn = this.pause(failures, error.retryAfter);
    member.failed(error);
    return error.retryIn;
  }

  /** Publishes once. By the query of an address where there is no body, or where the addresses are those of 2014. */
  async publish(message, timeout, byAddress) {
    if (this.#used.carries && this.#running) {
      const asked = this.#env.now();
      const flight = this.#flight;
      const receipt = await this.#send(message, timeout).catch(error => {
        this.#blame(error, flight.token);
        throw error;
      });
      if (receipt) return receipt;
      timeout -= this.#env.now() - asked;
    }

    const { items } = this.#used.posts && !byAddress ? await this.ask('pub', {}, { timeout, post: message }) : await this.ask('pub', message, { timeout });
    return items[0];
  }

  /** The floor, and a random share of what grows with each failure: clients cut off together do not come back together. */
  pause(failures, retryAfter = 0) {
    const { retryMin, retryMax } = this.#pauses;
    return Math.max(retryMin, retryAfter) + this.#env.random() * Math.min(retryMax, retryMin * 2 ** failures);
  }

  async #run() {
    if (this.#running) return;
    this.#running = true;
    for (let flight = null; this.#members.size > 0;) {
      if (this.#flight === flight || this.#flight.signal.aborted) this.#flight = this.#promote() ?? this.#begin();
      flight = this.#flight;
      try {
        await flight.ended;
      } catch (error) {
        flight.isOver = true;
        // Aborted on purpose: no channel is left, or `wake` aborted it to ask again. And what takes its place is on its way.
        if (!flight.signal.aborted && !this.#successor) await this.#recover(error, flight);
      }

      flight.abort();
    }

    this.#running = false;
    for (const { reject } of this.#outbox.splice(0)) reject(new CCometError('The connection was closed.'));
  }

  #begin() {
    if (this.#enter) {
      const flight = this.#newFlight({ members: [...this.#members], transport: this.transport });
      flight.ended = unlessAborted(this.#enter(), flight.signal).then(() => { this.#enter = null; });
      return flight;
    }

    const signing = [...this.#members].find(member => member.signs());
    if (!signing) return this.#receive({ members: [...this.#members], transport: this.transport });
    const flight = this.#newFlight({ members: [signing], transport: this.transport, signs: true });
    flight.ended = this.#signIn(signing, flight);
    return flight;
  }

  #newFlight(how) {
    return Object.assign(new AbortController(), { heard: moment(this.#env), signs: false, hasBegun: false, isAway: false, isOver: false, isRenewing: false, token: undefined, ...how });
  }

  #receive(how) {
    const flight = this.#newFlight(how);
    const transport = transports[flight.transport];
    const receive = () => transport.receive(this.#link(flight));
    // What streams says once who it is; what asks again and again says it each time.
    const hasToken = !this.#credentials || !transport.streams || flight.token !== undefined;
    flight.ended = hasToken ? receive() : this.#getToken(flight.signal).then(token => {
      flight.token = token;
      return receive();
    });
    return flight;
  }

  #getToken(signal) {
    return this.#credentials.get({ signal, failed: error => this.#warn(error) });
  }

  /** Keeps a stream's token good for as long as it is open. What fails is tried again; until then the stream goes on as it is. */
  async #renew(flight) {
    const { signal, members } = flight;
    for (let failures = 0; !signal.aborted;) {
      await this.#credentials.untilDue(flight.token, signal);
      // It ends, and what comes after it has a new token anyway.
      if (signal.aborted || flight.isAway || flight.isOver) return;
      try {
        const token = await this.#credentials.get({ signal });
        if (token !== flight.token) {
          if (transports[flight.transport].carries) await this.#authenticate(flight, token);
          else await this.#handOver(flight, token);
          failures = 0;
        } else {
          await sleep(this.#env, this.pause(failures++), signal);
        }
      } catch (error) {
        if (signal.aborted || flight.isAway || flight.isOver) return;
        error.retryIn = this.pause(failures++, error.retryAfter);
        this.#warn(error, members);
        await sleep(this.#env, error.retryIn, signal);
      }
    }
  }

  /**
   * Opens a new stream by a new token. The old one goes on until the new one has begun; what comes by both is dropped the
   * second time, as its seqid has passed.
   */
  async #handOver(flight, token) {
    const members = flight.members.filter(member => this.#members.has(member));
    const next = this.#newFlight({ members, transport: flight.transport, token, epochs: members.map(member => member.place().epoch) });
    const begun = new Promise(resolve => { next.takesOver = resolve; });
    this.#successor = next;
    next.ended = transports[next.transport].receive(this.#link(next));
    try {
      await Promise.race([begun, next.ended.then(() => { throw new CCometError('The stream was cut.'); })]);
    } catch (error) {
      this.#blame(error, token);
      // The old one may have ended meanwhile: then this one is no successor any more, and #run looks after it.
      if (this.#successor === next) this.#successor = null;
      throw error;
    }
  }

  /** The new stream has begun. Gives whether it takes the old one's place. */
  #takeOver() {
    const old = this.#flight;
    const next = this.#promote();
    if (!next) return false;
    this.#flight = next;
    next.takesOver();
    old.abort();
    return true;
  }

  /** The stream that is being opened is a successor no more. Gives it, or null when it is good for nothing. */
  #promote() {
    const next = this.#successor;
    this.#successor = null;
    if (!next || next.signal.aborted) return null;
    // The log was reset since it was asked for, and the old stream has told so: from its cursor it would be told again.
    if (next.members.every((member, i) => member.place().epoch === next.epochs[i])) return next;
    next.abort();
    return null;
  }

  /** Says who one is over a WebSocket that is open. A refusal closes it, and then `flight` ends by it. */
  #authenticate(flight, token) {
    return new Promise((resolve, reject) => {
      if (!this.#socket) throw new CCometError('The connection has not begun.');
      const { sent, send } = this.#socket;
      const timer = this.#env.setTimeout(() => {
        reject(new CCometError('The token was not answered.'));
        if (this.#flight === flight) this.wake(true);
      }, ASK_TIMEOUT);
      const end = settle => value => {
        this.#env.clearTimeout(timer);
        settle(value);
      };
      sent.push({ isAuth: true, settle: item => end(isRefusal(item) ? reject : resolve)(isRefusal(item) ? refusalOf(item) : undefined), reject: end(reject) });
      flight.token = token;
      send(authFrame(token));
    });
  }

  /** What a transport sees of this. */
  #link(flight) {
    const { signal, members, token } = flight;
    return {
      env: this.#env,
      signal,
      token,
      cookies: this.#cookies,
      tag: this.#tag,
      probing: this.#probing,
      locate: this.#locate,
      where: () => this.#where(members),
      ask: (verb, params, how) => this.ask(verb, params, { ...how, signal, transport: transports[flight.transport] }),
      heard: () => this.#heard(flight),
      deliver: (items, cursor) => this.#deliver(flight, items, cursor),
      rest: () => this.#rest(this.pause(0), signal),
      sentAway: bye => this.#sentAway(bye, flight),
      carry: send => this.#carry(send),
      receipt: item => this.#socket?.sent.shift()?.settle(item),
      authenticated: item => this.#authenticated(flight, item),
      isRefusedBy: item => this.#isRefusedBy(item),
      hangUp: error => { flight.isOver = true; this.#hangUp(error); },
    };
  }

  #authenticated({ token }, item) {
    this.#credentials?.accepted(token, item.expires);
    if (this.#socket?.sent[0]?.isAuth) this.#socket.sent.shift().settle(item);
  }

  /** Whether a refusal over the WebSocket is of the connection: nothing else waits for an answer, or it is a token. */
  #isRefusedBy({ type }) {
    const due = this.#socket?.sent[0];
    return !due || (Boolean(due.isAuth) && FINAL.has(type));
  }

  /** Who asks, and from where on. Among several channels each has a value, which may be empty. */
  #where(members) {
    const places = members.map(member => member.place());
    if (places.length === 1) return { channel: members[0].channel, sname: this.#sname, seqid: places[0].next, epoch: places[0].epoch };
    return { channel: members.map(member => member.channel), sname: this.#sname, seqid: places.map(place => place.next), epoch: places.map(place => place.epoch) };
  }

  #heard(flight) {
    const isLate = flight.hasBegun && this.#env.now() - flight.heard.now > YOUNG;
    Object.assign(flight, { heard: moment(this.#env), hasBegun: true });
    this.#ladder.works(flight.transport, isLate);
  }

  #deliver(flight, items, cursor) {
    if (flight.signal.aborted || (flight === this.#successor && !this.#takeOver())) return;
    this.#failures = 0;
    this.#probing = false;
    this.#ladder.works(flight.transport, false);
    const { members } = flight;
    if (this.#credentials && transports[flight.transport].streams && flight === this.#flight) this.#streams(flight, items);
    const cursors = readCursors(cursor, members.map(member => member.name));
    const byName = new Map(members.map(member => [member.name, []]));
    for (const item of items) (members.length === 1 ? byName.get(members[0].name) : byName.get(item.channel))?.push(item);
    members.forEach((member, i) => {
      if (!this.#members.has(member)) return;
      member.deliver(byName.get(member.name), cursors[i]);
      member.opened();
    });
  }

  /** Something came by a stream: its token was good. */
  #streams(flight, items) {
    const expires = items.find(item => item.type === 'CURSOR')?.expires;
    // Over a WebSocket, what may be followed without a token comes before the token is looked at.
    if (expires || !transports[flight.transport].carries) this.#credentials.accepted(flight.token, expires);
    if (flight.isRenewing) return;
    flight.isRenewing = true;
    this.#renew(flight);
  }

  async #signIn(member, flight) {
    const { signal } = flight;
    await member.signIn((verb, params) => this.ask(verb, params, { signal }), this.#used.tellsCursor);
    this.#failures = 0;
    this.#ladder.asks(flight.transport);
    // Others that came meanwhile have yet to learn where they stand.
    if (this.#members.size === 1) this.#probing = false;
    if (this.#members.has(member)) member.opened();
  }

  async #recover(error, flight) {
    const known = error instanceof CCometError ? error : new CCometError(String(error?.message ?? error), { cause: error });
    const members = flight.members.filter(member => this.#members.has(member));
    this.#probing = true;
    this.#blame(known, flight.token);
    // Another token is asked for: it was not the channel that was refused.
    const isRenewed = renewals.get(known) === true;
    const isFinal = FINAL.has(known.code) && !isRenewed;
    // The server does not tell whose name among several was taken: none is taken back by itself.
    if (known.code === '409') return this.#end(members, known, 'replaced');
    if (members.length > 1 && (isFinal || known.code === '402') && !renewals.has(known)) return this.#sift(members, known, flight);
    if (isFinal) return this.#end(members, known, 'refused');
    if (known.code === '402') members[0]?.beginAgain();

    const failures = this.#failures++;
    const told = this.#transport === 'auto' ? this.#ladder.fails(flight.transport, known, failures) : known;
    if (told === null) return;
    told.retryIn = this.pause(failures, told.retryAfter);
    const rest = this.#rest(told.retryIn, flight.signal);
    for (const member of members) member.failed(told);
    await rest;
  }

  #end(members, error, state) {
    for (const member of members) {
      this.leave(member);
      member.ended(error, state);
    }
  }

  /** Several were refused together: finds out whom it concerns, so that the others go on. */
  async #sift(members, refusal, flight) {
    let isFound = false;
    for (const member of members) {
      const { signal } = flight;
      if (signal.aborted) return;
      const alone = { members: [member], signal, transport: flight.transport };
      try {
        const { items, cursor } = await this.ask('sub', { ...this.#where([member]), wait: 0 }, { signal, transport: transports[flight.transport] });
        this.#deliver(alone, items, cursor);
        continue;
      } catch (error) {
        if (signal.aborted) return;
        isFound ||= error.code === '402' || FINAL.has(error.code);
        if (error.code === '402') member.beginAgain();
        else await this.#recover(error, alone);
      }
    }

    if (!isFound) this.#end(members, refusal, 'refused');
  }

  /** The server ends what it sends on purpose, and has told when to come back: its clients share the time out among them. */
  async #sentAway({ retry, reason }, flight) {
    if (reason === 'expired') this.#credentials?.spent(flight.token);
    flight.isAway = true;
    this.#probing = true;
    const rest = this.#rest(readPause(retry) ?? this.pause(0), flight.signal);
    for (const member of flight.members) if (this.#members.has(member)) member.away();
    await rest;
  }

  async #rest(ms, signal) {
    if (signal.aborted) return;
    this.#waiting = true;
    this.#waitsUntil = this.#env.now() + ms;
    await sleep(this.#env, ms, signal);
    this.#waiting = false;
  }

  /** Another set of channels is another request. */
  #change() {
    if (this.#settling) return;
    this.#settling = true;
    this.#env.setTimeout(() => {
      this.#settling = false;
      this.#probing = true;
      if (!this.#waiting && !this.#flight.signs) this.#abort();
    }, SETTLE);
  }

  /** Publishes by the WebSocket. Resolves to null when there was none that took it. */
  #send(message, timeout) {
    return new Promise((resolve, reject) => {
      let timer;
      const within = (ms, otherwise) => {
        this.#env.clearTimeout(timer);
        timer = this.#env.setTimeout(otherwise, ms);
      };
      const entry = {
        text: JSON.stringify(message),
        reject: error => { this.#env.clearTimeout(timer); reject(error); },
        settle: item => {
          this.#env.clearTimeout(timer);
          if (isRefusal(item)) reject(refusalOf(item));
          else resolve(item);
        },
        sent: () => within(timeout, () => {
          reject(new CCometError('No receipt came.'));
          // What does not answer is dead, and the receipts that may still come would be taken for others.
          if (this.#socket?.sent.includes(entry)) this.wake(true);
        }),
      };
      within(Math.min(SOCKET_WAIT, timeout / 2), () => {
        this.#outbox = this.#outbox.filter(other => other !== entry);
        resolve(null);
      });
      this.#outbox.push(entry);
      this.#flush();
    });
  }

  #carry(send) {
    this.#socket = { send, sent: [] };
    this.#flush();
  }

  #flush() {
    if (!this.#socket) return;
    for (const entry of this.#outbox.splice(0)) {
      this.#socket.sent.push(entry);
      entry.sent();
      this.#socket.send(entry.text);
    }
  }

  /** Whether what has no receipt yet was stored is not known; who published it sends it again by the same id. */
  #hangUp(error = new CCometError('The connection was ended.')) {
    const sent = this.#socket?.sent ?? [];
    this.#socket = null;
    // Receipts come in order: if it was a message that broke it, it was the first without one.
    sent.forEach(({ reject }, i) => reject(i === 0 && !FINAL.has(error.code) ? error : new CCometError('The connection was ended.')));
  }

  /** Offline too: a stream whose network went away is not told so, while a new request is. */
  #onNetwork = () => this.wake(true);

  #onVisible = () => {
    if (this.#env.document.visibilityState === 'visible') this.wake(false);
  };
}
