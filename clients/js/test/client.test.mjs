import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { CCometError, connect, GapError, jsonp, sse, websocket } from 'ccomet';
import { CComet } from 'ccomet/page';
import { cursor, json, lines, message, problem, quick, scripted, slow } from './scripted-server.mjs';

const take = async (room, count) => {
  const told = [];
  for await (const one of room) {
    told.push(one);
    if (told.length === count) break;
  }

  return told;
};

const using = (name, answers, work) => test(name, { timeout: 60_000 }, async () => {
  const server = await scripted(...answers);
  const closing = new AbortController();
  try {
    await work(server, options => connect(server.url, { signal: closing.signal, ...options }));
  } finally {
    closing.abort();
    slow();
    await server.close();
  }
});

test('it can be required', () => {
  const required = createRequire(import.meta.url)('ccomet');
  assert.deepEqual(Object.keys(required).sort(), ['CCometError', 'GapError', 'connect', 'jsonp', 'sse', 'tabs', 'websocket']);
});

test('what cannot work is said at once, by the name of the option', () => {
  for (const [url, options, what] of [
    ['push', {}, /url must be .* absolute/],
    ['ftp://x', {}, /url/],
    ['http://x', { transport: 'pigeon' }, /transport/],
    ['http://x', { token: 5 }, /token/],
    ['http://x', { credentials: 'all' }, /credentials/],
    ['http://x', { transport: jsonp }, /jsonp needs a document/],
    ...typeof WebSocket === 'function' ? [] : [['http://x', { transport: websocket }, /websocket/]],
  ]) assert.throws(() => connect(url, options), what);
  const client = connect('http://127.0.0.1:9');
  for (const [how, what] of [[{ from: 'yesterday' }, /from/], [{ from: 5 }, /from/], [{ onGap: true }, /onGap/]]) assert.throws(() => client.subscribe('a', how), what);
  assert.throws(() => client.subscribe(''), /channel/);
  assert.throws(() => client.subscribe(), /channel/);
  client.close();
  assert.throws(() => client.subscribe('a'), /closed/);
});

test('the class of a page says at once what cannot work without a page', () => {
  const options = { url: 'http://127.0.0.1:9', channel: 'a' };
  for (const [more, what] of [
    [{ url: undefined }, /url must be .* absolute/],
    [{ url: '/push' }, /url must be .* absolute/],
    [{ url: 'ftp://x' }, /url must be of http/],
    [{ transport: 'jsonp' }, /jsonp needs a document/],
    [{ sub_url: 'http://127.0.0.1:9/sub?seqid=' }, /jsonp needs a document/],
    [{ sub_url: '/sub?seqid=', transport: 'fetch' }, /sub_url must be/],
    ...typeof WebSocket === 'function' ? [] : [[{ transport: 'websocket' }, /websocket needs a WebSocket/]],
  ]) assert.throws(() => new CComet({ ...options, ...more }), error => error instanceof TypeError && what.test(error.message));
});

using('a subscription is iterated, and leaving it ends the request', [lines([cursor(0), message(0), message(1), message(2)])], async (server, open) => {
  const room = open().subscribe('a', { from: 'start' });
  const told = await take(room, 2);
  assert.deepEqual(told.map(({ msg, cursor }) => [msg, cursor]), [['m0', 'e:1'], ['m1', 'e:2']]);
  assert.equal(room.state, 'closed');
  await server.until(() => server.requests[0].ended);
  assert.equal(server.requests.length, 1);
  assert.equal(server.requests[0].query.get('seqid'), '0');
});

using('the cursor is behind what the reader was given, not what has come', [lines([cursor(0), message(0), message(1)])], async (server, open) => {
  const room = open().subscribe('a', { from: 'start' });
  const reader = room[Symbol.asyncIterator]();
  await room.opened;
  assert.equal(room.cursor, 'e:0');
  await reader.next();
  assert.equal(room.cursor, 'e:1');
});

using('a cut stream goes on from the cursor, and what comes twice is told once',
  [lines([cursor(0), message(0), message(1)], { ends: true }), lines([cursor(1), message(1), message(2)])], async (server, open) => {
    const pauses = [];
    quick(pauses);
    const told = await take(open().subscribe('a', { from: 'start' }), 3);
    assert.deepEqual(told.map(({ seqid }) => seqid), [0, 1, 2]);
    assert.equal(server.requests[1].query.get('seqid'), '2');
    assert.equal(server.requests[1].query.get('epoch'), 'e');
    assert.ok(pauses.includes(500));
  });

