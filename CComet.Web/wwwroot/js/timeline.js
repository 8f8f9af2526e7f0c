// The conversation on the page: messages, who came and left, what cannot be shown any more, and what is still being sent.

import { spoken } from './text.js';

/** Messages of one name closer than this, in ms, stand as one group. */
const GROUP = 5 * 60_000;

/** The oldest go when there are more; a page left open for a week must not grow for ever. */
const MAX_ENTRIES = 2_000;
const MAX_CHARACTERS = 2 ** 21;

/** A line of people that came one after another names so many of them, and counts no more than so many. */
const MAX_NAMED = 6;
const MAX_TOGETHER = 500;

const TINTS = 8;
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const date = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
const list = new Intl.ListFormat('en', { type: 'conjunction' });
const letters = globalThis.Intl.Segmenter && new Intl.Segmenter();

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** How somebody is called here: `{ name, own, other }`, `other` for somebody else who goes by one's own name. */
const keyOf = ({ name, own, other }) => (own ? 'own' : `${other ? 'other' : 'name'}:${name}`);

/** A name may hold anything; isolated, its direction of writing does not turn what stands around it. */
function named({ name, own, other }) {
  const made = element('bdi', 'name', own ? 'You' : name || 'Somebody');
  if (!other || own) return made;
  const tag = element('span', 'namesake', '(other)');
  tag.title = 'Goes by the same name as you, in another browser';
  return element('span', '', made, ' ', tag);
}

function tintOf(text) {
  let hash = 0;
  for (const char of text) hash = (hash * 31 + char.codePointAt(0)) >>> 0;
  return `tint-${hash % TINTS}`;
}

function avatar(who) {
  const first = who.name && (letters ? letters.segment(who.name)[Symbol.iterator]().next().value.segment : String.fromCodePoint(who.name.codePointAt(0)));
  const made = element('span', `avatar ${who.name ? tintOf(who.other ? keyOf(who) : who.name) : 'tint-none'}`, first ? first.toLocaleUpperCase() : '?');
  made.setAttribute('aria-hidden', 'true');
  return made;
}

function timeOf(ms) {
  const when = new Date(ms);
  if (Number.isNaN(when.getTime())) return element('span');
  const made = element('time', '', clock.format(when));
  made.dateTime = when.toISOString();
  made.title = moment.format(when);
  return made;
}

function dayOf(ms) {
  const when = new Date(ms);
  const today = new Date();
  const yesterday = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
  if (when.toDateString() === today.toDateString()) return 'Today';
  if (when.toDateString() === yesterday.toDateString()) return 'Yesterday';
  return date.format(when);
}

/**
 * Makes the conversation.
 * @param {object} parts the elements `log`, `outbox`, `scroll` (around both), `newest` (a button) and `newestText` in it
 */
