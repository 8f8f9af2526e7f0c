import { get, pathOf, post } from './api.js';
import { ask, bytes, count, figures, find, number, on, tell, time } from './dom.js';
import { clearMessages, follow, show } from './messages.js';
import { createTable } from './table.js';

const transports = createTable(find('channel-transports'), {
  caption: 'Subscribers by transport',
  key: ({ name }) => name,
  columns: [
    { title: 'Transport', text: ({ name }) => name },
    { title: 'This node', isNumber: true, text: ({ here }) => number(here) },
    { title: 'All nodes', isNumber: true, text: ({ all }) => number(all) },
  ],
});

let channel = '';

/** Shows a channel. */
export async function showChannel(name) {
  if (name !== channel) {
    clearMessages();
    channel = name;
    find('channel-title').textContent = name;
    draw(null);
  }

  const asked = name;
  try {
    const answer = await get(pathOf(asked));
    if (asked === channel) draw(answer);
  } catch (error) {
    // A channel that is not there yet can be published to.
    if (asked === channel && error.status === 404) draw(null);
    throw error;
  }
}

/** Leaves the channel's view. */
export function leaveChannel() {
  channel = '';
  clearMessages();
}

function draw(answer) {
  const of = (value, format) => value === undefined || value === null ? '–' : format(value);
  figures(find('facts'), {
    First: of(answer?.first, String),
    Next: of(answer?.next, String),
    Size: of(answer?.bytes, bytes),
    Newest: of(answer?.time, time),
    Epoch: of(answer?.epoch, String),
  });
  const [all, here] = [answer?.subscribers ?? {}, answer?.here ?? {}];
  transports.show([['All', 'total'], ['Long poll', 'poll'], ['JSONP', 'jsonp'], ['SSE', 'sse'], ['Stream', 'stream'], ['WebSocket', 'websocket']]
    .map(([name, key]) => ({ name, all: all[key] ?? 0, here: here[key] ?? 0 })));
  find('silent').textContent = answer?.silentNodes ? `${count(answer.silentNodes, 'node')} did not answer: the subscribers there are not counted.` : '';
}

/** Asks first; then does it, tells what was done, and shows the channel again. */
async function change(title, text, verb, run) {
  const name = channel;
  if (!await ask(title, text, verb) || name !== channel) return;
  tell(await run(name));
  if (name !== channel) return;
  await showChannel(name).catch(error => {
    // A channel that has been cleared is no more, unless somebody subscribes.
    if (error.status !== 404) throw error;
  });
}

on(find('refresh'), 'click', async () => {
  await showChannel(channel);
  tell('Shown anew.');
});
on(find('clear'), 'click', () => change(`Clear ${channel}?`, `Drops all messages of the channel ${channel}. Its subscribers are told RESET. This cannot be undone.`, 'Clear', async name => {
  const { cleared } = await post(pathOf(name, '/clear'));
  return `Cleared ${name}: ${count(cleared, 'message')} dropped.`;
}));
on(find('close'), 'click', () => change(`Close ${channel}?`, `Ends all subscribers of the channel ${channel} on every node. Its messages stay.`, 'Close', async name => {
  const { subscribers } = await post(pathOf(name, '/close'));
  return `Closed ${name}: ${count(subscribers, 'subscriber')} ended on this node.`;
}));
on(find('kick-channel'), 'click', () => change(`Kick all from ${channel}?`, `Ends all connections to the channel ${channel} on every node. Clients come back.`, 'Kick', async name => {
  const { connections } = await post('kick', { channel: name });
  return `Kicked from ${name}: ${count(connections, 'connection')} on this node.`;
}));
on(find('publish'), 'submit', async () => {
  const [name, text] = [channel, find('text').value];
  let msg = text;
  if (find('is-json').checked) {
    try {
      msg = JSON.parse(text);
    } catch (error) {
      find('text').focus();
      throw new Error(`Message: is not valid JSON: ${error.message}`, { cause: error });
    }
  }

  const [{ seqid }] = await post(pathOf(name, '/publish'), { msg, ...find('sname').value !== '' && { sname: find('sname').value } });
  find('text').value = '';
  tell(`Published to ${name} as number ${seqid}.`);
  if (name === channel) await showChannel(name);
});
on(find('show'), 'click', () => show(channel));
find('follow').addEventListener('click', () => follow(channel));
