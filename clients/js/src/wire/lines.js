import { CCometError } from './errors.js';
import { MAX_LENGTH } from './limits.js';

/** Reads lines out of the pieces in which they come: each call gives the lines, but empty ones, that a piece has made whole. */
export function lineReader() {
  const decoder = new TextDecoder();
  let rest = '';
  return piece => {
    const text = decoder.decode(piece, { stream: true });
    rest += text;
    if (rest.length > MAX_LENGTH) throw new CCometError('A line is too long.');
    // Not looked at again with each piece of a long line.
    if (!text.includes('\n')) return [];
    const lines = rest.split('\n');
    rest = lines.pop();
    return lines.filter(line => line.trim());
  };
}
