import { CCometError } from './errors.js';
import { MAX_LENGTH } from './limits.js';

/** Reads lines out of the pieces in which they come: each call gives the lines, but empty ones, that a piece has made whole. */
export function lineReader() {
  const decoder = new TextDecoder();
  let begun = []; // the pieces of a line that has not ended yet
  let length = 0;
  return piece => {
    const lines = decoder.decode(piece, { stream: true }).split('\n');
    const last = lines.length - 1;
    const whole = [];
    lines.forEach((text, i) => {
      begun.push(text);
      length += text.length;
      if (length > MAX_LENGTH) throw new CCometError('A line of the stream is too long.');
      if (i === last) return;
      const line = begun.join('').trim();
      begun = [];
      length = 0;
      if (line) whole.push(line);
    });
    return whole;
  };
}
