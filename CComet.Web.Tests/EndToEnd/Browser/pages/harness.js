// What the tests in a page have in common: an instance whose events are written down.
globalThis.record = options => {
  const room = new CComet({ retryMin: 20, retryMax: 100, ...options });
  const log = { messages: [], gaps: [], resets: [], states: [room.state], errors: [], signed: [] };
  room.on('message', message => log.messages.push(message));
  room.on('gap', gap => log.gaps.push(gap));
  room.on('reset', reset => log.resets.push(reset));
  room.on('state', state => log.states.push(state));
  room.on('signed', message => log.signed.push(message));
  room.on('error', error => log.errors.push({ status: error.status, code: error.code, detail: error.detail, retryIn: error.retryIn }));
  return Object.assign(globalThis, { room, log });
};

globalThis.texts = () => log.messages.map(message => message.msg);

/** An answer as fetch gives it. */
globalThis.answer = (body, { status = 200, ...headers } = {}) => new Response(typeof body === 'string' ? body : JSON.stringify(body), { status, headers });

/**
 * A server of a few lines: each request is written down, and answered by the first of `answers`; the last one stays.
 * An answer is a function of the request; one that gives nothing leaves the request hanging until it is aborted.
 */
globalThis.scripted = (...answers) => {
  const requests = [];
  const fetch = (url, how) => new Promise((resolve, reject) => {
    const request = { verb: new URL(url).pathname.slice(1), query: Object.fromEntries(new URL(url).searchParams), url, headers: how.headers, credentials: how.credentials, body: how.body && JSON.parse(how.body), signal: how.signal, aborted: false };
    requests.push(request);
    how.signal.addEventListener('abort', () => { request.aborted = true; reject(how.signal.reason); });
    const given = (answers.length > 1 ? answers.shift() : answers[0])(request);
    if (given instanceof Error) reject(given);
    else if (given) resolve(given);
  });
  return { fetch, requests };
};

/** A clock that is turned by hand; `waits` are the times, in ms, that somebody waits for. */
globalThis.handClock = () => {
  let now = 0;
  let timers = [];
  const clearTimeout = timer => { timers = timers.filter(other => other !== timer); };
  return {
    now: () => now,
    setTimeout: (fn, ms) => { timers.push({ fn, at: now + ms }); return timers.at(-1); },
    clearTimeout,
    waits: () => timers.map(timer => timer.at - now),
    turn: ms => {
      now += ms;
      for (const timer of timers.filter(({ at }) => at <= now)) { clearTimeout(timer); timer.fn(); }
    },
  };
};

/** An event stream that says what it is told to say, until its request is aborted. */
globalThis.eventStream = ({ signal }) => {
  let wire;
  const body = new ReadableStream({ start: controller => { wire = controller; } });
  signal.addEventListener('abort', () => { try { wire.error(signal.reason); } catch { /* It has ended. */ } });
  return { answer: new Response(body, { headers: { 'Content-Type': 'text/event-stream' } }), say: text => wire.enqueue(new TextEncoder().encode(text)), sayBytes: bytes => wire.enqueue(bytes), cut: () => wire.close() };
};

/** A WebSocket that says what it is told to say. */
globalThis.scriptedSocket = () => {
  const sockets = [];
  const openSocket = url => {
    const socket = { url, sent: [], closed: false, send: text => socket.sent.push(JSON.parse(text)), close: () => { socket.closed = true; }, say: items => socket.onmessage?.({ data: JSON.stringify(items) }) };
    sockets.push(socket);
    return socket;
  };
  return { sockets, openSocket };
};
