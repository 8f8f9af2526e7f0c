import { get, post } from './api.js';
import { ask, bytes, count, find, make, number, on, required, tell } from './dom.js';
import { coversPrefix, firstPrefix } from './scope.js';
import { createTable } from './table.js';

const LIMIT = 50;

/** The address of a channel's view. */
export const addressOf = channel => `#/channels/${encodeURIComponent(channel)}`;

const table = createTable(find('channel-list'), {
  caption: 'Channels; subscribers of this node',
  key: ({ channel }) => channel,
  columns: [
    { title: 'Channel', sort: ({ channel }) => channel, fill: link },
    { title: 'Messages', isNumber: true, sort: kept, text: row => number(kept(row)) },
    { title: 'First', isNumber: true, isFew: true, text: ({ first }) => String(first) },
    { title: 'Next', isNumber: true, isFew: true, text: ({ next }) => String(next) },
    { title: 'Size', isNumber: true, isFew: true, sort: row => row.bytes, text: row => bytes(row.bytes) },
    { title: 'Subscribers', isNumber: true, sort: ({ subscribers }) => subscribers, text: ({ subscribers }) => number(subscribers) },
  ],
});

/** What the names of those that are listed begin with; null when none are. */
let prefix = null;
let next = null;

/** The names behind which the pages up to this one begin. */
let pages = [null];

/** Shows the page again. */
export async function showChannels() {
  if (prefix === null) return;
  const query = new URLSearchParams({ limit: LIMIT });
  if (prefix !== '') query.set('prefix', prefix);
  if (pages.at(-1) !== null) query.set('after', pages.at(-1));
  const answer = await get(`channels?${query}`);
  next = answer.next;
  table.show(answer.channels);
  find('next').disabled = next === null;
  find('back').disabled = pages.length === 1;
  find('listed').textContent = `Page ${pages.length}: ${count(answer.channels.length, 'channel')}${next === null ? '' : ', and more'}.`;
}

/** Lists the channels whose names begin with a text. */
export async function search(text) {
  if (!coversPrefix(text)) throw new Error(`${find('prefix').labels[0].textContent}: your rights do not cover all channels that begin with '${text}'.`);
  find('prefix').value = prefix = text;
  pages = [null];
  await showChannels();
}

/** Lists nothing, until those are asked for that the rights cover first. */
export function leaveChannels() {
  prefix = firstPrefix();
  pages = [null];
  next = null;
  table.show([]);
  find('prefix').value = prefix ?? '';
  find('listed').textContent = '';
  find('next').disabled = find('back').disabled = true;
}

function kept(row) { return row.next - row.first; }

function link(cell, { channel }) {
  if (!cell.firstChild) cell.append(make('a', { href: addressOf(channel) }, make('bdi', { textContent: channel })));
}

/** A button that has just been switched off cannot keep the focus. */
async function turn(button, other) {
  await showChannels();
  if (button.disabled) other.focus();
}

on(find('search'), 'submit', () => search(find('prefix').value));
on(find('open-channel'), 'click', () => { location.hash = addressOf(required('prefix')); });
on(find('next'), 'click', () => {
  pages.push(next);
  return turn(find('next'), find('back'));
});
on(find('back'), 'click', () => {
  pages.pop();
  return turn(find('back'), find('next'));
});
on(find('broadcast'), 'submit', async () => {
  const text = required('broadcast-text');
  if (!await ask('Broadcast?', `Publishes this message to every channel that is open on any node: ${text}`, 'Broadcast')) return;
  const { channels } = await post('broadcast', { msg: text });
  find('broadcast-text').value = '';
  tell(`Broadcast: stored in ${count(channels, 'channel')} by this node.`);
});
