import { CCometError, isRefusal, refusalOf } from '../wire/errors.js';

/** A WebSocket is closed with these codes when its caller is not known, or has not the right. */
const REFUSED = { 4401: '401', 4403: '403' };

/** A WebSocket. The token is its first frame. A reader slower than the messages closes it, as a page cannot stop a WebSocket from receiving. */
export const websocket = {
  name: 'websocket',
  streams: true,
  check(env) {
    if (!env.window.WebSocket) throw new TypeError('CComet: transport websocket needs a WebSocket, and there is none here.');
  },
  open: link => new Promise((resolve, reject) => {
    const { env, limits, signal, token } = link;
    const socket = env.openSocket(link.url('ws').replace(/^http/, 'ws'));
    let hasBegun = false;
    let refusal, timer;
    const end = (settle, value) => {
      env.clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
      settle(value);
    };
    const fail = (detail, how) => end(reject, Object.assign(new CCometError(detail), how));
    const expect = (ms, detail, how) => {
      env.clearTimeout(timer);
      timer = env.setTimeout(() => fail(detail, how), ms);
    };
    const onAbort = () => fail('Given up.');
    signal.addEventListener('abort', onAbort, { once: true });
    expect(limits.firstByte, 'The WebSocket has never begun.', { isKept: true });
    socket.onopen = () => { if (token != null) socket.send(JSON.stringify({ type: 'auth', token })); };
    socket.onmessage = ({ data }) => {
      expect(limits.silence, 'The WebSocket has fallen silent.');
      hasBegun = true;
      try {
        const items = JSON.parse(data);
        refusal = items.find(isRefusal);
        if (refusal) return end(reject, refusalOf(refusal));
        link.deliver(items);
        const bye = items.find(item => item.type === 'BYE');
        const room = link.room();
        if (bye) end(resolve, bye);
        else if (room) room.then(() => end(resolve));
      } catch (cause) {
        end(reject, new CCometError('What came is no answer of CComet.', { cause }));
      }
    };
    socket.onclose = ({ code, reason }) => {
      if (REFUSED[code]) end(reject, refusalOf({ type: REFUSED[code], reason: reason || 'The server has refused the connection.' }));
      else if (hasBegun) fail('The WebSocket was cut.');
      // Why a WebSocket was refused is not told; a poll is told.
      else link.ask('sub', { wait: 0 }).then(() => fail('No WebSocket can be opened.'), error => end(reject, error));
    };
  }),
};
