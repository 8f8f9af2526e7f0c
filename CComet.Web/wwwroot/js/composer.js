// Where a message is written: as high as its text, with a count of what it may still hold, and kept with its channel.

import { draft } from './memory.js';

/** The most bytes of UTF-8 that a server takes unless it is told otherwise; and from where on the count is shown. */
const MAX_BYTES = 65_536;
const SHOWN_FROM = 49_152;

/** What was typed is kept when nothing was typed for this, in ms, and before the page goes. */
const QUIET = 300;

const encoder = new TextEncoder();
const number = new Intl.NumberFormat('en');

/**
 * Makes a text box that can be sent.
 * @param {object} parts the elements `form`, `text` (a textarea) and `count` in it
 * @param {(text: string) => void} send is called with what is to be sent
 */
export function composer({ form, text, count }, send) {
  let channel = null;
  let timer;

  /** Half a surrogate pair, as an interrupted edit may leave, would be refused. */
  const value = () => (text.value.toWellFormed?.() ?? text.value).trimEnd();

  // No character has fewer bytes than code units, or more than three times as many.
  const bytesOf = message => (message.length * 3 < SHOWN_FROM ? 0 : encoder.encode(message).length);

  function keep() {
    clearTimeout(timer);
    if (channel !== null) draft.set(channel, text.value);
  }

  function fit() {
    text.style.height = 'auto';
    text.style.height = `${text.scrollHeight + text.offsetHeight - text.clientHeight}px`;
  }

  /** Fits the box, and tells how much room is left once that matters. Gives the bytes too many. */
  function measure() {
    fit();
    const bytes = bytesOf(value());
    const over = Math.max(0, bytes - MAX_BYTES);
    count.hidden = bytes < SHOWN_FROM;
    count.classList.toggle('over', over > 0);
    text.setAttribute('aria-invalid', String(over > 0));
    count.textContent = over > 0 ? `${number.format(over)} bytes too long` : `${number.format(MAX_BYTES - bytes)} bytes left`;
    return over;
  }

  function put(message) {
    text.value = message;
    measure();
    keep();
  }

  function submit() {
    const message = value();
    text.focus();
    if (!message.trim() || channel === null) return;
    const over = measure();
    if (over > 0) {
      count.textContent = `Not sent: ${number.format(over)} bytes too long`;
      return;
    }

    put('');
    send(message);
  }

  form.addEventListener('submit', event => { event.preventDefault(); submit(); });
  text.addEventListener('input', () => {
    measure();
    clearTimeout(timer);
    timer = setTimeout(keep, QUIET);
  });
  text.addEventListener('keydown', event => {
    // Enter that ends a composition (Japanese, Chinese, …) chooses a word, and is not meant for us.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  });
  addEventListener('pagehide', keep);

  return {
    /** Goes to a channel, with what was being written there; to none with null. */
    open(next) {
      keep();
      channel = next;
      text.value = next === null ? '' : draft.get(next);
      if (next === null) return;
      measure();
      text.focus();
    },
    /** Puts something where the cursor is. */
    insert(emoticon) {
      text.setRangeText(emoticon, text.selectionStart, text.selectionEnd, 'end');
      text.focus();
      measure();
      keep();
    },
    /** Gives a message back that was not sent. */
    giveBack(message) {
      put(text.value ? `${message}\n${text.value}` : message);
      text.focus();
    },
    focus: () => text.focus(),
  };
}
