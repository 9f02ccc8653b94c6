// SPDX-License-Identifier: GPL-2.0-or-later
// Bundle the console into a folder: build.mjs FOLDER. Names of scripts and styles carry a hash of
// their content, so that browsers may keep them for ever; index.html names them.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2];
if (!out) {
  console.error('usage: build.mjs FOLDER');
  process.exit(1);
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const result = await build({
  absWorkingDir: here,
  entryPoints: { console: 'src/main.tsx' },
  outdir: join(out, 'assets'),
  entryNames: '[name]-[hash]',
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['es2022', 'chrome110', 'firefox115', 'safari16'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'eof',
  metafile: true,
  logLevel: 'warning',
});

const files = Object.keys(result.metafile.outputs).map((f) => basename(f));
const named = (ending) => {
  const name = files.find((f) => f.endsWith(ending));
  if (!name) throw new Error(`the bundle has no ${ending} file`);
  return `/assets/${name}`;
};
const html = readFileSync(join(here, 'src/index.html'), 'utf8')
  .replace('@SCRIPT@', named('.js'))
  .replace('@STYLE@', named('.css'));
writeFileSync(join(out, 'index.html'), html);
writeFileSync(join(out, 'favicon.svg'), readFileSync(join(here, 'src/favicon.svg')));
