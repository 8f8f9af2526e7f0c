// The chat's page: the form, the room, and the way between them. Each room is an entry of the browser's history, so that a
// reload and the button Back come to it again.

import { composer } from './composer.js';
import { converse } from './conversation.js';
import { emojiMenu } from './emoji-menu.js';
import { nickname } from './memory.js';
import { askWhoIsHere, showWhoIsHere } from './presence.js';
import { timeline } from './timeline.js';
import { explain, token } from './token.js';

const $ = id => document.getElementById(id);
const STATES = {
  connecting: 'Connecting…',
  open: 'Connected',
  reconnecting: 'Reconnecting…',
  replaced: 'Taken over by another page',
  refused: 'Refused by the server',
};

const shown = timeline({ log: $('log'), outbox: $('outbox'), scroll: $('scroll'), newest: $('newest'), newestText: $('newest-text') });
const writing = composer({ form: $('composer'), text: $('text'), count: $('count') }, text => (talk ? talk.send(text) : early.push(text)));
const emoticons = emojiMenu($('emoji'), $('emoji-menu'), writing.insert);

/** The room that one is in: what `converse` gave, or null. */
let talk = null;
let nick = '';
let why = '';
let trouble = '';
let countdown;
/** What was written before the room was open. */
let early = [];
/** What ends what began with the room: asking who is here, and showing it. */
let coming = new AbortController();

// ---- coming and going

function showForm(problem = '') {
  $('chat').hidden = true;
  $('join').hidden = false;
  document.body.classList.add('sky');
  document.title = 'CComet chat';
  $('join-problem').textContent = problem;
  const first = [$('nick'), $('channel')].find(input => !input.value.trim()) ?? (problem ? $('channel') : $('join-form').querySelector('button'));
  first.focus();
}

function submitForm() {
  const name = $('nick').value.trim();
  const channel = $('channel').value.trim();
  for (const [input, value, wanted] of [[$('nick'), name, 'Please tell your name.'], [$('channel'), channel, 'Please name a channel.']]) {
    input.setAttribute('aria-invalid', String(!value));
    if (value) continue;
    $('join-problem').textContent = wanted;
    input.focus();
    return;
  }

  nickname.set(name);
  history.pushState({ member: { channel, nick: name } }, '', `?${new URLSearchParams({ channel })}`);
  join(channel, name);
}

async function join(channel, name) {
  nick = name;
  shown.clear();
  $('log').setAttribute('aria-busy', 'true');
  $('join').hidden = true;
  $('chat').hidden = false;
  document.body.classList.remove('sky');
  $('room').textContent = channel;
  $('room').title = channel;
  retitle(0);
  writing.open(channel);
  onState('connecting');
  const { signal } = coming;
  // One token serves for this question and for the room's first request.
  let ready = token?.();
  const here = await askWhoIsHere(channel, ready);
  if (signal.aborted) return;
  const next = token && (() => {
    const given = ready ?? token();
    ready = null;
    return given;
  });
  // Without a token it is the name of the connection by which one is here.
  talk = converse({ channel, nick, token: next, exclusive: here !== null && !token, shown, isLookedAt, giveBack: writing.giveBack, onState, onError, onUnread: retitle });
  onState(talk.room.state);
  for (const text of early.splice(0)) talk.send(text);
  if (here === null) return;
  const onLeft = (who, time, key) => shown.left({ name: who, own: false, other: who === nick }, time, key);
  signal.addEventListener('abort', showWhoIsHere({ channel, token, first: here, nick, button: $('here'), list: $('here-list'), onLeft }));
}

function leave() {
  coming.abort();
  coming = new AbortController();
  early = [];
  talk?.leave();
  talk = null;
  clearInterval(countdown);
  emoticons.close();
  $('share-dialog').close();
  $('here-dialog').close();
  writing.open(null);
}

/** Shows what the entry of the browser's history says. */
function navigate() {
  leave();
  const { channel, nick: name } = history.state?.member ?? {};
  $('nick').value = name ?? nickname.get();
  $('channel').value = channel ?? new URLSearchParams(location.search).get('channel') ?? '';
  if (channel && name) join(channel, name);
  else showForm();
}

