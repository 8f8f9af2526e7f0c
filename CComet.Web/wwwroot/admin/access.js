import { post } from './api.js';
import { ask, count, find, make, on, required, tell } from './dom.js';

on(find('kick'), 'submit', async () => {
  const user = required('kick-user');
  if (!await ask(`Kick ${user}?`, `Ends all connections of the user ${user} on every node. Clients come back.`, 'Kick')) return;
  const { connections } = await post('kick', { user });
  tell(`Kicked ${user}: ${count(connections, 'connection')} on this node.`);
});

on(find('revoke'), 'submit', async () => {
  const [by, value] = [find('revoke-by').value, required('revoke-value')];
  const what = { sub: `all tokens of the user ${value} that were issued until now`, jti: `the token ${value}`, channel: `what tokens issued until now give on the channel ${value}` }[by];
  if (!await ask(`Revoke ${value}?`, `Revokes ${what}, on every node. What is open by it ends at once. This cannot be undone.`, 'Revoke')) return;
  await post('revoke', { [by]: value });
  tell(`Revoked: ${what}.`);
});

on(find('explain'), 'submit', async () => {
  const token = find('explain-token').value.trim();
  const answer = await post('explain', { verb: find('explain-verb').value, channel: required('explain-channel'), ...token !== '' && { token } });
  const rows = [make('p', {}, make('strong', { textContent: answer.allowed ? 'Allowed' : 'Not allowed' }), ': ', answer.reason)];
  if (answer.by) rows.push(make('p', { textContent: `By: ${answer.by}` }));
  if (answer.considered) rows.push(make('p', { textContent: 'Considered, and does not match:' }), make('ul', {}, ...answer.considered.map(text => make('li', { textContent: text }))));
  find('explained').replaceChildren(...rows);
  tell('Explained.');
});

/** Forgets what was entered. */
export function leaveAccess() {
  find('explain-token').value = '';
  find('explained').replaceChildren();
}
