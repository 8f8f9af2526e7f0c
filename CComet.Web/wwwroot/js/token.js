// Who is at the page, for a server that lets in only callers with a token. The page that serves the chat says how one is had:
//   <body data-token-url="token">      an address of its own origin, which answers a POST with {"token":"…"}
//   window.ccometToken = async () => …  a function
// The token goes into no address and no storage.

/** Asks the page's own server. Nobody signed in there is nobody here: then what everybody may do can still be done. */
async function ask(address) {
  const url = new URL(address, document.baseURI);
  if (url.origin !== location.origin) throw new Error('data-token-url is not of the origin of this page.');
  const answer = await fetch(url, { method: 'POST', headers: { Accept: 'application/json' }, credentials: 'same-origin', cache: 'no-store' });
  if (answer.status === 401 || answer.status === 403) return null;
  if (!answer.ok) throw new Error(`${url.pathname} answers ${answer.status}.`);
  const { token } = await answer.json();
  return token ?? null;
}

function source() {
  if (typeof globalThis.ccometToken === 'function') return () => globalThis.ccometToken();
  const address = document.body.dataset.tokenUrl;
  return address ? () => ask(address) : undefined;
}

/** The token function of the page; undefined when it has none. */
export const token = source();

/** Why the server lets nobody in, in words for who is at the page. */
export function explain({ code, detail }) {
  if (code !== '401') return detail;
  return token ? `You are not signed in, or not any more. The server says: ${detail}` : `This server lets in only those who sign in, and this page has no way to. The server says: ${detail}`;
}
