import { Connection } from './connection.js';
import { Credentials } from './credentials.js';
import { Ladder } from './ladder.js';
import { TabMember } from './tab-member.js';
import { canShare, TabGroup } from '../tabs/group.js';

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

/** What a member joins: a connection that has room for it, one that is there or a new one; or its place among the tabs that share one. */
export function connect(owner, env, member, { key: parts, url, token, tabs, ...how }) {
  if (!pools.has(owner)) pools.set(owner, { connections: new Map(), ladders: new Map(), functions: new WeakMap(), groups: new Map() });
  const { connections, ladders, functions, groups } = pools.get(owner);
  const credentials = credentialsOf(env, url, functions, token);
  const by = typeof token === 'function' ? credentials.id : token ?? null;
  if (!ladders.has(url)) ladders.set(url, new Ladder());

  /** A connection; of a group, it asks nothing before `enter`. */
  const open = (one, group, enter) => {
    const key = JSON.stringify([...parts, by, group]);
    for (const connection of connections.get(key) ?? []) if (connection.hasRoomFor(one)) return connection;
    return new Connection(env, {
      ...how,
      credentials,
      ladder: ladders.get(url),
      enter,
      used: connection => {
        if (!connections.has(key)) connections.set(key, new Set());
        connections.get(key).add(connection);
      },
      left: connection => {
        const shared = connections.get(key);
        shared.delete(connection);
        if (shared.size === 0) connections.delete(key);
      },
    });
  };

  if (tabs === false || how.alone || how.sname !== undefined || !canShare(env)) return open(member, null);
  // Who publishes by another name may follow with the others all the same.
  const [address, transport, , , cookies] = parts;
  const common = [address, transport, cookies, tabs];
  const name = JSON.stringify([...common, by]);
  if (!groups.has(name)) groups.set(name, new TabGroup(env, { parts: common, identify: async () => credentials?.identify() ?? '', left: () => groups.delete(name) }));
  const group = groups.get(name);
  return new TabMember(env, group, member, (one, isAlone = false) => (isAlone ? open(one, null) : open(one, tabs, () => group.enter())));
}