export function timeline({ log, outbox, scroll, newest, newestText }) {
  let before = null; // the last entry: { kind, day, who?, time?, entry?, line? }
  let unseen = 0;
  let entries = 0;
  let characters = 0;
  let rows = new Map(); // what can still change, by the keys of its messages: { who, entry, time }, or { who, line } for who came or left
  let divider = null; // before the first unread message
  let isDividerNews = false; // until the page is looked at
  const weights = new WeakMap(); // what an entry counts for: { length, keys }

  // Where the reader is, known without measuring: the layout is asked once a frame, however many messages a frame brings.
  let isFollowing = true;
  let isScheduled = false;
  let settledTop = 0;
  const atEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;

  function toEnd() {
    isFollowing = true;
    schedule();
  }

  function schedule() {
    if (isScheduled) return;
    isScheduled = true;
    requestAnimationFrame(settle);
  }

  /** Keeps a reader that is at the end there; shows another reader that there is something below. */
  function settle() {
    isScheduled = false;
    if (isFollowing) {
      // A reader that comes back begins at the first unread message.
      const from = divider && isDividerNews ? divider.offsetTop - scroll.offsetTop - 12 : Infinity;
      scroll.scrollTop = Math.min(scroll.scrollHeight, from);
      isFollowing = atEnd();
      if (isFollowing) unseen = 0;
    }

    settledTop = scroll.scrollTop;
    newest.hidden = isFollowing || unseen === 0;
    newestText.textContent = unseen === 1 ? '1 new message' : `${unseen} new messages`;
  }

  newest.addEventListener('click', () => {
    isDividerNews = false;
    toEnd();
    scroll.focus();
  });
  scroll.addEventListener('scroll', () => {
    // What came since the last frame is not scrolled to yet: then only a reader who moved up has left the end.
    if (isScheduled && scroll.scrollTop >= settledTop) return;
    isFollowing = atEnd();
    if (!isFollowing) return;
    unseen = 0;
    newest.hidden = true;
  }, { passive: true });
  new ResizeObserver(() => { if (isFollowing) schedule(); }).observe(scroll);

  function put(entry, { length = 0, keys = [] } = {}) {
    // What arrives while one looks on is seen arriving; the history, and one's own words, simply stand there.
    const isBusy = log.getAttribute('aria-busy') === 'true';
    if (!isBusy && !entry.classList.contains('own')) entry.classList.add('fresh');
    log.append(entry);
    weights.set(entry, { length, keys });
    entries++;
    characters += length;
    while (entries > MAX_ENTRIES || (characters > MAX_CHARACTERS && entries > 1)) {
      const oldest = log.firstElementChild;
      const weight = weights.get(oldest);
      for (const key of weight.keys) rows.delete(key);
      characters -= weight.length;
      entries--;
      oldest.remove();
      settledTop = 0;
    }

    schedule();
  }

  function begin(time) {
    const day = Number.isFinite(time) ? dayOf(time) : before?.day;
    if (day === before?.day) return;
    put(element('p', 'day', element('span', '', day)));
    before = { day };
  }

  function undivide() {
    if (divider?.isConnected) {
      divider.remove();
      entries--;
    }

    divider = null;
    isDividerNews = false;
  }

  function divide() {
    undivide();
    divider = element('p', 'unread', element('span', '', 'New messages'));
    isDividerNews = true;
    put(divider);
    before = before && { day: before.day };
  }

  function fill({ entry, who, time }) {
    entry.classList.toggle('own', Boolean(who.own));
    entry.querySelector('.avatar').replaceWith(avatar(who));
    entry.querySelector('.who').replaceChildren(named(who), ' ', timeOf(time));
  }

  /** Says whose a message is, when that is known only later. */
  function assign(key, own) {
    const row = rows.get(key);
    if (!row || row.who.own === own) return;
    if (row.line) count(row.line, row.who, -1);
    row.who = { ...row.who, own };
    if (row.line) {
      count(row.line, row.who, 1);
      name(row.line);
      return;
    }

    fill(row);
    for (const entry of [row.entry, row.entry.nextElementSibling]) if (entry?.matches('article')) entry.classList.add('head');
    if (before?.entry === row.entry) before.who = keyOf(row.who);
  }

  /** Counts the comings of somebody in a line. */
  function count({ people }, who, change) {
    const times = (people.get(keyOf(who))?.times ?? 0) + change;
    if (times > 0) people.set(keyOf(who), { who, times });
    else people.delete(keyOf(who));
  }

  function name({ entry, people, verb, time }) {
    const you = people.get('own');
    const shown = you ? [you] : [];
    for (const one of people.values()) {
      if (shown.length === MAX_NAMED) break;
      if (one !== you) shown.push(one);
    }

    const rest = people.size - shown.length;
    const parts = shown.map((_, i) => String(i));
    if (rest > 0) parts.push(rest === 1 ? '1 other' : `${rest} others`);
    const nodes = list.formatToParts(parts).map(({ type, value }) => (type === 'element' && shown[value] ? named(shown[value].who) : value));
    entry.replaceChildren(...nodes, ` ${verb} `, timeOf(time));
    schedule();
  }

  /** Shows that somebody came or left; people that did so one after another share a line. */
  function together(verb, who, time, key) {
    begin(time);
    if (before?.kind !== verb || before.line.keys.length >= MAX_TOGETHER) {
      const line = { entry: element('p', `notice ${verb}`), verb, people: new Map(), keys: [], time };
      put(line.entry, line);
      before = { day: before?.day, kind: verb, line };
    }

    const { line } = before;
    line.time = time;
    line.keys.push(key);
    rows.set(key, { who, line });
    count(line, who, 1);
    name(line);
  }

  return {
    toEnd,

    /** Shows a message of the log. `isUnread` says that nobody looks on, `isFirst` that it is the first such. */
    message({ msg, time }, { key, who, isUnread = false, isFirst = false }) {
      begin(time);
      if (isFirst) divide();
      const said = spoken(msg);
      const entry = element('article', 'entry', element('span', 'avatar'), element('div', 'said', element('p', 'who'), element('div', 'bubble', said)));
      const row = { entry, who, time };
      fill(row);
      rows.set(key, row);
      const group = keyOf(who);
      const goesOn = before?.kind === 'message' && before.who === group && time - before.time < GROUP;
      if (!goesOn) entry.classList.add('head');
      before = { day: before?.day, kind: 'message', who: group, time, entry };
      put(entry, { length: said.textContent.length, keys: [key] });
      if (!isFollowing || isUnread) unseen++;
    },

    /** The message is one's own after all, or is not. */
    claim: key => assign(key, true),
    disown: key => assign(key, false),

    joined: (who, time, key) => together('joined', who, time, key),
    left: (who, time, key) => together('left', who, time, key),

    /** Shows something that the channel itself has to say. */
    notice(text, kind) {
      put(element('p', `notice ${kind}`, element('span', '', text)));
      before = before && { day: before.day };
    },

    /** Somebody looks at the page. */
    seen() { isDividerNews = false; },

    /** Shows what is being sent, below everything that has been. */
    sending(text) {
      const state = element('p', 'fate');
      const entry = element('article', 'entry own pending', element('div', 'said', element('div', 'bubble', spoken(text)), state));
      outbox.append(entry);
      undivide(); // who answers has read
      toEnd();
      return {
        /** It is on its way. */
        wait() {
          entry.classList.remove('failed');
          state.replaceChildren('Sending…');
        },
        /** It could not be sent. */
        fail(why, retry, discard) {
          entry.hidden = false;
          entry.classList.add('failed');
          const button = (label, act) => {
            const made = element('button', 'link', label);
            made.type = 'button';
            made.addEventListener('click', act);
            return made;
          };
          const told = element('span', '', `Not sent: ${why} `);
          told.setAttribute('role', 'alert');
          state.replaceChildren(told, button('Retry', retry), ' ', button('Edit', discard));
          schedule();
        },
        /** It seems to stand in the log already. */
        hide: () => { entry.hidden = true; },
        /** It stands in the log now, or is not wanted any more. */
        remove: () => entry.remove(),
      };
    },

    /** Empties everything. */
    clear() {
      log.replaceChildren();
      outbox.replaceChildren();
      rows = new Map();
      before = divider = null;
      unseen = entries = characters = 0;
      isFollowing = true;
      newest.hidden = true;
    },
  };
}
