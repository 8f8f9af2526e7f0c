import { encode, query } from '../wire/query.js';

/** Where the verbs are, for the modern options and for those of 2014. */
export function locator(env, options) {
  const absolute = url => new URL(url, env.document?.baseURI ?? env.window.location?.href).href;
  if (!options.sub_url) {
    const base = absolute(options.url ?? '/').replace(/[?#].*$/, '').replace(/\/$/, '');
    return { key: base, locate: (verb, params) => `${base}/${verb}?${query(params)}` };
  }

  const join = (url, params) => absolute(url + (url.includes('?') ? '&' : '?') + query(params)).replace(/&+$/, '');
  const locate = (verb, { channel, sname, seqid, msg, ...rest }) => {
    if (verb === 'sign') return join(options.sign_url, rest);
    if (verb === 'pub') return join(options.pub_url + encode(msg), rest);
    return join(seqid == null ? options.sub_url.replace(/[?&]seqid=$/, '') : options.sub_url + seqid, rest);
  };
  return { key: [options.sign_url, options.pub_url, options.sub_url].map(url => absolute(url ?? '')), locate };
}
