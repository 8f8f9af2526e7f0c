import { CCometError } from './errors.js';
import { MAX_LENGTH } from './limits.js';

/**
 * Reads server-sent events out of the pieces in which they come: each call gives the events that a piece has made whole.
 * Each character is looked at once, however many pieces its line comes in.
 */
export function eventReader() {
  const decoder = new TextDecoder();
  let begun = []; // the pieces of a line that has not ended yet
  let event = {};
  let length = 0; // of the event, in characters
  const take = line => {
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1));
    if (field !== '') event[field] = field === 'data' && event.data !== undefined ? `${event.data}\n${value}` : value;
  };
  return piece => {
    const text = decoder.decode(piece, { stream: true });
    const whole = [];
    let from = 0;
    for (let to; (to = text.indexOf('\n', from)) >= 0; from = to + 1) {
      begun.push(text.slice(from, to));
      const line = begun.join('');
      begun = [];
      length += to + 1 - from;
      if (line === '' || line === '\r') {
        whole.push(event);
        event = {};
        length = 0;
      } else {
        take(line.endsWith('\r') ? line.slice(0, -1) : line);
      }
    }

    if (from < text.length) begun.push(text.slice(from));
    length += text.length - from;
    if (length > MAX_LENGTH) throw new CCometError('An event of the stream is too long.');
    return whole;
  };
}
