/** The characters of a token, as RFC 6750 has them. */
export const TOKEN = /^[\w.~+/-]+=*$/;

/** What a token says, which verifies nothing; empty when it cannot be read. */
function claimsOf(token) {
  try { return JSON.parse(atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/'))) ?? {}; } catch { return {}; }
}

/** Whom a token is of, and what it lets him do: all it says, but for what differs from token to token. One that cannot be read is its own. */
export function subjectOf(token) {
  const { exp, iat, nbf, jti, ...rest } = claimsOf(token);
  return Object.keys(rest).length > 0 ? JSON.stringify(Object.entries(rest).sort()) : token;
}

/**
 * A token's life in ms, from when it was asked for; Infinity when it is not known. `told` is its end in ms since 1970, as the
 * server told it; without that the token is read, which verifies nothing. The page's clock may be wrong: a life that would be
 * over, though the server has just taken the token, does not count, nor does one above what the token says of itself.
 */
export function lifeOf(token, asked, told) {
  const claims = claimsOf(token);
  const lives = [(told ?? claims.exp * 1000) - asked, (claims.exp - claims.iat) * 1000].filter(life => life > 0);
  return Math.min(...lives);
}
