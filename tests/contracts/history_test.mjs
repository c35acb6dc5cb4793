// A random history, short enough for every check: COCOON_STEPS and COCOON_SEED ask for another one.
// `node history.mjs 10000 SEED` is the long one.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { runHistory } from './history.mjs';
import { folder, makeCells, makeVectors, SEED, STEPS } from './vectors.mjs';

const steps = Number(process.env.COCOON_STEPS ?? 1_500);
const seed = process.env.COCOON_SEED ?? '2026';

test(`${steps} random steps keep all invariants (seed ${seed})`, async () => {
  const counts = await runHistory(steps, seed);
  console.log(JSON.stringify(counts));
  // A history that only refuses, or never refuses, shows little.
  assert.ok(counts.taken > steps / 4, 'most messages must do something');
  for (const seen of ['bad_signature', 'wrong_sender', 'nothing_to_pay', 'skipped no-state', 'channel_closed']) {
    assert.ok(counts[seen] > 0, `${seen} must come up`);
  }
});

for (const [name, make] of [['history.json', () => makeVectors(STEPS, SEED)], ['cells.json', makeCells]]) {
  test(`${name}, which C++ tests read, is of these contracts`, async () => {
    assert.equal(await make(), readFileSync(join(folder, name), 'utf8'),
      'run `node vectors.mjs` in tests/contracts and check in what it writes');
  });
}
