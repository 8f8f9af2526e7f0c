// What the browser remembers of the chat. Private windows may forbid storage, and it may be full; then it is remembered for as
// long as the page lives.

/** The most channels that something is remembered of, and the most messages of each. */
const MAX_CHANNELS = 20;
const MAX_MESSAGES = 1_000;
const MAX_UNSENT = 50;

/** A map in a storage, which other tabs may write to. What was set longest ago goes when there is more than it may hold. */
function shelf(storage, name) {
  let spare = '[]';
  const read = () => {
    try { return new Map(JSON.parse(storage().getItem(name) ?? spare)); } catch { return new Map(JSON.parse(spare)); }
  };
  return {
    name,
    get: key => read().get(key),
    /** Sets what is kept under the key; undefined takes it away. */
    set(key, value) {
      const map = read();
      map.delete(key);
      if (value !== undefined) map.set(key, value);
      const entries = [...map].slice(-MAX_CHANNELS);
      spare = JSON.stringify(entries);
      try { storage().setItem(name, spare); } catch { /* as said above */ }
    },
  };
}

// Looked up when used: where storage is forbidden, even naming it throws.
const published = shelf(() => localStorage, 'ccomet.chat.published');
const drafts = shelf(() => sessionStorage, 'ccomet.chat.drafts');
const unsent = shelf(() => sessionStorage, 'ccomet.chat.unsent');

/** The name that was used last. */
export const nickname = {
  get() { try { return localStorage.getItem('ccomet.chat.nick') ?? ''; } catch { return ''; } },
  set(name) { try { localStorage.setItem('ccomet.chat.nick', name); } catch { /* It is asked for again. */ } },
};

/** What was typed and not sent, by channel. */
export const draft = {
  get: channel => drafts.get(channel) ?? '',
  set: (channel, text) => drafts.set(channel, text || undefined),
};

/** What was sent and not acknowledged, by channel: `{ id, nick, text, at }`, `at` in ms since 1970. A reload must not lose it. */
export const pending = {
  get: channel => unsent.get(channel) ?? [],
  add: (channel, entry) => unsent.set(channel, [...pending.get(channel).filter(({ id }) => id !== entry.id), entry].slice(-MAX_UNSENT)),
  remove(channel, id) {
    const rest = pending.get(channel).filter(entry => entry.id !== id);
    unsent.set(channel, rest.length > 0 ? rest : undefined);
  },
};

/**
 * Which messages of a channel this browser published by a name. The name alone tells nothing: two people may have the same.
 * A message is named by its epoch and seqid, `epoch:seqid`.
 * @param {(key: string) => void} added is called for each that another tab of this browser has published
 */
export function ownMessages(channel, nick, added) {
  const place = JSON.stringify([channel, nick]);
  const known = new Set();
  const load = () => {
    const { epoch, seqids = [] } = published.get(place) ?? {};
    return seqids.map(seqid => `${epoch}:${seqid}`).filter(key => !known.has(key) && known.add(key));
  };
  const onStorage = event => {
    if (event.key === published.name) load().forEach(added);
  };
  load();
  addEventListener('storage', onStorage);
  return {
    has: key => known.has(key),
    add(key) {
      if (known.has(key)) return;
      known.add(key);
      const [epoch, seqid] = key.split(':');
      const kept = published.get(place);
      const seqids = kept?.epoch === epoch ? kept.seqids : [];
      published.set(place, { epoch, seqids: [...seqids, Number(seqid)].slice(-MAX_MESSAGES) });
    },
    close: () => removeEventListener('storage', onStorage),
  };
}
