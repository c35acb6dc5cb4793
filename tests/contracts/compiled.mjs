// The contracts' code as the compiler makes it.
//
//   node compiled.mjs          rewrites libcocoon/ledger/ton/contracts/build/

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Cell } from '@ton/core';
import { getTolkCompilerVersion, runTolkCompiler } from '@ton/tolk-js';
import { folder, names } from '../../apps/ton-devnet/code.mjs';

/** @return the code as a bag of cells, from the sources */
export async function compile(name, read = (path) => readFileSync(join(folder, path), 'utf8')) {
  const result = await runTolkCompiler({ entrypointFileName: `${name}.tolk`, fsReadCallback: read });
  if (result.status === 'error') throw new Error(`${name}.tolk does not compile:\n${result.message}`);
  if (result.stderr !== '') throw new Error(`${name}.tolk compiles with warnings:\n${result.stderr}`);
  return Buffer.from(result.codeBoc64, 'base64');
}

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
  for (const [name, bag] of bags) writeFileSync(join(folder, 'build', `${name}.boc`), bag);
  writeFileSync(join(folder, 'build', 'manifest.json'), await manifest(bags));
  console.log(await manifest(bags));
}
