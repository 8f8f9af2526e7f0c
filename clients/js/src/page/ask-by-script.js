import { CCometError } from '../wire/errors.js';

/** Asks by a script element (JSONP): for pages that fetch does not let through. */
export function askByScript(env, { url, signal }) {
  return new Promise((resolve, reject) => {
    const name = `ccomet_${env.newId().replace(/\W/g, '_')}`;
    const script = env.document.createElement('script');
    const fail = cause => reject(new CCometError('The server cannot be reached.', { cause }));
    env.window[name] = text => {
      try { resolve({ items: JSON.parse(text), cursor: null, retry: null }); } catch (cause) { fail(cause); }
    };
    // A script that has run has called back before its load event; then fail() comes too late to matter.
    script.onload = script.onerror = () => { delete env.window[name]; script.remove(); fail(); };
    // A browser runs a script that it has begun to fetch even when the element is gone, so the name stays until it has.
    signal.addEventListener('abort', () => { env.window[name] = () => {}; script.remove(); fail(); }, { once: true });
    script.async = true;
    script.src = `${url}&callback=${name}`;
    env.document.head.append(script);
  });
}
