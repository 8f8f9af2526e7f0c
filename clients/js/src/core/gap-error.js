import { CCometError } from '../wire/errors.js';

/** Messages are lost: they are not kept any more, or the log began anew. It ends an iteration, unless there is `onGap`. */
export class GapError extends CCometError {
  name = 'GapError';
  constructor(gap) {
    super(`Messages of ${gap.channel} are lost, from ${gap.from} to ${gap.to ?? 'the end of its old log'}.`, { ...gap, code: 'gap' });
  }
}
