// What a message says, as nodes. Whatever a message holds goes into text nodes; nothing is ever parsed as markup. The work is
// in proportion to the length of the message, whatever it is made of.

const ADDRESS = /\bhttps?:\/\/[^\s<>"'`\u2028\u2029]+/giu;
const ONLY_EMOTICONS = /^(?:\p{Extended_Pictographic}(?:\uFE0F|\p{Emoji_Modifier}|\u200D\p{Extended_Pictographic})*\s*){1,3}$/u;
const OPENERS = { ')': '(', ']': '[', '}': '{' };

/** The most links of one message; further addresses stay text. */
const MAX_LINKS = 200;

/** No three emoticons are longer than this. */
const MAX_EMOTICONS = 100;

/** A value of JSON that is longer, in characters, or nested deeper is not indented: it would grow by its depth. */
const MAX_INDENTED = 4_000;
const MAX_DEPTH = 16;

/** A message with more than these characters or lines is shown in part until it is asked for. */
const LONG = 1_500;
const LONG_LINES = 20;

/**
 * A message's text as nodes, its http and https addresses as links.
 * @param {string} text
 * @returns {DocumentFragment}
 */
export function linked(text) {
  const nodes = document.createDocumentFragment();
  let done = 0;
  let links = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = trimmed(match[0]);
    const url = parsed(address);
    if (url?.protocol !== 'http:' && url?.protocol !== 'https:') continue;
    const link = document.createElement('a');
    link.href = url.href;
    link.target = '_blank';
    link.rel = 'noopener noreferrer';
    link.textContent = address;
    nodes.append(text.slice(done, match.index), link);
    done = match.index + address.length;
    if (++links === MAX_LINKS) break;
  }

  nodes.append(text.slice(done));
  return nodes;
}

function parsed(address) {
  try { return new URL(address); } catch { return null; }
}

/** The address without the punctuation of the sentence around it; a bracket stays when it was opened inside. */
function trimmed(address) {
  const count = {};
  for (const char of address) count[char] = (count[char] ?? 0) + 1;
  let end = address.length;
  for (; end > 0; end--) {
    const last = address[end - 1];
    const opener = OPENERS[last];
    if (opener ? count[last] <= (count[opener] ?? 0) : !'.,;:!?…'.includes(last)) break;
    count[last]--;
  }

  return address.slice(0, end);
}

const isFlat = (value, depth) => typeof value !== 'object' || value === null || (depth > 0 && Object.values(value).every(part => isFlat(part, depth - 1)));

/** A value of JSON as it is read best. */
function written(value) {
  try {
    const text = JSON.stringify(value) ?? '';
    return text.length <= MAX_INDENTED && isFlat(value, MAX_DEPTH) ? JSON.stringify(value, null, 2) ?? '' : text;
  } catch {
    return 'A value that is nested too deeply to be shown.';
  }
}

/**
 * Whatever was published as an element: a text as a text, any other value of JSON as JSON.
 * @param {*} msg
 * @returns {HTMLElement}
 */
export function spoken(msg) {
  const isText = typeof msg === 'string';
  const text = isText ? msg : written(msg);
  const shown = document.createElement(isText ? 'div' : 'pre');
  shown.className = isText ? 'text' : 'text json';
  shown.classList.toggle('large', isText && text.length <= MAX_EMOTICONS && ONLY_EMOTICONS.test(text));
  if (isText) shown.dir = 'auto';
  shown.append(isText ? linked(text) : text);
  if (text.length <= LONG && text.split('\n', LONG_LINES + 1).length <= LONG_LINES) return shown;

  const more = document.createElement('button');
  more.type = 'button';
  more.className = 'link more';
  const open = isOpen => {
    shown.classList.toggle('cut', !isOpen);
    more.textContent = isOpen ? 'Show less' : 'Show all';
    more.setAttribute('aria-expanded', String(isOpen));
  };
  more.addEventListener('click', () => open(shown.classList.contains('cut')));
  open(false);
  const both = document.createElement('div');
  both.append(shown, more);
  return both;
}
