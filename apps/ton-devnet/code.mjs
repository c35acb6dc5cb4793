// The contracts' code as it is checked in.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Cell } from '@ton/core';

const here = dirname(fileURLToPath(import.meta.url));
const written = join(here, 'repository'); // beside the copy of these scripts in a build folder

/** The repository. COCOON_SOURCE names another one. */
export const source = process.env.COCOON_SOURCE ??
  (existsSync(written) ? readFileSync(written, 'utf8').trim() : join(here, '..', '..'));
export const folder = join(source, 'libcocoon', 'ledger', 'ton', 'contracts');
export const names = ['root', 'shell', 'channel', 'proxy', 'epoch'];

/** COCOON_CODE names a folder with other code than the one checked in: for tests of the tests. */
export function checkedIn(name) {
  return readFileSync(join(process.env.COCOON_CODE ?? join(folder, 'build'), `${name}.boc`));
}

export const CODE = Object.fromEntries(names.map((name) => [name, Cell.fromBoc(checkedIn(name))[0]]));
