// What a message says, as nodes. Whatever a message holds goes into text nodes; nothing is ever parsed as markup.

const ADDRESS = /\bhttps?:\/\/[^\s<>"'`\u2028\u2029]+/giu;
const ONLY_EMOTICONS = /^(?:\p{Extended_Pictographic}(?:\uFE0F|\p{Emoji_Modifier}|\u200D\p{Extended_Pictographic})*\s*){1,3}$/u;

/**
 * A message's text as nodes, its http and https addresses as links.
 * @param {string} text
 * @returns {DocumentFragment}
 */
export function linked(text) {
  const nodes = document.createDocumentFragment();
  let done = 0;
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
  }

  nodes.append(text.slice(done));
  return nodes;
}

function parsed(address) {
  try { return new URL(address); } catch { return null; }
}

/** The address without the punctuation of the sentence around it; a bracket stays when it was opened inside. */
function trimmed(address) {
  let end = address.length;
  while (end > 0) {
    const last = address[end - 1];
    const open = { ')': '(', ']': '[', '}': '{' }[last];
    const count = char => address.slice(0, end).split(char).length;
    if (open ? count(last) <= count(open) : !/[.,;:!?…]/.test(last)) break;
    end--;
  }

  return address.slice(0, end);
}

/**
 * Whatever was published as an element: a text as a text, any other value of JSON as JSON.
 * @param {*} msg
 * @returns {HTMLElement}
 */
export function spoken(msg) {
  if (typeof msg !== 'string') {
    const code = document.createElement('pre');
    code.className = 'text json';
    code.textContent = JSON.stringify(msg, null, 2) ?? '';
    return code;
  }

  const text = document.createElement('div');
  text.className = ONLY_EMOTICONS.test(msg) ? 'text large' : 'text';
  text.dir = 'auto';
  text.append(linked(msg));
  return text;
}
