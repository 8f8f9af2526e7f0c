/**
 * Moves a place over what came of a channel's log, and tells it: each message once and in order, each gap and each reset
 * before what is newer. The place is moved first, so that a listener reads the cursor behind its message.
 * @param {{ epoch: string|null, next: number|null }} place is changed
 * @param {object[]} items messages and notices as the server gave them
 * @param {{ epoch: string, next: number }|null|undefined} after the cursor behind them, if told
 * @param {(event: 'message'|'gap'|'reset', value: object) => void} emit is given the message, `{ from, to }` of a gap, `{ epoch, seqid }` of a reset
 * @param {() => boolean} isOver says that nothing more is to be told
 */
export function follow(place, items, after, emit, isOver) {
  if (after && place.epoch !== after.epoch && !items.some(item => item.type === 'RESET')) {
    const isReset = place.epoch !== null;
    Object.assign(place, { epoch: after.epoch, next: isReset ? null : place.next });
    if (isReset) emit('reset', { epoch: after.epoch, seqid: 0 });
  }

  const skipTo = seqid => {
    // The server tells of every gap; one that it did not tell must not pass in silence either.
    const from = place.next;
    place.next = seqid;
    if (from !== null && from < seqid) emit('gap', { from, to: seqid - 1 });
  };
  for (const item of items) {
    if (isOver()) return;
    if (item.type === 'RESET') {
      // Two connections overlap while one takes over from the other, and both tell of it.
      if (item.epoch === place.epoch) continue;
      Object.assign(place, { epoch: item.epoch, next: item.seqid });
      emit('reset', item);
    } else if (item.type === 'GAP') {
      skipTo(Math.max(place.next ?? 0, item.to + 1));
    } else if (item.type === 'CURSOR') {
      place.epoch ??= item.epoch;
      place.next ??= item.seqid;
    } else if (Number.isInteger(item.seqid) && item.seqid >= (place.next ?? 0)) {
      skipTo(item.seqid);
      place.next = item.seqid + 1;
      emit('message', item);
    }
  }

  if (after?.epoch === place.epoch && after.next > (place.next ?? -1)) skipTo(after.next);
}
