import { CCometError, connect, type Gap } from 'ccomet';

const CHANNEL = 'lobby';
const SAVED = `ccomet.cursor.${CHANNEL}`;

function element<T extends Element>(selector: string): T {
  const found = document.querySelector<T>(selector);
  if (!found) throw new Error(`The page has no ${selector}.`);
  return found;
}

const status = element<HTMLElement>('[role=status]');
const alert = element<HTMLElement>('[role=alert]');
const log = element<HTMLOListElement>('[role=log]');
const form = element<HTMLFormElement>('form');
const input = element<HTMLInputElement>('[name=text]');

function show(text: string, kind: 'message' | 'gap'): void {
  const line = document.createElement('li');
  line.className = kind;
  line.textContent = text;
  log.append(line);
}

function showGap({ from, to, reset }: Gap): void {
  show(reset ? `The log began anew; messages from ${from} on are lost.` : `Messages ${from} to ${to} are lost.`, 'gap');
}

function explain(error: unknown): string {
  return error instanceof CCometError ? error.detail : String(error);
}

const client = connect(import.meta.env.VITE_PUSH_URL);

/** Follows the channel from where this browser left it the last time, for as long as the page is open. */
async function follow(): Promise<void> {
  const room = client.subscribe<unknown>(CHANNEL, { from: localStorage.getItem(SAVED) ?? 'start', onGap: showGap });
  status.textContent = room.state;
  room.on('state', state => { status.textContent = state; });
  room.on('error', error => { alert.textContent = error.detail; });
  for await (const message of room) {
    alert.textContent = '';
    show(typeof message.msg === 'string' ? message.msg : JSON.stringify(message.msg), 'message');
    localStorage.setItem(SAVED, message.cursor);
  }
}

form.addEventListener('submit', async event => {
  event.preventDefault();
  try {
    await client.publish(CHANNEL, input.value);
    form.reset();
    alert.textContent = '';
  } catch (error) {
    alert.textContent = explain(error);
  }
});

// What ends the loop is final, such as a missing right; what passes is tried again by the client.
follow().catch(error => { alert.textContent = explain(error); });
