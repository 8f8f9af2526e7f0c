import { get, post } from './api.js';
import { ask, bytes, duration, find, make, number, on, tell } from './dom.js';
import { createTable } from './table.js';

const drains = new Map();

let self = null;

const nameOf = ({ host, node, self: isSelf }) => `${host} · ${node}${isSelf ? ' (this one)' : ''}`;

const table = createTable(find('node-list'), {
  caption: 'Nodes that share the store',
  key: ({ node }) => node,
  columns: [
    { title: 'Node', text: nameOf },
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
  self = nodes[0] ?? null;
  table.show(nodes);
  for (const node of nodes) showDrain(node);
  for (const node of drains.keys()) {
    if (!nodes.some(known => known.node === node)) showDrain({ node, draining: false });
  }
}

/** Shows how far the drain of this node is: its figures come more often than the list of nodes. */
export function takeDrain({ draining, drain }) {
  if (self !== null) showDrain({ ...self, draining, drain });
}

function showDrain({ node, draining, drain, ...rest }) {
  let row = drains.get(node);
  if (!draining) {
    row?.element.remove();
    drains.delete(node);
  } else {
    if (!row) drains.set(node, row = createDrain(nameOf({ node, ...rest })));
    const [of, left] = [drain?.of ?? 0, drain?.left ?? 0];
    row.bar.max = Math.max(of, 1);
    row.bar.value = of === 0 ? 1 : Math.max(of - left, 0);
    row.bar.hidden = !drain;
    const text = drain ? `${number(Math.max(of - left, 0))} of ${number(of)} were sent away; ${number(left)} are left.` : 'It drains, and does not tell how many are left.';
    if (row.text.textContent !== text) row.text.textContent = text;
  }

  find('no-drain').hidden = drains.size > 0;
}

function createDrain(name) {
  const bar = make('progress');
  bar.setAttribute('aria-label', `Drain of ${name}`);
  const text = make('p', { className: 'soft' });
  text.setAttribute('role', 'status');
  const element = make('li', {}, make('strong', { textContent: name }), bar, text);
  find('drains').append(element);
  return { element, bar, text };
}

function addDrain(cell, { node, host }) {
  if (cell.firstChild) return;
  const name = `${host} · ${node}`;
  const button = make('button', { type: 'button', className: 'danger', textContent: 'Drain…' });
  button.setAttribute('aria-label', `Drain… ${name}`);
  on(button, 'click', async () => {
    if (!await ask(`Drain ${node}?`, `Has the node ${name}${node === self?.node ? ', which serves this page,' : ''} send all its subscribers away. It is not ready for new ones until it is started again.`, 'Drain')) return;
    await post('drain', { node });
    tell(`Drain of ${name} has begun.`);
    await showNodes();
  });
  cell.append(button);
}
