// The page of administration: signs in, and shows the view that the address names.

import { get, hasToken, setToken, whenSignedOut } from './api.js';
import { leaveAccess } from './access.js';
import { leaveChannel, showChannel } from './channel.js';
import { addressOf, leaveChannels, search, showChannels } from './channels.js';
import { fail, find, tell } from './dom.js';
import { showNodes, takeDrain } from './nodes.js';
import { takeStatistics } from './overview.js';
import { coversAll, followScope, showScope } from './scope.js';
import { followStatistics } from './statistics.js';

const NODES_PAUSE = 2_000;

/** The views of what is of no one channel. */
const OF_ALL = ['overview', 'nodes'];

let stopFollowing = null;
let nodesTimer = null;

async function start() {
  let rights;
  try {
    rights = await get('me');
  } catch (error) {
    signOut(error.status === 401 && !hasToken() ? '' : error.message);
    return;
  }

  find('token').value = '';
  find('sign-in').hidden = true;
  find('page').hidden = false;
  find('sign-out').hidden = !hasToken();
  stopFollowing?.();
  showScope(rights, search, addressOf);
  leaveChannels();
  stopFollowing = coversAll() ? followStatistics(figures => {
    takeStatistics(figures);
    takeDrain(figures);
  }, showState, signOut) : followScope(showState, signOut);
  show();
}

function showState(isConnected) {
  const state = find('state');
  const text = isConnected ? 'Connected' : 'Reconnecting…';
  if (state.textContent !== text) state.textContent = text;
  state.dataset.state = isConnected ? 'open' : 'lost';
}

function signOut(problem) {
  setToken(null);
  stopFollowing?.();
  stopFollowing = null;
  clearInterval(nodesTimer);
  leaveChannels();
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
  const asked = channel !== null ? 'channel' : ['channels', 'nodes', 'access'].includes(view) ? view : 'overview';
  const id = coversAll() || !OF_ALL.includes(asked) ? asked : 'channels';
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
