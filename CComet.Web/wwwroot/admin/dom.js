// What all views use. Every text goes into the page as text, never as markup.

export const find = id => document.getElementById(id);

/** Creates an element with properties and children. */
export function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const small = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium' });

export const number = value => whole.format(value);

/** A number of things: `1 message`, `2 messages`. */
export const count = (value, thing) => `${whole.format(value)} ${thing}${value === 1 ? '' : 's'}`;

export const perSecond = value => `${value < 10 ? small.format(value) : whole.format(value)}/s`;

export const time = milliseconds => clock.format(milliseconds);

export function bytes(value) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? whole.format(value) : small.format(value)} ${units[unit]}`;
}

export function duration(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

/** Tells what was done. */
export function tell(text) {
  find('problem').textContent = '';
  find('result').textContent = text;
}

/** Tells what went wrong. */
export function fail(error) {
  if (error?.name === 'AbortError') return;
  find('result').textContent = '';
  find('problem').textContent = error?.message ?? String(error);
}

/** Runs what a button does: once at a time, and what goes wrong is told. */
export function on(element, event, run) {
  let isRunning = false;
  element.addEventListener(event, async happened => {
    if (event === 'submit') happened.preventDefault();
    if (isRunning) return;
    isRunning = true;
    try {
      await run(happened);
    } catch (error) {
      fail(error);
    } finally {
      isRunning = false;
    }
  });
}

/** Reads a field that must not be empty; tells and goes there when it is. */
export function required(id) {
  const field = find(id);
  if (field.value !== '') {
    field.removeAttribute('aria-invalid');
    return field.value;
  }

  field.setAttribute('aria-invalid', 'true');
  field.focus();
  throw new Error(`${field.labels[0].textContent}: is missing.`);
}

/** Shows figures in a list of terms, which keeps its elements. */
export function figures(list, values) {
  for (const [term, value] of Object.entries(values)) {
    let shown = [...list.children].find(entry => entry.firstChild.textContent === term);
    if (!shown) list.append(shown = make('div', {}, make('dt', { textContent: term }), make('dd')));
    if (shown.lastChild.textContent !== value) shown.lastChild.textContent = value;
  }
}

/** Asks whether to do what cannot be undone; the answer is a promise. */
export function ask(title, text, verb) {
  const dialog = find('ask');
  find('ask-title').textContent = title;
  find('ask-text').textContent = text;
  find('ask-yes').textContent = verb;
  return new Promise(resolve => {
    let isYes = false;
    find('ask-yes').onclick = () => { isYes = true; dialog.close(); };
    find('ask-no').onclick = () => dialog.close();
    dialog.addEventListener('close', () => resolve(isYes), { once: true });
    dialog.showModal();
  });
}
