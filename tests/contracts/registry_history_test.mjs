// A random history of the registry: COCOON_STEPS and COCOON_SEED ask for another one.

import assert from 'node:assert/strict';
import test from 'node:test';
import { runRegistryHistory } from './registry_history.mjs';

const steps = Number(process.env.COCOON_STEPS ?? 800);
const seed = process.env.COCOON_SEED ?? '2026';

test(`${steps} random steps keep the registry's promises (seed ${seed})`, async () => {
  const counts = await runRegistryHistory(steps, seed);
  console.log(JSON.stringify(counts));
  // A history that only refuses, or never refuses, shows little.
  for (const seen of ['remove', 'tighten', 'put', 'setParams', 'proposeCharter', 'enactCharter', 'open', 'wrong_sender',
    'no_such_entry', 'bad_registry', 'too_early', 'proxy_not_registered', 'deposit_too_small', 'value_too_small']) {
    assert.ok(counts[seen] > 0, `${seen} must come up`);
  }
});
