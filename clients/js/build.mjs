// Builds what is published and what the server ships:
//   dist/                                 ES modules, CommonJS, and their types
//   CComet.Web/wwwroot/js/ccomet.js       the bundle of a script tag, checked in
// `node build.mjs --bundle FILE` writes the bundle alone, to FILE.

import { build } from 'esbuild';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = path => fileURLToPath(new URL(path, import.meta.url));
const common = { bundle: true, target: 'es2022', charset: 'utf8', logLevel: 'warning', absWorkingDir: at('.') };

const bundle = outfile => build({
  ...common,
  entryPoints: ['src/browser.js'],
  format: 'iife',
  minify: true,
  banner: { js: '/*! CComet in a page: follow a channel, publish to it, miss nothing. Types and examples: ccomet.d.ts. Built from clients/js by `npm run build`. */' },
  outfile,
});

const [flag, file] = process.argv.slice(2);
if (flag === '--bundle') {
  await bundle(file);
} else {
  rmSync(at('dist'), { recursive: true, force: true });
  mkdirSync(at('dist'));
  const entryPoints = ['src/index.js', 'src/page.js'];
  await build({ ...common, entryPoints, format: 'esm', splitting: true, chunkNames: 'shared-[hash]', outdir: 'dist' });
  await build({ ...common, entryPoints, format: 'cjs', outdir: 'dist', outExtension: { '.js': '.cjs' } });
  for (const name of ['index', 'page']) for (const kind of ['d.ts', 'd.cts']) cpSync(at(`types/${name}.d.ts`), at(`dist/${name}.${kind}`));
  await bundle('../../CComet.Web/wwwroot/js/ccomet.js');
}
