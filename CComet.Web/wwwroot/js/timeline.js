// The conversation on the page: messages, who came, what cannot be shown any more, and what is still being sent.

import { spoken } from './text.js';

/** Messages of one name closer than this, in ms, stand as one group. */
const GROUP = 5 * 60_000;

/** The oldest go when there are more; a page left open for a week must not grow for ever. */
const MAX_ENTRIES = 2_000;

const TINTS = 8;
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const date = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
const list = new Intl.ListFormat('en', { type: 'conjunction' });

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** A name may hold anything; isolated, its direction of writing does not turn what stands around it. */
const named = name => element('bdi', 'name', name);

function tintOf(name) {
  let hash = 0;
  for (const char of name) hash = (hash * 31 + char.codePointAt(0)) >>> 0;
  return `tint-${hash % TINTS}`;
}

function avatar(name) {
  const first = name && (globalThis.Intl.Segmenter ? [...new Intl.Segmenter().segment(name)][0].segment : [...name][0]);
  const made = element('span', `avatar ${name ? tintOf(name) : 'tint-none'}`, first ? first.toLocaleUpperCase() : '?');
  made.setAttribute('aria-hidden', 'true');
  return made;
}

function timeOf(ms) {
  const when = new Date(ms);
  if (Number.isNaN(when.getTime())) return element('span');
  const made = element('time', '', clock.format(when));
  made.dateTime = when.toISOString();
  made.title = when.toLocaleString();
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
  let before = null; // the last entry: { kind, name, time, names? }
  let unseen = 0;

  const atEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;
  const toEnd = () => {
    scroll.scrollTop = scroll.scrollHeight;
    unseen = 0;
    newest.hidden = true;
  };
  newest.addEventListener('click', () => { toEnd(); scroll.focus(); });
  scroll.addEventListener('scroll', () => {
    if (!atEnd()) return;
    unseen = 0;
    newest.hidden = true;
  }, { passive: true });

  /** Keeps to the end whoever is there; tells the others that there is something below. */
  function grow(change, { follow = false, counts = false } = {}) {
    const followed = follow || atEnd();
    change();
    while (log.childElementCount > MAX_ENTRIES) log.firstElementChild.remove();
    if (followed) return toEnd();
    if (counts) unseen++;
    newest.hidden = unseen === 0;
    newestText.textContent = unseen === 1 ? '1 new message' : `${unseen} new messages`;
  }

  function append(entry, time) {
    const day = Number.isFinite(time) ? dayOf(time) : before?.day;
    if (day !== before?.day) {
      log.append(element('p', 'day', element('span', '', day)));
      before = { day };
    }

    put(entry);
  }

  /** What arrives while one looks on is seen arriving; the history, and one's own words, simply stand there. */
  function put(entry) {
    const busy = log.getAttribute('aria-busy') === 'true';
    if (!busy && !entry.classList.contains('own')) entry.classList.add('fresh');
    log.append(entry);
  }

  return {
    toEnd,

    /** Shows a message of the log. */
    message({ sname, msg, seqid, time }, own) {
      grow(() => {
        const name = sname ?? '';
        const shown = own ? 'You' : name || 'Somebody';
        const entry = element('article', own ? 'entry own' : 'entry',
          avatar(name),
          element('div', 'said', element('p', 'who', named(shown), ' ', timeOf(time)), element('div', 'bubble', spoken(msg))));
        entry.dataset.seqid = seqid;
        append(entry, time);
        const goesOn = before?.kind === 'message' && before.name === name && time - before.time < GROUP;
        if (!goesOn) entry.classList.add('head');
        before = { ...before, kind: 'message', name, time };
      }, { counts: true });
    },

    /** Shows that somebody came; those who came one after another share a line. */
    joined({ sname, time }, own) {
      grow(() => {
        const name = own ? 'You' : sname ?? 'Somebody';
        if (before?.kind !== 'joined') {
          const entry = element('p', 'notice joined');
          append(entry, time);
          before = { ...before, kind: 'joined', names: [], entry };
        }

        if (!before.names.includes(name)) before.names.push(name);
        const parts = list.formatToParts(before.names).map(part => (part.type === 'element' ? named(part.value) : part.value));
        before.entry.replaceChildren(...parts, ' joined ', timeOf(time));
      });
    },

    /** Shows something that the channel itself has to say. */
    notice(text, kind) {
      grow(() => {
        put(element('p', `notice ${kind}`, element('span', '', text)));
        before = before && { day: before.day, kind };
      });
    },

    /** Shows what is being sent, below everything that has been. */
    sending(text) {
      const state = element('p', 'fate');
      const entry = element('article', 'entry own pending', element('div', 'said', element('div', 'bubble', spoken(text)), state));
      grow(() => outbox.append(entry), { follow: true });
      return {
        text,
        /** It is on its way. */
        wait() {
          entry.classList.remove('failed');
          state.replaceChildren('Sending…');
        },
        /** It could not be sent. */
        fail(why, retry, discard) {
          entry.classList.add('failed');
          const button = (label, act) => {
            const made = element('button', 'link', label);
            made.type = 'button';
            made.addEventListener('click', act);
            return made;
          };
          const told = element('span', '', `Not sent: ${why} `);
          told.setAttribute('role', 'alert');
          grow(() => state.replaceChildren(told, button('Retry', retry), ' ', button('Edit', discard)));
        },
        /** It stands in the log now, or is not wanted any more. */
        remove: () => entry.remove(),
      };
    },

    /** Empties everything. */
    clear() {
      log.replaceChildren();
      outbox.replaceChildren();
      before = null;
      unseen = 0;
      newest.hidden = true;
    },
  };
}
