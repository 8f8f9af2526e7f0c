import { LONGEST_PAUSE, LONGEST_PAUSE_TO_DATE } from './limits.js';

/** Why something was refused or failed. */
export class CCometError extends Error {
  name = 'CCometError';

  /**
   * @param {string} detail what is wrong, in the server's words
   * @param {object} [how]
   * @param {number} [how.status=0] the HTTP status; 0 when there was no answer
   * @param {string} [how.code] the wire's own number: the status, but for 402 (a seqid beyond the end, HTTP 409). `token` when the token function failed
   * @param {string} [how.title] the kind of error in a few words, if told
   * @param {string} [how.parameter] the parameter at fault, if told
   * @param {number} [how.retryAfter] when the server asks to be asked again, in ms from then, if told
   */
  constructor(detail, { status = 0, code = `${status}`, cause, ...how } = {}) {
    super(detail, { cause });
    // Where the client itself tries again, `retryIn` is set to in how many ms.
    Object.assign(this, { status, code, detail, ...how });
  }
}

export const isRefusal = item => /^[45]\d\d$/.test(item?.type);

/** A refusal that came as an element of an array. */
export const refusalOf = ({ type, reason }) => new CCometError(reason, { status: type === '402' ? 409 : Number(type), code: type });

/** A pause that the server told, in ms: undefined when it is no number, and bounded, as a timer of more than 24 days would end at once. */
export const readPause = (ms, longest = LONGEST_PAUSE) => (ms >= 0 ? Math.min(ms, longest) : undefined);

/** When an answer asks to be asked again, in ms from now, told as seconds or as a date; undefined when it does not. */
export function retryAfterOf({ headers }, wallTime) {
  const after = headers.get('Retry-After');
  return after === null ? undefined : readPause(Number(after) * 1000) ?? readPause(Date.parse(after) - wallTime, LONGEST_PAUSE_TO_DATE);
}

/** What an answer by HTTP that has not what was asked for says about the reason; `json` is its body, if that is JSON. */
export function refusalBy({ status }, json, retryAfter) {
  return new CCometError(json?.detail ?? `HTTP ${status}: no answer of CComet.`, {
    status,
    code: json?.type?.startsWith?.('urn:ccomet:error:') ? json.code : '',
    title: json?.title,
    parameter: json?.parameter,
    retryAfter,
  });
}
