import { ASK_TIMEOUT, FORBIDDEN, SILENCE, TOO_LONG, UNAUTHORIZED } from './limits.js';
import { CCometError, isRefusal, refusalOf } from '../wire/errors.js';

export const authFrame = token => JSON.stringify({ type: 'auth', token });

/**
 * Receives by a WebSocket, which also takes what is published. The server's pings are answered by the browser and not
 * told to the page, so the server also sends an empty array after 15 s of silence: without it, a connection that died
 * in silence would look like a quiet one.
 *
 * A WebSocket has no headers of its own: the token is its first frame. A refusal that comes while an answer is due is that
 * answer; if the connection was meant as well, the code with which it is closed says so.
 */
export function receiveBySocket(link) {
  const { env, signal, token } = link;
  return new Promise((resolve, reject) => {
    let begun = false;
    let timer, refusal;
    const socket = env.openSocket(link.locate('ws', link.where()).replace(/^http/, 'ws'));
    const end = error => {
      env.clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
      link.hangUp(error);
      if (error) reject(error);
    };
    const expect = (ms, otherwise) => {
      env.clearTimeout(timer);
      timer = env.setTimeout(() => end(new CCometError(otherwise)), ms);
    };
    const take = items => {
      const [first] = items;
      if (!first) return; // a sign of life
      if (first.type === 'BYE') {
        end();
        resolve(link.sentAway(first));
      } else if (first.type === '409' && first.sname !== undefined) {
        end(refusalOf(first));
      } else if (first.type === 'auth') {
        link.authenticated(first);
      } else if (isRefusal(first) && link.isRefusedBy(first)) {
        end(refusalOf(first));
      } else if (first.type === 'pub' || isRefusal(first)) {
        if (isRefusal(first)) refusal = first;
        link.receipt(first);
      } else {
        link.deliver(items, null);
        if (!begun && !signal.aborted) link.carry(text => socket.send(text));
        begun = true;
      }
    };
    const onAbort = () => end(new CCometError('Given up.'));
    signal.addEventListener('abort', onAbort, { once: true });
    expect(ASK_TIMEOUT, 'The server cannot be reached.');
    socket.onopen = () => { if (token != null) socket.send(authFrame(token)); };
    socket.onmessage = ({ data }) => {
      expect(SILENCE, 'The connection has fallen silent.');
      link.heard();
      try { take(JSON.parse(data)); } catch (cause) { end(new CCometError('What came is no answer of CComet.', { cause })); }
    };
    socket.onclose = ({ code, reason }) => {
      if (code === TOO_LONG) end(new CCometError('The message is too long.', { status: 413 }));
      else if (code === UNAUTHORIZED || code === FORBIDDEN) end(refusalOf({ type: String(code - 4000), reason: refusal?.reason ?? (reason || 'The server has refused the connection.') }));
      else if (begun) end(new CCometError('The connection was cut.'));
      // Why a WebSocket was refused is not told to the page; a poll is told.
      else link.ask('sub', { ...link.where(), wait: 0 }).then(() => end(new CCometError('No WebSocket can be opened.')), end);
    };
  });
}
