/** A value may be an array, and is then repeated; one that is null is left out, but in an array it keeps its place. */
export const query = params => new URLSearchParams(Object.entries(params)
  .flatMap(([name, value]) => [value ?? []].flat().map(one => [name, one ?? '']))).toString();

/** As part of a query; half a surrogate pair becomes U+FFFD, where encodeURIComponent would throw. */
export const encode = text => query({ '': text }).slice(1);

/** As the server repeats it: with half a surrogate pair become U+FFFD. */
export const asSent = text => new URLSearchParams({ '': text }).get('');
