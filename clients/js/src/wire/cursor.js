/** Where a poll begins: the log's epoch and the next seqid wanted, both null for "from now on". */
export const nowhere = () => ({ epoch: null, next: null });

export const readCursor = (text, decode = epoch => epoch) => {
  const parts = /^(.+):(\d+)$/.exec(text ?? '');
  return parts && { epoch: decode(parts[1]), next: Number(parts[2]) };
};

/** A cursor among several, whose epoch is percent-encoded. */
export const readOneOf = text => readCursor(text, decodeURIComponent);

/**
 * The cursors of an answer, in the order of the channels asked for: `epoch:seqid,…` in that order, or in any order
 * `name=epoch:seqid,…` with names percent-encoded, as are epochs where there are several. Where none is told there is none.
 */
export const readCursors = (text, channels) => {
  if (channels.length === 1) return [readCursor(text)];
  const parts = (text ?? '').split(',', channels.length + 1);
  if (!parts.every(part => part.includes('='))) return parts.length === channels.length ? parts.map(readOneOf) : [];
  const named = new Map(parts.map(part => part.split('=', 2)).map(([name, cursor]) => [decodeURIComponent(name), readOneOf(cursor)]));
  return channels.map(channel => named.get(channel));
};
