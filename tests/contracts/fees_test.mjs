// The figures in docs/contracts.md are those of this code, and within what docs/economics.md allows.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { day, document, inDocument, measure, tables } from './fees.mjs';
import { TON } from './network.mjs';

const measured = await measure();

test('the tables in docs/contracts.md are current', () => {
  assert.equal(inDocument(readFileSync(document, 'utf8')), tables(measured),
    'run `node fees.mjs` in tests/contracts and check in what it writes');
});

test('settling 2.5 TON costs at most half a per cent', () => {
  const { redeem, cash } = day(measured);
  assert.ok(redeem * 200n <= 5n * TON / 2n, `a redemption costs ${redeem}`);
  assert.ok(cash * 200n <= 5n * TON / 2n, `a cash-out costs ${cash}`);
});

test('with 10,000 workers a cash-out costs little more than with 10', () => {
  const fees = (name) => measured.rows.find((r) => r.name === `cash out, one of ${name} workers`).fees;
  assert.ok(fees('10,000') < 2n * fees('10'), `${fees('10')} and ${fees('10,000')}`);
});

test('an idle day of 100 clients and 1,000 workers costs at most 0.01 TON', () => {
  assert.ok(day(measured).idle <= TON / 100n, `${day(measured).idle}`);
});