// ---- the connection

const isOffline = state => state === 'reconnecting' && navigator.onLine === false;
const isBusy = () => $('log').getAttribute('aria-busy') === 'true';

function onState(state) {
  const status = $('status');
  status.dataset.state = state;
  status.textContent = isOffline(state) ? 'Offline. Waiting for a connection…' : STATES[state] ?? '';
  if (state === 'open') {
    why = trouble = '';
    status.append(' as ', Object.assign(document.createElement('bdi'), { textContent: nick }));
    // A screen reader announces what is new, not the whole history.
    if (isBusy()) {
      $('log').setAttribute('aria-busy', 'false');
      shown.toEnd();
    }
  }

  showBanner(state);
}

/** What is wrong and when it is tried again. The status line tells a screen reader, once; this counts. */
function showBanner(state) {
  clearInterval(countdown);
  const isResting = state === 'refused' || state === 'replaced';
  $('banner').hidden = state !== 'reconnecting' && !isResting;
  if ($('banner').hidden) return;
  $('banner').dataset.state = state;
  $('banner-what').textContent = isResting ? `${STATES[state]}.` : isOffline(state) ? 'You are offline.' : trouble || 'The connection is lost.';
  $('retry').textContent = isResting ? 'Reconnect' : 'Try now';
  const tick = () => {
    const ms = talk?.room.retryIn ?? null;
    const when = isOffline(state) ? 'Goes on as soon as the network is back.' : ms === null ? 'Trying to reconnect…' : `Trying again in ${Math.max(1, Math.ceil(ms / 1_000))} s.`;
    const text = isResting ? why : when;
    if ($('banner-when').textContent !== text) $('banner-when').textContent = text;
  };
  tick();
  if (!isResting) countdown = setInterval(tick, 250);
}

function onError(error) {
  trouble = error.code === 'token' ? error.detail : '';
  if (error.retryIn !== undefined) {
    showBanner(talk.room.state);
    return;
  }

  why = explain(error);
  // Refused before anything was heard: the name of the channel, or the nickname, will not do, or there is no right to be here.
  if (!isBusy()) return;
  history.replaceState(null, '');
  leave();
  showForm(why);
}

// ---- what nobody saw

const isLookedAt = () => !document.hidden && document.hasFocus();

function retitle(unread) {
  document.title = `${unread > 0 ? `(${unread}) ` : ''}${$('room').textContent} · CComet chat`;
}

function onSeen() {
  if (!document.hidden) talk?.seen();
}

// ---- sharing

function share() {
  $('share-link').value = new URL(`?${new URLSearchParams({ channel: $('room').textContent })}`, location.href).href;
  $('copied').textContent = '';
  $('share-dialog').showModal();
  $('share-link').select();
}

async function copy() {
  $('share-link').select();
  try {
    await navigator.clipboard.writeText($('share-link').value);
  } catch {
    // Only secure pages have the clipboard; others may still copy what is selected.
    if (!document.execCommand('copy')) {
      $('copied').textContent = 'Please copy it by hand: it is selected.';
      return;
    }
  }

  $('copied').textContent = 'Copied.';
}

// ---- wiring

$('join-form').addEventListener('submit', event => { event.preventDefault(); submitForm(); });
$('public').addEventListener('click', event => {
  event.preventDefault();
  $('channel').value = 'public';
  submitForm();
});
$('leave').addEventListener('click', () => {
  history.pushState(null, '');
  leave();
  showForm();
});
$('retry').addEventListener('click', () => talk?.room.resume());
$('here').addEventListener('click', () => $('here-dialog').showModal());
$('here-close').addEventListener('click', () => $('here-dialog').close());
$('share').addEventListener('click', share);
$('copy').addEventListener('click', copy);
$('share-close').addEventListener('click', () => $('share-dialog').close());
addEventListener('focus', onSeen);
document.addEventListener('visibilitychange', onSeen);
for (const event of ['online', 'offline']) addEventListener(event, () => talk && onState(talk.room.state));
addEventListener('popstate', navigate);
navigate();
