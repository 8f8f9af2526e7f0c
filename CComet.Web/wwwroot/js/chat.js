// The chat: one channel, one name. What it shows is what the channel's log says; what is being sent stands below it until
// the log has it.

import CComet from './ccomet.mjs';
import { emojiMenu } from './emoji-menu.js';
import { timeline } from './timeline.js';

const $ = id => document.getElementById(id);
const NICK_KEY = 'ccomet.chat.nick';
const STATES = {
  connecting: 'Connecting…',
  open: 'Connected',
  reconnecting: 'Reconnecting…',
  replaced: 'Taken over by another page',
  refused: 'Refused by the server',
};

const shown = timeline({ log: $('log'), outbox: $('outbox'), scroll: $('scroll'), newest: $('newest'), newestText: $('newest-text') });
const emoticons = emojiMenu($('emoji'), $('emoji-menu'), insert);

let room = null;
let nick = '';
let unread = 0;
let outbox = [];

// ---- coming and going

/** Private windows may forbid storage; then the name is simply asked for again. */
const stored = {
  get() { try { return localStorage.getItem(NICK_KEY) ?? ''; } catch { return ''; } },
  set(name) { try { localStorage.setItem(NICK_KEY, name); } catch { /* as said */ } },
};

function showJoin(problem = '') {
  $('chat').hidden = true;
  $('join').hidden = false;
  document.body.classList.add('sky');
  document.title = 'CComet chat';
  $('join-problem').textContent = problem;
  const first = [$('nick'), $('channel')].find(input => !input.value.trim()) ?? (problem ? $('channel') : $('join-form').querySelector('button'));
  first.focus();
}

function submitJoin() {
  nick = $('nick').value.trim();
  const channel = $('channel').value.trim();
  for (const [input, value, wanted] of [[$('nick'), nick, 'Please tell your name.'], [$('channel'), channel, 'Please name a channel.']]) {
    input.setAttribute('aria-invalid', String(!value));
    if (value) continue;
    $('join-problem').textContent = wanted;
    input.focus();
    return;
  }

  stored.set(nick);
  join(channel);
}

function join(channel) {
  shown.clear();
  outbox = [];
  $('log').setAttribute('aria-busy', 'true');
  $('join').hidden = true;
  $('chat').hidden = false;
  document.body.classList.remove('sky');
  $('room').textContent = channel;
  $('room').title = channel;
  history.replaceState(null, '', `?${new URLSearchParams({ channel })}`);

  // exclusive: false. Two people may have one name; were it on the polls, each would take the channel from the other.
  room = new CComet({ url: '.', channel, sname: nick, sign: true, exclusive: false });
  room.on('message', onMessage);
  room.on('gap', ({ from, to }) => shown.notice(from === to ? '1 message is no longer kept and cannot be shown.' : `${to - from + 1} messages are no longer kept and cannot be shown.`, 'gap'));
  room.on('reset', () => shown.notice('The channel began anew. What is above is from before.', 'reset'));
  room.on('state', onState);
  room.on('error', onError);
  onState(room.state);
  recount(0);
  $('text').focus();
}

function leave(problem) {
  room?.close();
  room = null;
  emoticons.close();
  showJoin(problem);
}

// ---- what the channel says

function onMessage(message) {
  const own = message.sname === nick;
  if (message.type === 'SIGN') {
    shown.joined(message, own);
    return;
  }

  if (own) settle(outbox.find(entry => entry.text === message.msg));
  shown.message(message, own);
  // All that comes before `open` is history, and was not missed.
  if (!own && $('log').getAttribute('aria-busy') === 'false' && (document.hidden || !document.hasFocus())) recount(unread + 1);
}

function onState(state) {
  const status = $('status');
  status.dataset.state = state;
  status.textContent = state === 'reconnecting' && navigator.onLine === false ? 'Offline. Waiting for a connection…' : STATES[state] ?? '';
  if (state === 'open') status.append(' as ', Object.assign(document.createElement('bdi'), { textContent: nick }));
  $('resume').hidden = state !== 'replaced' && state !== 'refused';
  if (state === 'open' && $('log').getAttribute('aria-busy') === 'true') {
    // A screen reader is told of what is new, not of the whole history.
    $('log').setAttribute('aria-busy', 'false');
    shown.toEnd();
  }
}

function onError(error) {
  // Refused before anything was heard: the name of the channel, or the nickname, will not do.
  if (error.retryIn === undefined && $('log').getAttribute('aria-busy') === 'true') leave(error.detail);
}

function recount(count) {
  unread = count;
  document.title = `${unread > 0 ? `(${unread}) ` : ''}${$('room').textContent} · CComet chat`;
}

function onSeen() {
  if (room && unread > 0 && !document.hidden) recount(0);
}

// ---- what is said here

const newId = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), n => n.toString(36)).join('-');

function settle(entry) {
  if (!entry) return;
  outbox = outbox.filter(other => other !== entry);
  entry.remove();
}

function send(text) {
  const sender = room;
  const entry = shown.sending(text);
  const id = newId(); // the same for a retry: a message whose receipt was lost is not stored twice
  outbox.push(entry);
  const attempt = () => {
    entry.wait();
    sender.publish(text, { id }).then(
      receipt => { if (!sender.cursor?.startsWith(`${receipt.epoch}:`) || receipt.seqid < sender.seqid) settle(entry); },
      error => entry.fail(error.detail ?? error.message, () => { attempt(); $('text').focus(); }, () => {
        settle(entry);
        $('text').value = $('text').value ? `${text}\n${$('text').value}` : text;
        fit();
        $('text').focus();
      }),
    );
  };
  attempt();
}

function submitText() {
  const text = $('text').value.replace(/\s+$/, '');
  if (!text.trim() || !room) return;
  $('text').value = '';
  fit();
  send(text);
  $('text').focus();
}

function insert(emoticon) {
  const text = $('text');
  text.setRangeText(emoticon, text.selectionStart, text.selectionEnd, 'end');
  text.focus();
  fit();
}

/** As high as its text, up to the limit that the style sets. */
function fit() {
  const text = $('text');
  text.style.height = 'auto';
  text.style.height = `${text.scrollHeight + text.offsetHeight - text.clientHeight}px`;
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

$('join-form').addEventListener('submit', event => { event.preventDefault(); submitJoin(); });
$('public').addEventListener('click', event => {
  event.preventDefault();
  $('channel').value = 'public';
  submitJoin();
});
$('composer').addEventListener('submit', event => { event.preventDefault(); submitText(); });
$('text').addEventListener('input', fit);
$('text').addEventListener('keydown', event => {
  // Enter that ends a composition (Japanese, Chinese, …) chooses a word, and is not meant for us.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  submitText();
});
$('leave').addEventListener('click', () => leave());
$('resume').addEventListener('click', () => room?.resume());
$('share').addEventListener('click', share);
$('copy').addEventListener('click', copy);
$('share-close').addEventListener('click', () => $('share-dialog').close());
addEventListener('focus', onSeen);
document.addEventListener('visibilitychange', onSeen);
for (const event of ['online', 'offline']) addEventListener(event, () => room && onState(room.state));

$('nick').value = stored.get();
$('channel').value = new URLSearchParams(location.search).get('channel') ?? '';
showJoin();
