// A stand-in for a server that lets in only callers with a token, for tests with a clock that is turned by hand.

globalThis.START = 1_700_000_000_000;

/** A token as a JWT is written; nobody has signed it. */
globalThis.jwt = claims => ['{}', JSON.stringify(claims), 'x'].map(part => btoa(part).replaceAll('=', '').replaceAll('+', '-').replaceAll('/', '_')).join('.');

/** The number of a token, as `giveToken` gave it. */
globalThis.numberOf = token => (token?.includes('.') ? JSON.parse(atob(token.split('.')[1])).n : null);

/** The number of the token that a request came by; null when it had none. */
globalThis.by = ({ headers }) => numberOf(headers?.Authorization?.replace('Bearer ', ''));

globalThis.until = async (condition, tick = () => {}) => {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 500) throw new Error(`Never: ${condition}`);
    await tick();
    await new Promise(done => setTimeout(done));
  }
};

/** Lets all that is due happen, and no time pass. */
globalThis.settle = async () => { for (let i = 0; i < 10; i++) await new Promise(done => setTimeout(done)); };

/** Lets time pass, so finely that one thing may lead to another. What is open gives its signs of life. */
globalThis.pass = async (ms, step = 1_000) => {
  for (let left = ms; left > 0; left -= step) {
    clock.turn(Math.min(step, left));
    await new Promise(done => setTimeout(done));
    if (clock.now() - heartbeat < 15_000) continue;
    globalThis.heartbeat = clock.now();
    for (const stream of streams) if (stream.hasBegun && !stream.isGone()) stream.say(':\n\n');
    for (const socket of sockets) if (!socket.closed) socket.say([]);
    await new Promise(done => setTimeout(done));
  }

  await settle();
};

globalThis.item = seqid => ({ type: 'MSG', channel: 'a', msg: `m${seqid}`, seqid });
globalThis.eventOf = (item, id, event = 'message') => `${id ? `id: ${id}\n` : ''}event: ${event}\ndata: ${JSON.stringify(item)}\n\n`;
globalThis.refusal = (status, detail, headers) => answer({ type: `urn:ccomet:error:${status}`, status, code: String(status), detail }, { status, ...headers });

/**
 * Follows channel `a` by a token function whose tokens live `life` ms, each with its number.
 * The pauses have `share` of what is random in them. `server` has what each verb is answered with; `giveToken` may be replaced as well.
 */
globalThis.enter = (options, { life = 100_000, share = 0, ...server } = {}) => {
  globalThis.clock = handClock();
  globalThis.wallTime = () => START + clock.now();
  globalThis.heartbeat = 0;
  globalThis.streams = [];
  globalThis.asked = []; // when the token function was called, in ms from the beginning
  globalThis.expires = (n = asked.length) => START + asked[n - 1] + life;
  globalThis.giveToken = async () => jwt({ n: asked.length, iat: Math.floor(wallTime() / 1000), exp: Math.floor((wallTime() + life) / 1000) });
  globalThis.answers = {
    sub: ({ query }) => (query.wait === '0' ? answer([], { 'CComet-Cursor': 'e:0' }) : undefined),
    sse: request => {
      const stream = Object.assign(eventStream(request), { n: by(request), query: request.query, hasBegun: false, isGone: () => request.aborted });
      stream.begin = (seqid, ends = expires()) => {
        stream.hasBegun = true;
        stream.say(eventOf({ type: 'CURSOR', channel: 'a', epoch: 'e', seqid, expires: ends }, `e:${seqid}`, 'cursor'));
      };
      stream.end = () => {
        stream.hasBegun = false;
        stream.cut();
      };
      streams.push(stream);
      return stream.answer;
    },
    pub: ({ body }) => answer([{ type: 'pub', channel: 'a', epoch: 'e', seqid: 0, msg: body.msg }]),
    ticket: request => answer({ ticket: `ticket-${by(request)}-${request.body.verb}-${requests.length}`, expires: wallTime() + 60_000 }),
    ...server,
  };
  const { fetch, requests } = scripted(request => answers[request.verb](request));
  const { sockets, openSocket } = scriptedSocket();
  globalThis.scripts = [];
  const page = {
    baseURI: 'http://page/',
    createElement: () => { const script = { remove: () => {} }; scripts.push(script); return script; },
    head: { append: () => {} },
    addEventListener: () => {},
    removeEventListener: () => {},
  };
  const token = () => { asked.push(clock.now()); return giveToken(); };
  const env = { fetch, openSocket, random: () => share, ...(options.transport === 'jsonp' ? { document: page } : {}), ...clock, wallTime };
  Object.assign(globalThis, { requests, sockets, tokenOf: token, shared: env });
  return record({ url: 'http://x', channel: 'a', token, ...options, env });
};

/** The script's own part of an address. */
globalThis.addressOf = script => new URL(script.src);

/** Answers a script. */
globalThis.callBack = (script, items) => {
  globalThis[addressOf(script).searchParams.get('callback')](JSON.stringify(items));
  script.onload();
};
