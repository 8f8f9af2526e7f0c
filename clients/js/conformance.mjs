// The adapter between this client and the list of scenarios that every client must pass: commands come on stdin, events go to
// stdout, each a JSON object on a line of its own.

import { createInterface } from 'node:readline';
import { connect, GapError, sse, websocket } from './dist/index.js';

const TRANSPORTS = { sse, stream: 'stream', poll: 'poll', websocket };
const hasWebSocket = typeof WebSocket === 'function';

const tell = event => process.stdout.write(`${JSON.stringify(event)}\n`);
const rooms = new Map();
let client;

const refused = (id, { status, code, detail, message, parameter }) => tell({ is: 'refused', id, status: status ?? 0, code, detail: detail ?? message, parameter });
const gap = (id, { from, to, cursor, reset }) => tell({ is: 'gap', id, from, to, cursor, reset });

const commands = {
  open({ url, transport, tokens, retryMin, retryMax, silence, firstByte }) {
    const left = [...tokens ?? []];
    const token = () => {
      tell({ is: 'token' });
      return left.length > 1 ? left.shift() : left[0];
    };
    const limits = Object.fromEntries(Object.entries({ retryMin, retryMax, silence, firstByte }).filter(([, ms]) => ms !== undefined));
    client = connect(url, { transport: transport ? TRANSPORTS[transport] : 'auto', token: tokens && token, limits });
  },

  async subscribe({ id, channel, from, onGap }) {
    const room = client.subscribe(channel, { from, onGap: onGap ? told => gap(id, told) : undefined });
    rooms.set(id, room);
    room.opened.then(() => tell({ is: 'opened', id, cursor: room.cursor }), () => {});
    try {
      for await (const { channel, type, msg, seqid, sname, cursor } of room) tell({ is: 'message', id, channel, type, msg, seqid, sname, cursor });
    } catch (error) {
      if (error instanceof GapError) gap(id, error);
      else refused(id, error);
    }

    tell({ is: 'ended', id });
  },

  unsubscribe({ id }) { rooms.get(id)?.close(); },

  async publish({ id, channel, msg, messageId, timeout }) {
    try {
      const { seqid, duplicate = false } = await client.publish(channel, msg, { id: messageId, timeout });
      tell({ is: 'receipt', id, seqid, duplicate });
    } catch (error) {
      refused(id, error);
    }
  },

  close() {
    client?.close();
    // After what the subscriptions still tell. Nothing is left that would keep the process.
    setImmediate(() => {
      tell({ is: 'closed' });
      input.close();
    });
  },
};

const input = createInterface({ input: process.stdin });
tell({ is: 'ready', sdk: 'js', features: ['sse', 'stream', 'poll', ...hasWebSocket ? ['websocket'] : [], 'token', 'publish', 'many', 'start'] });
for await (const line of input) {
  if (!line.trim()) continue;
  const command = JSON.parse(line);
  commands[command.do](command);
}
