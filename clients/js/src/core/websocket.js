import { CCometError, refusalOf } from '../wire/errors.js';
import { asError } from './server.js';
import { bounded } from './time.js';

/** A WebSocket is closed with these codes when its caller is not known, or has not the right. */
const REFUSED = { 4401: '401', 4403: '403' };

/** A WebSocket. The token is its first frame. A reader slower than the messages closes it, as a page cannot stop a WebSocket from receiving. */
export const websocket = {
  _streams: true,
  _check() {
    if (!globalThis.WebSocket) throw new TypeError('CComet: transport websocket needs a WebSocket, and there is none here.');
  },
  async _open(line, flight) {
    const limits = line._server._limits;
    let socket;
    let hasBegun = false;
    try {
      return await bounded(flight.signal, limits.firstByte, ({ signal, _expect }) => new Promise((resolve, reject) => {
        socket = new WebSocket(line._url(flight, 'ws').replace(/^http/, 'ws'));
        signal.addEventListener('abort', () => socket.close());
        socket.onopen = () => { if (flight._token !== null) socket.send(JSON.stringify({ type: 'auth', token: flight._token })); };
        socket.onmessage = ({ data }) => {
          if (signal.aborted) return;
          _expect(limits.silence);
          hasBegun = true;
          try {
            const bye = line._take(flight, JSON.parse(data));
            // Without room for more it is opened again when there is.
            if (bye || line._room(flight)) resolve(bye);
          } catch (cause) {
            reject(cause instanceof CCometError ? cause : new CCometError('What came is no answer of CComet.', { cause }));
          }
        };
        // Node 20 tells of a WebSocket that could not be opened by an error alone, and leaves it connecting.
        socket.onerror = () => { if (socket.readyState === WebSocket.CONNECTING) socket.onclose?.({}); };
        socket.onclose = ({ code, reason }) => {
          socket.onclose = null;
          if (REFUSED[code]) reject(refusalOf({ type: REFUSED[code], reason: reason || 'The server has refused the connection.' }));
          else if (hasBegun) reject(new CCometError('The WebSocket was cut.'));
          // Why a WebSocket was refused is not told; a poll is told.
          else line._ask(flight, { wait: 0 }, {}).then(() => reject(new CCometError('No WebSocket can be opened.')), reject);
        };
      }));
    } catch (cause) {
      throw asError(cause);
    }
  },
};
