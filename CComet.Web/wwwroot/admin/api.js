// Asks the server. The token is in a variable of this module alone: in no storage, and in no address.

let token = null;
let onSignedOut = () => {};

/** A refusal: its text is for people. */
export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Sets the token; null for none. */
export function setToken(value) { token = value; }

/** Whether there is one. */
export const hasToken = () => token !== null;

/** Calls a function when the server does not take the token any more. */
export function whenSignedOut(call) { onSignedOut = call; }

/** Sends a request with the token; throws a Refusal for any answer but 2xx. */
export async function request(path, { method = 'GET', json, signal } = {}) {
  const headers = { Accept: 'application/json, text/event-stream' };
  if (token !== null) headers.Authorization = `Bearer ${token}`;
  if (json !== undefined) headers['Content-Type'] = 'application/json';
  const sent = token;
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: json === undefined ? undefined : JSON.stringify(json), credentials: 'same-origin', cache: 'no-store', signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refusal(0, 'The server cannot be reached.');
  }

  if (answer.ok) return answer;
  const refusal = new Refusal(answer.status, await explain(answer));
  if (answer.status === 401 && sent === token) onSignedOut(refusal.message);
  throw refusal;
}

/** Asks for JSON. */
export const get = async (path, signal) => (await request(path, { signal })).json();

/** Posts JSON, and returns the answer's. */
export const post = async (path, json = {}) => (await request(path, { method: 'POST', json })).json();

/** The path of a channel's administration. */
export function pathOf(channel, action = '') {
  // Browsers take these for steps in a path, percent-encoded too.
  if (channel === '.' || channel === '..') throw new Refusal(400, `A browser cannot ask for the channel '${channel}': it takes the name for a step in the path. curl --path-as-is can.`);
  return `channels/${encodeURIComponent(channel)}${action}`;
}

/** Reads server-sent events: yields the event, the id and the data of each. */
export async function* events(answer, onBytes = () => {}) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    while (true) {
      const { value, done } = await reader.read();
      if (done) return;
      onBytes();
      const blocks = (rest + value).split('\n\n');
      rest = blocks.pop();
      for (const block of blocks) {
        const event = { event: 'message', id: null, data: null };
        for (const line of block.split('\n')) {
          const colon = line.indexOf(': ');
          const [name, text] = colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 2)];
          if (name === 'data') event.data = event.data === null ? text : `${event.data}\n${text}`;
          else if (name === 'event' || name === 'id') event[name] = text;
        }

        yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

async function explain(answer) {
  let detail = '';
  try {
    detail = (await answer.json()).detail ?? '';
  } catch {
    // Not the server's own words: a proxy's page, or nothing.
  }

  if (answer.status === 401) return `Not signed in: the server does not take this token, or asks for one. ${detail}`.trim();
  if (answer.status === 403) return `Not allowed: ${detail || 'the server refuses this.'}`;
  return detail || `The server answers ${answer.status}.`;
}
