import { LONGEST_PAUSE, LONGEST_PAUSE_TO_DATE } from './limits.js';

/** Why something was refused or failed. */
export class CCometError extends Error {
  name = 'CCometError';
  constructor(detail, { status = 0, code = String(status), title, parameter, retryAfter, cause } = {}) {
    super(detail, { cause });
    /** The HTTP status; 0 when there was no answer. */
    this.status = status;
    /** What is wrong, in the server's words. */
    this.detail = detail;
    /** The wire's own number: the status, but for 402 (a seqid beyond the end, HTTP 409). `token` when the token function failed. */
    this.code = code;
    /** The kind of error in a few words, if told. */
    this.title = title;
    /** The parameter at fault, if told. */
    this.parameter = parameter;
    /** When the server asks to be asked again, in ms from then, if told. */
    this.retryAfter = retryAfter;
    /** In how many ms the client itself tries again; undefined when it does not. */
    this.retryIn = undefined;
  }
}

export const isRefusal = item => /^[45]\d\d$/.test(item?.type);

/** A refusal that came as an element of an array. */
export const refusalOf = ({ type, reason }) => new CCometError(reason, { status: type === '402' ? 409 : Number(type), code: type });

/** A pause that the server told, in ms: undefined when it is no number, and bounded, as a timer of more than 24 days would end at once. */
export const readPause = (ms, longest = LONGEST_PAUSE) => (ms >= 0 ? Math.min(ms, longest) : undefined);

/** What an answer by HTTP that has not what was asked for says about the reason. */
export function refusalBy(env, answer, text) {
  let json = null;
  try { json = JSON.parse(text); } catch { /* Something between here and the server answered. */ }
  const after = answer.headers.get('Retry-After');
  const retryAfter = after === null ? undefined : readPause(Number(after) * 1000) ?? readPause(Date.parse(after) - env.wallTime(), LONGEST_PAUSE_TO_DATE);
  const own = json?.type?.startsWith?.('urn:ccomet:error:');
  return new CCometError(json?.detail ?? `The answer is no answer of CComet (HTTP ${answer.status}).`, {
    status: answer.status, code: own ? json.code : '', title: json?.title, parameter: json?.parameter, retryAfter,
  });
}
