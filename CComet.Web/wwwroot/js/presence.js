// Who is in the room, where the server keeps that: asked for once, then followed by the log of who comes and goes. In a room of
// thousands the list is drawn at most twice a second, and names so many of them.

import CComet from './ccomet.mjs';

const PAUSE = 500;
const TIMEOUT = 3_000;
const MAX_NAMED = 200;

/** In a larger room those that leave are not told one by one. */
const MAX_TOLD = 50;

const inOrder = new Intl.Collator().compare;

/**
 * Asks who is in a channel.
 * @param {string} channel
 * @param {Promise<string|null>|undefined} token says who asks
 * @returns {Promise<{epoch: string, seqid: number, users: {user: string}[]}|null>} null where the server does not keep it, or does not tell
 */
export async function askWhoIsHere(channel, token) {
  try {
    const timeout = AbortSignal.timeout(TIMEOUT);
    const bearer = await Promise.race([token, new Promise((_, fail) => timeout.addEventListener('abort', fail))]);
    const answer = await fetch(`presence?${new URLSearchParams({ channel, optional: 1 })}`, {
      headers: bearer ? { Authorization: `Bearer ${bearer}` } : {},
      credentials: 'same-origin',
      cache: 'no-store',
      signal: timeout,
    });
    return answer.status === 200 ? await answer.json() : null;
  } catch {
    return null;
  }
}

/**
 * Shows who is in a channel until it is closed.
 * @param {object} how
 * @param {string} how.channel
 * @param {(() => Promise<string|null>)|undefined} how.token
 * @param {Awaited<ReturnType<typeof askWhoIsHere>>} how.first what was answered to the first question
 * @param {string} how.nick one's own name
 * @param {HTMLElement} how.button opens the list, and has the number
 * @param {HTMLElement} how.list
 * @param {(name: string, time: number, key: string) => void} how.onLeft hears of each that leaves a small room
 * @returns {() => void} closes it
 */
export function showWhoIsHere({ channel, token, first, nick, button, list, onLeft }) {
  let users;
  let from;
  let drawing = null;
  let isAsking = false;
  const take = ({ epoch, seqid, users: told }) => {
    users = new Set(told.map(({ user }) => user));
    from = { epoch, seqid };
    draw();
  };

  function draw() {
    drawing ??= setTimeout(() => {
      drawing = null;
      const names = [...users].sort((one, other) => (other === nick) - (one === nick) || inOrder(one, other));
      button.querySelector('b').textContent = names.length.toLocaleString();
      button.setAttribute('aria-label', names.length === 1 ? '1 person is here' : `${names.length.toLocaleString()} people are here`);
      const rows = names.slice(0, MAX_NAMED).map(name => {
        const row = document.createElement('li');
        row.append(Object.assign(document.createElement('bdi'), { textContent: name }));
        if (name === nick) row.append(' (you)');
        return row;
      });
      if (names.length > MAX_NAMED) rows.push(Object.assign(document.createElement('li'), { className: 'more', textContent: `and ${(names.length - MAX_NAMED).toLocaleString()} more` }));
      list.replaceChildren(...rows);
    }, button.hidden ? 0 : PAUSE);
    button.hidden = false;
  }

  /** What came and went meanwhile is not known any more. */
  async function askAgain() {
    if (isAsking) return;
    isAsking = true;
    const told = await askWhoIsHere(channel, token?.());
    isAsking = false;
    if (told && room.state !== 'closed') take(told);
  }

  const room = new CComet({ url: '.', channel: `$presence:${channel}`, token, cursor: `${first.epoch}:${first.seqid}` });
  room.on('message', ({ type, user, seqid, time }) => {
    const epoch = room.cursor?.split(':')[0];
    if (epoch === from.epoch && seqid < from.seqid) return;
    if (type === 'JOIN') users.add(user);
    else if (type === 'LEAVE' && users.delete(user) && users.size < MAX_TOLD) onLeft(user, time, `presence:${epoch}:${seqid}`);
    draw();
  });
  room.on('gap', askAgain);
  room.on('reset', askAgain);
  take(first);
  return () => {
    room.close();
    clearTimeout(drawing);
    button.hidden = true;
  };
}
