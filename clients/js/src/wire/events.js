import { CCometError } from './errors.js';
import { MAX_LENGTH } from './limits.js';

/**
 * Reads server-sent events out of the pieces in which they come: each call gives the events that a piece has made whole.
 * Each character is looked at once, however many pieces its line comes in.
 */
export function eventReader() {
  const decoder = new TextDecoder();
  let begun = []; // the pieces of a line that has not ended yet
  let isAfterCr = false; // an LF that comes first belongs to the end of the line before
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
    if (text === '') return [];
    const whole = [];
    const ends = /\r\n?|\n/g;
    let from = ends.lastIndex = isAfterCr && text[0] === '\n' ? 1 : 0;
    isAfterCr = text.endsWith('\r');
    for (let end; (end = ends.exec(text)); from = ends.lastIndex) {
      begun.push(text.slice(from, end.index));
      const line = begun.join('');
      begun = [];
      length += ends.lastIndex - from;
      if (line === '') {
        whole.push(event);
        event = {};
        length = 0;
      } else {
        take(line);
      }
    }

    if (from < text.length) begun.push(text.slice(from));
    length += text.length - from;
    if (length > MAX_LENGTH) throw new CCometError('An event of the stream is too long.');
    return whole;
  };
}
