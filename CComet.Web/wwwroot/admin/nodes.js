import { get, post } from './api.js';
import { ask, bytes, duration, find, make, number, on, tell } from './dom.js';
import { createTable } from './table.js';

let self = null;

const table = createTable(find('node-list'), {
  caption: 'Nodes that share the store',
  key: ({ node }) => node,
  columns: [
    { title: 'Node', text: ({ host, node, self: isSelf }) => `${host} · ${node}${isSelf ? ' (this one)' : ''}` },
    { title: 'Drain', fill: addDrain },
    { title: 'State', text: ({ draining }) => draining ? 'draining' : 'serves' },
    { title: 'Last word', isNumber: true, text: ({ heard, self: isSelf }) => isSelf ? 'now' : `${duration(heard)} ago` },
    { title: 'Subscribers', isNumber: true, text: ({ subscribers }) => number(subscribers) },
    { title: 'Channels', isNumber: true, isFew: true, text: ({ channels }) => number(channels) },
    { title: 'Memory', isNumber: true, isFew: true, text: ({ memory }) => bytes(memory) },
    { title: 'Up', isNumber: true, isFew: true, text: ({ since }) => duration(Math.max(0, Date.now() - since)) },
    { title: 'Version', isFew: true, text: ({ version }) => version },
  ],
});

/** Shows the nodes. */
export async function showNodes() {
  const { nodes } = await get('nodes');
  self = nodes[0]?.node ?? null;
  table.show(nodes);
}

/** Shows how far the drain of this node is. */
export function takeDrain({ draining, drain }) {
  const bar = find('drain');
  const [of, left] = [drain?.of ?? 0, drain?.left ?? 0];
  bar.max = Math.max(of, 1);
  bar.value = !draining ? 0 : of === 0 ? 1 : Math.max(of - left, 0);
  const text = draining ? `${number(Math.max(of - left, 0))} of ${number(of)} were sent away; ${number(left)} are left.` : 'No drain.';
  if (find('drain-text').textContent !== text) find('drain-text').textContent = text;
}

function addDrain(cell, { node, host }) {
  if (cell.firstChild) return;
  const name = `${host} · ${node}`;
  const button = make('button', { type: 'button', className: 'danger', textContent: 'Drain…' });
  button.setAttribute('aria-label', `Drain… ${name}`);
  on(button, 'click', async () => {
    if (!await ask(`Drain ${node}?`, `Has the node ${name}${node === self ? ', which serves this page,' : ''} send all its subscribers away. It is not ready for new ones until it is started again.`, 'Drain')) return;
    await post('drain', { node });
    tell(`Drain of ${name} has begun.`);
    await showNodes();
  });
  cell.append(button);
}