using('pauses double up to the longest, and Retry-After is obeyed',
  [...Array.from({ length: 8 }, () => problem(500)), problem(503, '503', { 'Retry-After': '7' }), lines([cursor(0)])], async (server, open) => {
    const pauses = [];
    quick(pauses);
    const errors = [];
    const room = open().subscribe('a');
    room.on('error', error => errors.push([error.status, error.retryIn]));
    await room.opened;
    assert.deepEqual(errors.map(([, pause]) => pause), [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    assert.equal(errors.at(-1)[0], 503);
  });

using('a pause that the server asks for is the least', [problem(429, '429', { 'Retry-After': '7' }), lines([cursor(0)])], async (server, open) => {
  const pauses = [];
  quick(pauses);
  const room = open().subscribe('a');
  await room.opened;
  assert.ok(pauses.includes(7_000));
});

using('CLOSE ends a subscription behind what came before, and it is not opened again', [lines([cursor(0), message(0), { type: 'CLOSE', channel: 'a' }])], async (server, open) => {
  const room = open().subscribe('a', { from: 'start' });
  const told = [];
  for await (const { msg } of room) told.push(msg);
  assert.deepEqual([told, room.state, room.error], [['m0'], 'closed', null]);
  await server.until(() => server.requests[0].ended);
  assert.equal(server.requests.length, 1);
});

using('BYE is obeyed', [lines([cursor(0), { type: 'BYE', retry: 1_234 }]), lines([cursor(0), message(0)])], async (server, open) => {
  const pauses = [];
  quick(pauses);
  await take(open().subscribe('a'), 1);
  assert.ok(pauses.includes(1_234));
});

for (const status of [400, 403, 404, 405, 413, 415, 431]) {
  using(`${status} is final, and says why`, [problem(status)], async (server, open) => {
    const room = open().subscribe('a');
    await assert.rejects(take(room, 1), error => error instanceof CCometError && error.status === status && error.detail === `Because of ${status}.` && error.parameter === 'channel');
    assert.equal(room.state, 'refused');
    await assert.rejects(room.opened);
    assert.equal(server.requests.length, 1);
  });
}

using('being replaced ends it, and its seqid is no message', [lines([cursor(0), message(0), { type: '409', reason: 'Another came.', channel: 'a', seqid: 1 }])], async (server, open) => {
  const room = open().subscribe('a', { from: 'start' });
  const told = [];
  await assert.rejects(async () => { for await (const { seqid } of room) told.push(seqid); }, { status: 409, code: '409' });
  assert.deepEqual(told, [0]);
  assert.equal(room.state, 'replaced');
});

const gapped = [lines([cursor(2), message(2), { type: 'GAP', channel: 'a', epoch: 'e', from: 3, to: 5, seqid: 5 }, message(6)])];

using('a gap ends an iteration by an error that has the cursor to go on from', gapped, async (server, open) => {
  const room = open().subscribe('a', { from: 'e:2' });
  const told = [];
  await assert.rejects(async () => { for await (const { seqid } of room) told.push(seqid); }, error => {
    assert.ok(error instanceof GapError);
    const { epoch, from, to, reset, cursor } = error;
    assert.deepEqual({ epoch, from, to, reset, cursor }, { epoch: 'e', from: 3, to: 5, reset: false, cursor: 'e:6' });
    return true;
  });
  assert.deepEqual(told, [2]);
  assert.equal(room.cursor, 'e:6');
});

using('onGap hears of a gap in its order, and the iteration goes on', gapped, async (server, open) => {
  const told = [];
  for await (const { seqid } of open().subscribe('a', { from: 'e:2', onGap: ({ from, to }) => told.push(`${from}-${to}`) })) {
    told.push(seqid);
    if (seqid === 6) break;
  }

  assert.deepEqual(told, [2, '3-5', 6]);
});

using('what is not kept any more is no gap from the start', [lines([{ type: 'GAP', channel: 'a', epoch: 'e', from: 0, to: 5, seqid: 5 }, cursor(6), message(6)])], async (server, open) => {
  assert.deepEqual((await take(open().subscribe('a', { from: 'start' }), 1)).map(({ seqid }) => seqid), [6]);
});

using('a log that began anew is a gap', [lines([{ type: 'RESET', channel: 'a', epoch: 'f', seqid: 0 }, message(0)])], async (server, open) => {
  await assert.rejects(take(open().subscribe('a', { from: 'e:9' }), 1), { name: 'GapError', reset: true, from: 9, cursor: 'f:0' });
});

using('a seqid beyond the end is a log that began anew', [problem(409, '402'), lines([cursor(0), message(0)])], async (server, open) => {
  const gaps = [];
  quick();
  const told = await take(open().subscribe('a', { from: 'e:9', onGap: gap => gaps.push(gap.reset) }), 1);
  assert.deepEqual(gaps, [true]);
  assert.equal(told[0].seqid, 0);
  assert.equal(server.requests[1].query.get('seqid'), '0');
});

using('listeners who do not listen for gaps are told by an error', gapped, async (server, open) => {
  const room = open().subscribe('a', { from: 'e:2' });
  const told = [];
  room.on('message', ({ seqid }) => told.push(seqid));
  const error = await new Promise(resolve => { room.once('error', resolve); });
  assert.equal(error.name, 'GapError');
  assert.deepEqual(told, [2]);
});

using('listeners are told, once, until they stop, and as of an EventTarget', [lines([cursor(0), message(0), message(1), message(2)])], async (server, open) => {
  const room = open().subscribe('a', { from: 'start' });
  const told = [];
  const until = new Promise(resolve => { room.on('message', ({ seqid }) => seqid === 2 && resolve()); });
  room.once('message', ({ seqid }) => told.push(`once ${seqid}`));
  const stop = room.on('message', ({ seqid }) => {
    told.push(`on ${seqid}`);
    if (seqid === 1) stop();
  });
  room.addEventListener('message', ({ detail }) => told.push(`event ${detail.seqid}`));
  const states = [];
  room.on('state', (state, before) => states.push([state, before]));
  await until;
  assert.deepEqual(told, ['once 0', 'on 0', 'event 0', 'on 1', 'event 1', 'event 2']);
  assert.deepEqual(states, [['open', 'connecting']]);
});

using('subscriptions made together share one request', [lines([cursor(0, 'a'), cursor(0, 'b'), cursor(0, 'c'), message(0, 'x', 'b')])], async (server, open) => {
  const client = open();
  const rooms = ['a', 'b', 'c'].map(channel => client.subscribe(channel));
  await Promise.all(rooms.map(room => room.opened));
  assert.deepEqual((await take(rooms[1], 1)).map(({ channel }) => channel), ['b']);
  assert.deepEqual(server.requests[0].query.getAll('channel'), ['a', 'b', 'c']);
  assert.equal(server.requests.filter(({ query }) => query.getAll('channel').length === 3).length, 1);
});

using('one of several that is refused does not keep the others', [
  problem(403),
  json([], { 'CComet-Cursor': 'e:4' }),
  problem(403),
  lines([cursor(4), message(4)]),
], async (server, open) => {
  quick();
  const client = open();
  const [good, bad] = [client.subscribe('a'), client.subscribe('b')];
  bad.on('error', () => {});
  assert.equal((await take(good, 1))[0].seqid, 4);
  assert.equal(bad.state, 'refused');
});

using('more than 64 channels take a second connection', [lines([])], async (server, open) => {
  const client = open();
  for (let i = 0; i < 65; i++) client.subscribe(`${i}`);
  await server.until(() => server.requests.length === 2);
  assert.deepEqual(server.requests.map(({ query }) => query.getAll('channel').length).sort(), [1, 64]);
});

using('a reader who is slower than the messages stops the connection, and gets them all', [response => {
  response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
  response.write(`${JSON.stringify(cursor(0))}\n`);
  let i = 0;
  const filler = 'x'.repeat(10_000);
  const write = () => {
    while (i < 5_000) if (!response.write(`${JSON.stringify(message(i++, filler))}\n`)) return response.once('drain', write);
  };
  write();
}], async (server, open) => {
  const room = open().subscribe('a', { from: 'start' });
  let expected = 0;
  for await (const { seqid } of room) {
    assert.equal(seqid, expected++);
    if (expected % 100 === 0) await new Promise(setImmediate);
    if (expected === 5_000) break;
  }

  assert.equal(expected, 5_000);
  assert.equal(server.requests.length, 1);
});

using('a stream of which nothing comes gives way to polls', [
  () => {},
  json([message(0)], { 'CComet-Cursor': 'e:1' }),
  json([message(1)], { 'CComet-Cursor': 'e:2' }),
  () => {},
], async (server, open) => {
  const told = await take(open({ limits: { firstByte: 20 } }).subscribe('a', { from: 'start' }), 2);
  assert.deepEqual(told.map(({ cursor }) => cursor), ['e:1', 'e:2']);
  assert.deepEqual(server.requests.slice(0, 3).map(({ verb }) => verb), ['stream', 'sub', 'sub']);
});

using('a stream that falls silent is opened again', [lines([cursor(0), message(0)]), lines([cursor(1), message(1)])], async (server, open) => {
  const told = await take(open({ limits: { silence: 20, retryMin: 1 } }).subscribe('a', { from: 'start' }), 2);
  assert.deepEqual(told.map(({ seqid }) => seqid), [0, 1]);
});

using('server-sent events are read as well', [response => {
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  response.write(`\uFEFFretry: 77\r\nid: e:0\r\n\r\ndata: ${JSON.stringify(message(0))}\r\nid: e:1\r\n\r\n`);
  response.end();
}, problem(403)], async (server, open) => {
  const pauses = [];
  quick(pauses, 0);
  const room = open({ transport: sse }).subscribe('a');
  const reader = room[Symbol.asyncIterator]();
  assert.equal((await reader.next()).value.cursor, 'e:1');
  await assert.rejects(reader.next(), { status: 403 });
  assert.ok(pauses.includes(77));
});

using('a token is asked for at each connect when its life is not known, and again after a 401',
  [lines([cursor(0)], { ends: true }), problem(401), lines([cursor(0), message(0)])], async (server, open) => {
    let count = 0;
    quick();
    await take(open({ token: () => `t${++count}` }).subscribe('a'), 1);
    assert.deepEqual(server.requests.map(({ headers }) => headers.authorization), ['Bearer t1', 'Bearer t2', 'Bearer t3']);
  });

using('a second 401 is final', [problem(401)], async (server, open) => {
  let count = 0;
  await assert.rejects(take(open({ token: () => `t${++count}` }).subscribe('a'), 1), { status: 401 });
  assert.equal(count, 2);
});

using('a token that is a text is refused at once', [problem(401)], async (server, open) => {
  await assert.rejects(take(open({ token: 't' }).subscribe('a'), 1), { status: 401 });
  assert.equal(server.requests.length, 1);
});

using('a token function that fails is called again', [lines([cursor(0), message(0)])], async (server, open) => {
  let count = 0;
  const errors = [];
  quick();
  const room = open({ token: () => { if (++count < 3) throw new Error('no network'); return 't'; } }).subscribe('a');
  room.on('error', ({ code, detail }) => errors.push([code, detail]));
  await take(room, 1);
  assert.deepEqual(errors, Array.from({ length: 2 }, () => ['token', 'No token could be had: no network']));
});

using('before its token is over, a stream is opened by the next one, and only then the old one is ended', [
  // Counted from when it is asked for: what is over already is taken for a clock that is wrong.
  response => lines([cursor(0, 'a', 'e', { expires: Date.now() + 400 }), message(0)])(response),
  lines([cursor(1), message(0), message(1)]),
], async (server, open) => {
  let count = 0;
  const room = open({ token: () => `t${++count}` }).subscribe('a', { from: 'start' });
  const reader = room[Symbol.asyncIterator]();
  assert.equal((await reader.next()).value.seqid, 0);
  assert.equal((await reader.next()).value.seqid, 1);
  await server.until(() => server.requests[0].ended);
  assert.deepEqual(server.requests.map(({ headers }) => headers.authorization), ['Bearer t1', 'Bearer t2']);
  assert.equal(room.state, 'open');
});

using('a publish makes its id and tries again by it', [problem(503, '503', { 'Retry-After': '0' }), response => response.destroy(), json([{ type: 'pub', channel: 'a', epoch: 'e', seqid: 3 }])], async (server, open) => {
  quick();
  const receipt = await open({ headers: { 'X-Own': '1' } }).publish('a', { text: 'hi' }, { sname: 'me' });
  assert.deepEqual(receipt, { type: 'pub', channel: 'a', epoch: 'e', seqid: 3 });
  assert.deepEqual(server.requests.map(({ verb, method }) => [verb, method]), Array.from({ length: 3 }, () => ['pub', 'POST']));
  const [first, ...rest] = server.requests.map(({ body }) => body);
  for (const body of rest) assert.deepEqual(body, first);
  assert.ok(first.id.length > 10 && first.id.length <= 200);
  assert.equal(server.requests[0].headers['x-own'], '1');
});

using('a publish that is refused, or not sent in time, rejects', [problem(413), problem(500)], async (server, open) => {
  const client = open({ limits: { retryMin: 1 } });
  await assert.rejects(client.publish('a', 'x'), { status: 413, detail: 'Because of 413.' });
  await assert.rejects(client.publish('a', 'x', { timeout: 20 }), error => error instanceof CCometError && [0, 500].includes(error.status));
  await assert.rejects(client.publish('a'), /msg/);
  await assert.rejects(client.publish('a', 'x', { timeout: 0 }), /timeout/);
});

using('close ends what is being read and published', [() => {}], async (server, open) => {
  const client = open();
  const reading = take(client.subscribe('a'), 1);
  const publishing = client.publish('a', 'x');
  await server.until(() => server.requests.length === 2);
  client.close();
  assert.deepEqual(await reading, []);
  await assert.rejects(publishing, /closed/);
  await server.until(() => server.requests.every(({ ended }) => ended));
});

using('a signal ends a subscription', [lines([cursor(0), message(0)])], async (server, open) => {
  const closing = new AbortController();
  const room = open().subscribe('a', { signal: closing.signal });
  const told = [];
  for await (const { seqid } of room) {
    told.push(seqid);
    closing.abort();
  }

  assert.deepEqual(told, [0]);
});
