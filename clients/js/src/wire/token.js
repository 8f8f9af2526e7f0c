/** The characters of a token, as RFC 6750 has them. */
export const TOKEN = /^[\w.~+/-]+=*$/;

/**
 * A token's life in ms, from when it was asked for; Infinity when it is not known. `told` is its end in ms since 1970, as the
 * server told it; without that the token is read, which verifies nothing. The page's clock may be wrong: a life that would be
 * over, though the server has just taken the token, does not count, nor does one above what the token says of itself.
 */
export function lifeOf(token, asked, told) {
  let claims = {};
  try { claims = JSON.parse(atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/'))); } catch { /* The server knows. */ }
  const lives = [(told ?? claims.exp * 1000) - asked.wallTime, (claims.exp - claims.iat) * 1000].filter(life => life > 0);
  return Math.min(...lives);
}
