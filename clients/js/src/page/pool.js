import { Connection } from './connection.js';
import { Credentials } from './credentials.js';
import { Ladder } from './ladder.js';
import { TabLine } from './tab-line.js';
import { canShare } from '../tabs/group.js';

/** The connections and ladders of the page, by what they use of the browser: who brings his own shares with nobody else. */
const pools = new WeakMap();

/** The credentials of a url by their token function, which is asked for all its connections together. */
function credentialsOf(env, url, functions, token) {
  if (typeof token !== 'function') return token == null ? undefined : new Credentials(env, token);
  if (!functions.has(token)) functions.set(token, new Map());
  const byUrl = functions.get(token);
  if (!byUrl.has(url)) byUrl.set(url, new Credentials(env, token));
  return byUrl.get(url);
}

/** A connection that has room for a member: one that is there, or a new one. */
export function connect(owner, env, member, { key: parts, url, token, tabs, ...how }) {
  if (!pools.has(owner)) pools.set(owner, { connections: new Map(), ladders: new Map(), functions: new WeakMap(), tabs: new Map() });
  const { connections, ladders, functions, tabs: tabLines } = pools.get(owner);
  const credentials = credentialsOf(env, url, functions, token);
  const key = JSON.stringify([...parts, typeof token === 'function' ? credentials.id : token ?? null]);
  if (tabs && !how.alone && how.sname === undefined && canShare(env)) {
    const shared = JSON.stringify([key, tabs]);
    // Who does not follow by a name may follow with those who publish by another.
    const [address, transport, , , cookies] = parts;
    const open = one => connect(owner, env, one, { key: parts, url, token, ...how });
    if (!tabLines.has(shared)) tabLines.set(shared, new TabLine(env, [address, transport, cookies, tabs], open, () => tabLines.delete(shared)));
    return tabLines.get(shared);
  }

  if (!ladders.has(url)) ladders.set(url, new Ladder());
  if (!connections.has(key)) connections.set(key, new Set());
  const shared = connections.get(key);
  for (const connection of shared) if (connection.hasRoomFor(member)) return connection;
  const left = one => {
    shared.delete(one);
    if (shared.size === 0) connections.delete(key);
  };
  const connection = new Connection(env, { ...how, credentials, ladder: ladders.get(url), left });
  shared.add(connection);
  return connection;
}
