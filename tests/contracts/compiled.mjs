// The contracts' code: as it is checked in, and as the compiler makes it.
//
//   node compiled.mjs          rewrites libcocoon/ledger/ton/contracts/build/

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Cell } from '@ton/core';
import { getTolkCompilerVersion, runTolkCompiler } from '@ton/tolk-js';

export const source = process.env.COCOON_SOURCE ??
  join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const folder = join(source, 'libcocoon', 'ledger', 'ton', 'contracts');
export const names = ['root', 'shell', 'channel', 'proxy', 'epoch'];

/** @return the code as a bag of cells, from the sources */
export async function compile(name, read = (path) => readFileSync(join(folder, path), 'utf8')) {
  const result = await runTolkCompiler({ entrypointFileName: `${name}.tolk`, fsReadCallback: read });
  if (result.status === 'error') throw new Error(`${name}.tolk does not compile:\n${result.message}`);
  if (result.stderr !== '') throw new Error(`${name}.tolk compiles with warnings:\n${result.stderr}`);
  return Buffer.from(result.codeBoc64, 'base64');
}

const path = (name) => join(folder, 'build', `${name}.boc`);

/** COCOON_CODE names a folder with other code than the one checked in: for tests of the tests. */
export function checkedIn(name) {
  const other = process.env.COCOON_CODE;
  return readFileSync(other === undefined ? path(name) : join(other, `${name}.boc`));
}

export const code = (name) => Cell.fromBoc(checkedIn(name))[0];

/** What build/manifest.json says about the code. */
export async function manifest(bags) {
  const out = { compiler: `tolk ${await getTolkCompilerVersion()}` };
  for (const [name, bag] of bags) {
    const cell = Cell.fromBoc(bag)[0];
    out[name] = {
      code_hash: cell.hash().toString('hex'), depth: cell.depth(), bytes: bag.length,
      sha256: createHash('sha256').update(bag).digest('hex'),
    };
  }
  return JSON.stringify(out, null, 2) + '\n';
}

export const checkedInManifest = () => readFileSync(join(folder, 'build', 'manifest.json'), 'utf8');

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const bags = [];
  for (const name of names) bags.push([name, await compile(name)]);
  for (const [name, bag] of bags) writeFileSync(path(name), bag);
  writeFileSync(join(folder, 'build', 'manifest.json'), await manifest(bags));
  console.log(await manifest(bags));
}
