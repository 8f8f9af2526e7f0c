import { CCometError } from '../wire/errors.js';

/** Messages are lost: they are not kept any more, or the log began anew. It ends an iteration, unless there is `onGap`. */
export class GapError extends CCometError {
  name = 'GapError';
  constructor({ channel, from, to, reset, cursor }) {
    super(`Messages of ${channel} are lost, from ${from} to ${to ?? 'the end of its old log'}.`, { code: 'gap', channel, from, to, reset, cursor });
  }
}
