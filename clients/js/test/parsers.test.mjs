import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCursor, readCursors } from '../src/wire/cursor.js';
import { eventReader } from '../src/wire/events.js';
import { lineReader } from '../src/wire/lines.js';
import { follow } from '../src/wire/log.js';
import { lifeOf, subjectOf } from '../src/wire/token.js';

const bytes = text => new TextEncoder().encode(text);

/** What a reader gives for a text that comes in pieces of so many bytes. */
const inPieces = (reader, text, size) => {
  const read = reader();
  const all = bytes(text);
  const told = [];
  for (let at = 0; at < all.length; at += size) told.push(...read(all.subarray(at, at + size)));
  return told;
};

for (const size of [1, 2, 3, 7, 1000]) {
  // The CR of a CRLF is white space to JSON.
  test(`lines come whole out of pieces of ${size} bytes`, () => {
    assert.deepEqual(inPieces(lineReader, '{"☄":1}\n\n{"é":2}\r\n{"😀":3}\n{"unfinished', size), ['{"☄":1}', '{"é":2}\r', '{"😀":3}']);
  });

  test(`events come whole out of pieces of ${size} bytes`, () => {
    const text = '\uFEFFretry: 100\r\nid: e:1\r\n\r\n: a comment\n\ndata: ☄\ndata:😀\nid: e:2\n\nevent: gap\ndata: {}\n\ndata: unfinished';
    const told = inPieces(eventReader, text, size).filter(event => Object.keys(event).length > 0);
    assert.deepEqual(told, [{ retry: '100', id: 'e:1' }, { data: '☄\n😀', id: 'e:2' }, { event: 'gap', data: '{}' }]);
  });

  test(`lines of events may end in CR alone, in pieces of ${size} bytes`, () => {
    assert.deepEqual(inPieces(eventReader, 'id: e:1\rdata: 1\r\rdata: 2\r\n\rdata: 3\n\r', size), [{ id: 'e:1', data: '1' }, { data: '2' }, { data: '3' }]);
  });
}

test('a line of 8 MiB is read', () => {
  const long = 'x'.repeat(8 * 2 ** 20);
  assert.deepEqual(inPieces(lineReader, `${long}\n`, 65_536), [long]);
});

test('a line that never ends is given up', () => {
  const read = lineReader();
  const piece = bytes('x'.repeat(2 ** 24));
  assert.throws(() => { for (let i = 0; i < 9; i++) read(piece); }, /too long/);
});

test('cursors are read, alone and several', () => {
  assert.deepEqual(readCursor('e:12'), { epoch: 'e', next: 12 });
  for (const wrong of ['e', 'e:', ':1', 'e:x', '', null, undefined]) assert.equal(readCursor(wrong), null);
  assert.deepEqual(readCursors('e:1,f:2', ['a', 'b']), [{ epoch: 'e', next: 1 }, { epoch: 'f', next: 2 }]);
  assert.deepEqual(readCursors('e%2C%3A1:1,:2', ['a', 'b']), [{ epoch: 'e,:1', next: 1 }, null]);
  assert.deepEqual(readCursors('e%2C1:1', ['a']), [{ epoch: 'e%2C1', next: 1 }]);
  assert.deepEqual(readCursors('%C3%A4=f:2,a=e:1', ['a', 'ä']), [{ epoch: 'e', next: 1 }, { epoch: 'f', next: 2 }]);
});

const told = (place, items, after) => {
  const events = [];
  follow(place, items, after, (event, value) => events.push([event, value.seqid ?? `${value.from}-${value.to}`]), () => false);
  return events;
};

test('a log is told once and in order', () => {
  const place = { epoch: 'e', next: 2 };
  assert.deepEqual(told(place, [1, 2, 3, 2, 3, 4].map(seqid => ({ type: 'MSG', seqid }))), [2, 3, 4].map(seqid => ['message', seqid]));
  assert.deepEqual(place, { epoch: 'e', next: 5 });
});

test('what is missing is told, whether the server tells it or not', () => {
  assert.deepEqual(told({ epoch: 'e', next: 2 }, [{ type: 'GAP', from: 2, to: 4 }, { type: 'MSG', seqid: 5 }]), [['gap', '2-4'], ['message', 5]]);
  assert.deepEqual(told({ epoch: 'e', next: 2 }, [{ type: 'MSG', seqid: 5 }]), [['gap', '2-4'], ['message', 5]]);
  assert.deepEqual(told({ epoch: 'e', next: 2 }, [], { epoch: 'e', next: 4 }), [['gap', '2-3']]);
});

test('a reset is told once, and what follows is numbered anew', () => {
  const place = { epoch: 'e', next: 20 };
  const reset = { type: 'RESET', epoch: 'f', seqid: 0 };
  assert.deepEqual(told(place, [reset, { type: 'MSG', seqid: 0 }, reset, { type: 'MSG', seqid: 1 }]), [['reset', 0], ['message', 0], ['message', 1]]);
});

const token = claims => `x.${btoa(JSON.stringify(claims))}.x`;

test('the life of a token is read from it, or told by the server', () => {
  assert.equal(lifeOf(token({ exp: 100 }), 40_000), 60_000);
  assert.equal(lifeOf(token({ exp: 100, iat: 90 }), 40_000), 10_000);
  assert.equal(lifeOf('opaque', 40_000), Infinity);
  assert.equal(lifeOf('opaque', 40_000, 50_000), 10_000);
});

test('tokens of one user have one subject, and those of another have another', () => {
  assert.equal(subjectOf(token({ sub: 'a', exp: 1, jti: '1' })), subjectOf(token({ jti: '2', exp: 2, sub: 'a' })));
  assert.notEqual(subjectOf(token({ sub: 'a', exp: 1 })), subjectOf(token({ sub: 'b', exp: 1 })));
  assert.notEqual(subjectOf(token({ sub: 'a', 'ccomet:subscribe': 'x' })), subjectOf(token({ sub: 'a', 'ccomet:subscribe': 'y' })));
  assert.notEqual(subjectOf('opaque1'), subjectOf('opaque2'));
});
