// What `cocoon-bench-ledger bag` measures, by @ton/core:  node ton_core.mjs PACKAGES FILE
// PACKAGES is a folder with node_modules. Prints one line of JSON; medians of microseconds.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const SAMPLES = 15;

const [packages, path] = process.argv.slice(2);
const { Cell } = createRequire(join(packages, 'node_modules', 'x.js'))('@ton/core');
const bytes = readFileSync(path);

function parse() {
  const begin = process.hrtime.bigint();
  const hash = Cell.fromBoc(bytes)[0].hash(); // a cell's hashes are made with it
  return { us: Number(process.hrtime.bigint() - begin) / 1e3, hash: hash.toString('hex') };
}

for (let i = 0; i < 3; ++i) parse(); // the compiler has seen it
const times = Array.from({ length: SAMPLES }, parse).sort((a, b) => a.us - b.us);
console.log(JSON.stringify({ us: times[SAMPLES >> 1].us, hash: times[0].hash }));
