/**
 * Moves a place over what came of a channel's log, and tells it: each message once and in order, each gap and each reset
 * before what is newer. The place is moved first, so that a listener reads the cursor behind its message.
 * @param {{ epoch: string|null, next: number|null }} place is changed
 * @param {object[]} items messages and notices as the server gave them
 * @param {{ epoch: string, next: number }|null|undefined} after the cursor behind them, if told
 * @param {(event: 'message'|'gap'|'reset', value: object, before?: object) => void} emit is given the message, `{ from, to }` of a gap,
 * `{ epoch, seqid }` of a reset and the place before it
 * @param {() => boolean} isOver says that nothing more is to be told
 */
export function follow(place, items, after, emit, isOver) {
  const reset = (epoch, seqid, next) => {
    const before = { ...place };
    Object.assign(place, { epoch, next });
    emit('reset', { epoch, seqid }, before);
  };
  const skipTo = seqid => {
    // The server tells of every gap; one that it did not tell must not pass in silence either.
    const from = place.next;
    place.next = seqid;
    if (from !== null && from < seqid) emit('gap', { from, to: seqid - 1 });
  };

  if (after && place.epoch !== after.epoch && !items.some(item => item.type === 'RESET')) {
    if (place.epoch === null) place.epoch = after.epoch;
    else reset(after.epoch, 0, null);
  }

  for (const item of items) {
    if (isOver()) return;
    if (item.type === 'RESET') {
      // Two connections overlap while one takes over from the other, and both tell of it.
      if (item.epoch !== place.epoch) reset(item.epoch, item.seqid, item.seqid);
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
