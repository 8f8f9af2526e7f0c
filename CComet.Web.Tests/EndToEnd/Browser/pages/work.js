// Counts the characters that the built-in functions of texts go over while `fn` runs, which the profiler does not see into.
globalThis.nativeWork = async fn => {
  let work = 0;
  const undo = [];
  const wrap = (owner, name, cost) => {
    const own = owner[name];
    owner[name] = function (...args) {
      const before = this?.lastIndex;
      const result = own.apply(this, args);
      work += cost(this, args, result, before);
      return result;
    };
    undo.push(() => { owner[name] = own; });
  };
  for (const name of ['split', 'replace', 'trim', 'trimEnd', 'includes', 'endsWith']) wrap(String.prototype, name, text => text.length);
  for (const name of ['slice', 'substring', 'repeat']) wrap(String.prototype, name, (text, args, result) => result.length);
  wrap(String.prototype, 'indexOf', (text, [, from = 0], result) => (result < 0 ? text.length : result) - from);
  wrap(RegExp.prototype, 'exec', (regex, [text], result, before) => (regex.global && result ? regex.lastIndex - before : text.length));
  wrap(Array.prototype, 'join', (array, args, result) => result.length);
  wrap(TextDecoder.prototype, 'decode', (decoder, args, result) => result.length);
  wrap(JSON, 'parse', (json, [text]) => text.length);
  wrap(JSON, 'stringify', (json, args, result) => result?.length ?? 0);
  wrap(document, 'createElement', () => 1);
  wrap(Element.prototype, 'append', (element, args) => args.length);
  wrap(Element.prototype, 'replaceChildren', (element, args) => args.length);
  try { await fn(); } finally { undo.reverse().forEach(one => one()); }
  return work;
};
