// What the operator's rights cover, as the server tells it.

import { get } from './api.js';
import { find, make, on } from './dom.js';

const PAUSE = 10_000;

let scope = { all: false, prefixes: [], names: [] };

/** Whether they are those of the whole server. */
export const coversAll = () => scope.all;

/** Whether they cover all channels whose names begin with a text. */
export const coversPrefix = text => scope.prefixes.some(prefix => text.startsWith(prefix));

/** What the names of the channels that are shown first begin with; null when the rights are on single names alone. */
export const firstPrefix = () => scope.prefixes[0] ?? null;

/**
 * Shows what there is for rights, and hides or switches off the rest.
 * @param {{all: boolean, prefixes: string[], names: string[]}} told
 * @param {(prefix: string) => Promise<void>} onPrefix lists the channels that begin so
 * @param {(name: string) => string} addressOf the address of a channel's view
 */
export function showScope(told, onPrefix, addressOf) {
  scope = told;
  for (const element of document.querySelectorAll('[data-whole]')) {
    if (element instanceof HTMLOptionElement) element.disabled = !scope.all;
    else element.hidden = !scope.all;
  }

  for (const element of document.querySelectorAll('[data-part]')) element.hidden = scope.all;
  for (const element of document.querySelectorAll('[data-list]')) element.hidden = scope.prefixes.length === 0;
  for (const select of document.querySelectorAll('select:has([data-whole])')) select.value = [...select.options].find(option => !option.disabled).value;
  find('own').replaceChildren(...scope.all ? [] : [...scope.prefixes.map(listing), ...scope.names.map(opening)].map(entry => make('li', {}, entry)));

  function listing(prefix) {
    const button = make('button', { type: 'button' }, make('bdi', { textContent: `${prefix}*` }));
    on(button, 'click', () => onPrefix(prefix));
    return button;
  }

  function opening(name) { return make('a', { href: addressOf(name) }, make('bdi', { textContent: name })); }
}

/**
 * Asks again and again whether the rights still hold, until it is stopped.
 * @param {(isConnected: boolean) => void} onState
 * @param {(why: string) => void} onRefused they do not hold any more
 * @returns {() => void} stops it
 */
export function followScope(onState, onRefused) {
  const stopped = new AbortController();
  onState(true);
  const timer = setInterval(async () => {
    try {
      await get('me', stopped.signal);
      if (!stopped.signal.aborted) onState(true);
    } catch (error) {
      // A 401 has been told already; all else but a 403 passes.
      if (stopped.signal.aborted) return;
      if (error.status === 403) onRefused(error.message);
      else onState(false);
    }
  }, PAUSE);
  return () => {
    stopped.abort();
    clearInterval(timer);
  };
}
