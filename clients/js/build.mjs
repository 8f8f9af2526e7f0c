// Builds what is published and what the server ships:
//   dist/                                 ES modules, CommonJS, and their types
//   CComet.Web/wwwroot/js/ccomet.js       the bundle of a script tag, checked in, and ccomet.d.ts beside it
// `node build.mjs dist` builds the former alone; `node build.mjs bundle FILE` writes the latter alone, to FILE and beside it.

import { build } from 'esbuild';
import { minify } from 'terser';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const at = path => fileURLToPath(new URL(path, import.meta.url));

/** What the modules of src/core/ have in common under names that begin with _ is nobody else's. */
const common = { bundle: true, target: 'es2022', charset: 'utf8', logLevel: 'warning', absWorkingDir: at('.'), mangleProps: /^_[a-z]/ };

const bundle = outfile => build({
  ...common,
  entryPoints: ['src/browser.js'],
  format: 'iife',
  minify: true,
  banner: { js: '/*! CComet in a page: follow a channel, publish to it, miss nothing. Types and examples: ccomet.d.ts. Built from clients/js by `npm run build`. */' },
  outfile,
});

/** The types of the package's page, declared as globals. */
function globalTypes(outfile) {
  const [, ...lines] = readFileSync(at('types/page.d.ts'), 'utf8').trimEnd().split('\n');
  const head = [
    "// Types of ccomet.js: `import CComet from './ccomet.mjs'`, or the global CComet of a script tag",
    "// (`/// <reference path=\"ccomet.d.ts\" />`, or `import './ccomet.js'`).",
  ];
  writeFileSync(outfile, `${[...head, ...lines.map(line => line.replace(/^export declare /, 'declare '))].join('\n')}\n`);
}

/** Made small here, so that it is small without a bundler as well. */
async function library(name, format, file) {
  const { outputFiles: [{ text }] } = await build({ ...common, entryPoints: [`src/${name}.js`], format, write: false, outfile: file });
  const { code } = await minify(text, { module: true, ecma: 2020, compress: { passes: 3 }, mangle: true, format: { comments: /@__PURE__|@license/, preserve_annotations: true } });
  writeFileSync(at(file), `${code}\n`);
}

const [what, file = '../../CComet.Web/wwwroot/js/ccomet.js'] = process.argv.slice(2);
if (what !== 'bundle') {
  rmSync(at('dist'), { recursive: true, force: true });
  mkdirSync(at('dist'));
  for (const name of ['index', 'page']) {
    await library(name, 'esm', `dist/${name}.js`);
    await library(name, 'cjs', `dist/${name}.cjs`);
    for (const kind of ['d.ts', 'd.cts']) copyFileSync(at(`types/${name}.d.ts`), at(`dist/${name}.${kind}`));
  }
}

if (what !== 'dist') {
  const outfile = resolve(at('.'), file);
  await bundle(outfile);
  globalTypes(outfile.replace(/\.js$/, '.d.ts'));
}
