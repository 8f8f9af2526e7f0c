// The messages of the channel that is shown: the newest on demand, then live.

import { events, get, pathOf, request } from './api.js';
import { count, fail, find, make, time } from './dom.js';

const LIMIT = 50;
const MOST = 100;
const MAX_SHOWN = 300;
const PAUSE = 1_000;

const list = find('messages');
let shown = { epoch: null, next: 0 };

/** Ends what asks for messages at the moment: an answer that comes late must not replace a newer one. */
let running = null;

/** Shows nothing, and follows nothing. */
export function clearMessages() {
  stopFollowing();
  list.replaceChildren();
  shown = { epoch: null, next: 0 };
}

/** Shows the newest messages in place of what is shown; what is followed is followed from there. */
export async function show(channel) {
  if (isFollowing()) run(channel);
  else await showNewest(channel, begin());
}

/** Follows the channel from its newest messages on; a second call ends it. */
export function follow(channel) {
  if (isFollowing()) stopFollowing();
  else run(channel);
}

const isFollowing = () => find('follow').getAttribute('aria-pressed') === 'true';

function begin() {
  running?.abort();
  running = new AbortController();
  return running.signal;
}

function stopFollowing() {
  running?.abort();
  find('follow').setAttribute('aria-pressed', 'false');
  find('following').textContent = '';
}

async function run(channel) {
  const signal = begin();
  find('follow').setAttribute('aria-pressed', 'true');
  try {
    await showNewest(channel, signal).catch(error => {
      if (error.status !== 404) throw error;
      note('No messages yet.');
    });
    if (!await followEvents(channel, signal)) await poll(channel, signal);
  } catch (error) {
    if (!signal.aborted) fail(error);
  }

  if (!signal.aborted) stopFollowing();
}

async function showNewest(channel, signal) {
  const answer = await get(pathOf(channel, `/messages?limit=${LIMIT}`), signal);
  signal.throwIfAborted();
  list.replaceChildren();
  shown = { epoch: answer.epoch, next: answer.first };
  if (answer.messages.length === 0) note('No messages are kept.');
  take(answer, signal);
}

/** Follows by the server's own event stream; false where it cannot be had: at an address of administration, or without the right to subscribe. */
async function followEvents(channel, signal) {
  while (!signal.aborted) {
    // Of a channel that is not there yet nothing has been seen.
    const cursor = shown.epoch === null ? '&seqid=0' : `&cursor=${encodeURIComponent(`${shown.epoch}:${shown.next}`)}`;
    const answer = await fetchEvents(`../sse?channel=${encodeURIComponent(channel)}${cursor}`, signal);
    if (!answer) return false;
    find('following').textContent = 'Live, by events.';
    for await (const { event, id, data } of events(answer)) {
      if (signal.aborted) return true;
      if (event === 'close' || event === 'refused') {
        note(event === 'close' ? 'The channel was closed.' : 'The right to subscribe has ended.');
        return true;
      }

      if (data === null) continue;
      if (event === 'message') {
        add(JSON.parse(data));
      } else if (event === 'reset') note('The log began anew.');
      else if (event === 'gap') note('Messages are missing here: they are no longer kept.');
      if (id !== null) shown = { epoch: id.slice(0, id.lastIndexOf(':')), next: Number(id.slice(id.lastIndexOf(':') + 1)) };
    }

    find('following').textContent = 'Reconnecting…';
    await pause(signal);
  }

  return true;
}

async function fetchEvents(path, signal) {
  try {
    return await request(path, { signal });
  } catch (error) {
    if (signal.aborted) throw error;
    return null;
  }
}

async function poll(channel, signal) {
  while (!signal.aborted) {
    try {
      take(await get(pathOf(channel, `/messages?limit=${MOST}`), signal), signal);
      find('following').textContent = 'Live, asked for each second.';
    } catch (error) {
      if (signal.aborted || error.status === 401 || error.status === 403) throw error;
      find('following').textContent = error.status === 404 ? 'Live; nothing yet.' : 'Reconnecting…';
    }

    await pause(signal);
  }
}

function pause(signal) {
  return new Promise(resolve => {
    setTimeout(resolve, PAUSE);
    signal.addEventListener('abort', resolve, { once: true });
  });
}

/** Takes what is new of an answer. */
function take({ epoch, first, next, messages }, signal) {
  if (signal.aborted) return;
  if (shown.epoch !== null && shown.epoch !== epoch) {
    note('The log began anew.');
    shown.next = first;
  }

  const fresh = messages.filter(({ seqid }) => seqid >= shown.next);
  if (list.childElementCount > 0 && fresh.length > 0 && fresh[0].seqid > shown.next) note(`Not shown: ${count(fresh[0].seqid - shown.next, 'message')}.`);
  for (const message of fresh) add(message);
  shown = { epoch, next };
}

function add({ msg, sname, type, seqid, time: at }) {
  const body = typeof msg === 'string' ? msg : msg === undefined ? '' : JSON.stringify(msg);
  const about = make('p', { className: 'about' }, `${seqid} · ${type} · ${time(at)}`);
  if (sname) about.append(' · ', make('bdi', { textContent: sname }));
  append(make('li', {}, about, make('pre', { className: 'body', textContent: body })));
}

function note(text) { append(make('li', { className: 'note', textContent: text })); }

function append(row) {
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  list.append(row);
  while (list.childElementCount > MAX_SHOWN) list.firstChild.remove();
  if (isAtEnd) list.scrollTop = list.scrollHeight;
}
