// Ends a client in one way, while its times are so long that a timer left behind would keep the process for days:
// node leaves.mjs URL AWAY WAY TRANSPORT, where nobody listens at AWAY. Prints `ended` once the client is; the process must then end by itself.
import { connect, sse, websocket } from 'ccomet';

const [url, away, way, name] = process.argv.slice(2);
const DAYS = 2 ** 31 - 1;
const limits = { retryMin: DAYS, retryMax: DAYS, silence: DAYS, firstByte: DAYS, poll: DAYS, ask: DAYS, pollFor: DAYS };
const closing = new AbortController();
const transport = { sse, websocket }[name] ?? name;
const client = connect(way === 'while it retries' ? away : url, { transport, signal: closing.signal, limits });

const ways = {
  async 'leaving the loop'() {
    for await (const _ of client.subscribe('a', { from: 'start' })) break;
  },
  async 'closing in a listener'() {
    const room = client.subscribe('a', { from: 'start' });
    await new Promise(resolve => {
      room.on('gap', () => {});
      room.on('message', () => {
        client.close();
        resolve();
      });
    });
  },
  async 'a signal'() {
    const room = client.subscribe('a', { from: 'start' });
    await room.opened;
    closing.abort();
    for await (const _ of room);
  },
  async 'at once'() {
    const room = client.subscribe('a');
    client.close();
    await room.opened.catch(() => {});
  },
  async 'while it connects'() {
    const room = client.subscribe('a');
    // The request is under way, and its answer has not come.
    await new Promise(resolve => { setTimeout(resolve, 10); });
    client.close();
    await room.opened.catch(() => {});
  },
  async 'while it retries'() {
    const room = client.subscribe('a');
    await new Promise(resolve => { room.once('error', resolve); });
    client.close();
  },
  async 'while it publishes'() {
    const publishing = client.publish('a', 'x', { timeout: DAYS });
    client.close();
    await publishing.catch(() => {});
  },
  async 'a publish alone'() {
    await client.publish('a', 'x');
  },
};

if (!ways[way]) throw new Error(`There is no way ${way}.`);
await ways[way]();
console.log('ended');
