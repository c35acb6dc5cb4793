// The code that is checked in is what the sources compile to, and is where the contracts expect it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Cell } from '@ton/core';
import { checkedIn, folder, names, source } from '../../apps/ton-devnet/code.mjs';
import { account, number } from '../../apps/ton-devnet/statements.mjs';
import {
  shellAddress, stateAddress, walletCode, walletData, walletOf,
} from '../../apps/ton-devnet/wallets.mjs';
import { checkedInManifest, compile, manifest } from './compiled.mjs';
import { Network } from './network.mjs';

for (const name of names) {
  test(`${name}.boc is what ${name}.tolk compiles to`, async () => {
    const made = await compile(name);
    assert.ok(made.equals(checkedIn(name)),
      'run `node compiled.mjs` in tests/contracts and check in what it writes');
  });
}

test('another source compiles to other code', async () => {
  const made = await compile('shell', (path) => {
    const text = readFileSync(join(folder, path), 'utf8');
    return path.endsWith('shell.tolk') ? text.replace('throw WRONG_SENDER', 'throw NOTHING_TO_PAY') : text;
  });
  assert.ok(!made.equals(checkedIn('shell')));
});

test('the manifest says what is checked in', async () => {
  assert.equal(await manifest(names.map((name) => [name, checkedIn(name)])), checkedInManifest());
});

test('no contract has code that another one has', () => {
  const hashes = names.map((name) => Cell.fromBoc(checkedIn(name))[0].hash().toString('hex'));
  assert.equal(new Set(hashes).size, names.length);
});

const wallets = JSON.parse(readFileSync(join(source, 'tests', 'vectors', 'ton', 'wallets.json'), 'utf8'));

for (const [kind, globalId] of [['v5r1_mainnet', -239], ['v5r1_testnet', -3]]) {
  test(`an account's wallet is the ${kind} wallet of its key`, () => {
    for (const vector of wallets) {
      const key = number(Buffer.from(vector.public_key, 'hex'));
      assert.equal(walletOf(key, globalId).toRawString(), vector[kind].address);
      assert.ok(walletData(key, globalId).equals(Cell.fromBase64(vector[kind].data_boc)));
    }
  });
}

test('the wallet code that addresses are computed from is the library\'s', () => {
  const key = account('anybody').id;
  assert.ok(stateAddress(walletCode(), walletData(key)).equals(walletOf(key)));
});

test('the root computes the addresses of channels and proxies as everybody does', async () => {
  const net = await Network.create();
  for (const [method, kind] of [['addressOfChannel', 1], ['addressOfProxy', 2]]) {
    const found = (await net.get(net.root, method, [{ type: 'int', value: 42n }])).readAddress();
    assert.ok(found.equals(shellAddress(net.root, kind, 42n)), method);
  }
});
