import { eventReader } from '../wire/events.js';
import { streamed } from './streams.js';

/**
 * Server-sent events. Not by EventSource: that one tells neither the signs of life, without which a stream that is kept back
 * somewhere looks like a quiet one, nor why it was refused.
 */
export const sse = /* @__PURE__ */ streamed('sse', 'text/event-stream', () => {
  const read = eventReader();
  return piece => {
    const events = read(piece);
    return {
      // A ticket is for those that cannot say who they are by a header.
      items: events.filter(({ event, data }) => data !== undefined && event !== 'ticket').map(({ event, data }) => {
        const item = JSON.parse(data);
        return event === 'refused' ? { type: String(item.code), reason: item.reason } : item;
      }),
      cursor: events.findLast(({ id }) => id !== undefined)?.id,
      retry: events.findLast(({ retry }) => retry)?.retry,
    };
  };
});
