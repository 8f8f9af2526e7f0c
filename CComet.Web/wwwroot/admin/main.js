// The page of administration: signs in, and shows the view that the address names.

import { get, hasToken, setToken, whenSignedOut } from './api.js';
import { leaveAccess } from './access.js';
import { leaveChannel, showChannel } from './channel.js';
import { showChannels } from './channels.js';
import { fail, find, tell } from './dom.js';
import { showNodes, takeDrain } from './nodes.js';
import { takeStatistics } from './overview.js';
import { followStatistics } from './statistics.js';

const NODES_PAUSE = 2_000;

let stopStatistics = null;
let nodesTimer = null;

async function start() {
  try {
    await get('stats');
  } catch (error) {
    signOut(error.status === 401 && !hasToken() ? '' : error.message);
    return;
  }

  find('token').value = '';
  find('sign-in').hidden = true;
  find('page').hidden = false;
  find('sign-out').hidden = !hasToken();
  stopStatistics?.();
  stopStatistics = followStatistics(figures => {
    takeStatistics(figures);
    takeDrain(figures);
  }, isConnected => {
    const state = find('state');
    const text = isConnected ? 'Connected' : 'Reconnecting…';
    if (state.textContent !== text) state.textContent = text;
    state.dataset.state = isConnected ? 'open' : 'lost';
  }, signOut);
  show();
}

function signOut(problem) {
  setToken(null);
  stopStatistics?.();
  stopStatistics = null;
  clearInterval(nodesTimer);
  leaveChannel();
  leaveAccess();
  tell('');
  if (find('ask').open) find('ask').close();
  find('page').hidden = true;
  find('sign-in').hidden = false;
  find('sign-in-problem').textContent = problem;
  find('token').focus();
}

/** Shows the view that the address names. */
function show() {
  if (find('page').hidden) return;
  const [, view = '', rest] = /^#\/(\w*)(?:\/(.*))?$/.exec(location.hash) ?? [];
  const channel = view === 'channels' && rest ? decode(rest) : null;
  const id = channel !== null ? 'channel' : ['channels', 'nodes', 'access'].includes(view) ? view : 'overview';
  clearInterval(nodesTimer);
  if (id !== 'channel') leaveChannel();
  if (id !== 'access') leaveAccess();
  const isOther = find(id).hidden;
  for (const section of document.querySelectorAll('#page > main > section')) section.hidden = section.id !== id;
  for (const link of document.querySelectorAll('nav a')) {
    if (link.hash === `#/${id === 'channel' ? 'channels' : id}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }

  tell('');
  const load = { overview: () => {}, channels: showChannels, channel: () => showChannel(channel), nodes: showNodes, access: () => {} }[id];
  if (id === 'nodes') nodesTimer = setInterval(() => { showNodes().catch(fail); }, NODES_PAUSE);
  Promise.resolve().then(load).catch(fail);
  document.title = `${channel ?? find(`${id}-title`).textContent} · CComet administration`;

  // After the first view, what was pressed to come here is often not there any more.
  if (isOther && hasShown) find(`${id}-title`).focus();
  hasShown = true;
}

let hasShown = false;

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

find('sign-in-form').addEventListener('submit', event => {
  event.preventDefault();
  const token = find('token').value.trim().replace(/^Bearer\s+/i, '');
  if (!/^[\x21-\x7e]+$/.test(token)) {
    find('sign-in-problem').textContent = token === '' ? 'Token: is missing.' : 'Token: has characters that no token has.';
    find('token').focus();
    return;
  }

  setToken(token);
  start();
});
find('sign-out').addEventListener('click', () => signOut(''));
whenSignedOut(problem => { if (!find('page').hidden) signOut(problem); });
addEventListener('hashchange', show);
start();
