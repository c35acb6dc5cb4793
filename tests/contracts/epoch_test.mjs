// Epoch records: only newer ones that the account signed.

import assert from 'node:assert/strict';
import test from 'node:test';
import { beginCell } from '@ton/core';
import { epochData, message, readEpoch } from '../../apps/ton-devnet/layouts.mjs';
import { bouncedTo, CODE, GAS, Network, sentTo, stateAddress, TON, walletOf } from './network.mjs';
import { account, epochBytes, payoutBytes, signature, signed, statementCell } from '../../apps/ton-devnet/statements.mjs';

const [node, stranger] = ['node', 'stranger'].map(account);

async function setUp() {
  const net = await Network.create();
  const data = epochData(net.id, node.id);
  const at = stateAddress(CODE.epoch, data);
  const e = {
    net, at,
    record: (epoch, fields = {}, by = node) =>
      signed(epochBytes({ network: net.id, epoch, bootKeyHash: 77n, ...fields }), by),
    publish: (record, value = GAS) => net.send({ from: walletOf(stranger.id), to: at, value,
      body: message.publishEpoch(record), init: { code: CODE.epoch, data } }),
    newest: async () => readEpoch(await net.data(at)).newest,
  };
  return e;
}

async function refuses(e, record, why, value) {
  const before = await e.net.data(e.at);
  const result = await e.publish(record, value);
  assert.equal(result.refusal, why);
  if (before !== null) assert.ok((await e.net.data(e.at)).equals(before));
  assert.ok(bouncedTo(result, walletOf(stranger.id)));
}

test('anybody publishes a record that the account signed; the first deploys', async () => {
  const e = await setUp();
  const result = await e.publish(e.record(3n));
  assert.equal(result.refusal, null);
  assert.equal(sentTo(result, walletOf(stranger.id)).length, 1);
  const newest = await e.newest();
  assert.ok(newest.statement.equals(e.record(3n).statement));
  assert.ok(newest.signature.equals(e.record(3n).signature), 'with the signature, so that readers can check it');
  assert.equal((await e.net.get(e.at, 'epoch')).readNumber(), 3);
  assert.equal(await e.net.balance(e.at), TON / 20n);
});

test('epochs only grow; the same record again is no fault', async () => {
  const e = await setUp();
  await e.publish(e.record(3n));
  await refuses(e, e.record(2n), 'epoch_not_newer');
  await refuses(e, e.record(3n, { bootKeyHash: 78n }), 'epoch_not_newer');
  assert.equal((await e.publish(e.record(3n))).refusal, null);
  assert.equal((await e.publish(e.record(4n))).refusal, null);
  assert.equal((await e.net.get(e.at, 'epoch')).readNumber(), 4);
});

test('the digest of what a proxy measured stands with its epoch, until the next', async () => {
  const e = await setUp();
  const reads = async () => (await e.net.get(e.at, 'reputation')).readBigNumber();
  await e.publish(e.record(3n, { reputation: 5n }));
  assert.equal(await reads(), 5n);
  await refuses(e, e.record(3n, { reputation: 6n }), 'epoch_not_newer');
  await refuses(e, e.record(2n, { reputation: 6n }), 'epoch_not_newer');
  assert.equal(await reads(), 5n);
  await e.publish(e.record(4n, { reputation: 6n }));
  assert.equal(await reads(), 6n);
});

test('epoch 0, another network, another signer or another statement is refused', async () => {
  const e = await setUp();
  await refuses(e, e.record(0n), 'bad_statement');
  await refuses(e, e.record(1n, { network: 1n }), 'wrong_network');
  await refuses(e, e.record(1n, {}, stranger), 'bad_signature');
  const payout = payoutBytes({ network: e.net.id, proxy: node.id, worker: stranger.id, owed: 1n });
  await refuses(e, signed(payout, node), 'bad_statement');
  const bytes = epochBytes({ network: e.net.id, epoch: 1n, bootKeyHash: 1n });
  for (const last of [59, 91]) { // of the boot key's hash, and of the digest
    const altered = Buffer.from(bytes);
    altered[last] ^= 1;
    await refuses(e, { signature: signature(bytes, node), statement: statementCell(altered) }, 'bad_signature');
  }
  await refuses(e, signed(bytes.subarray(0, 60), node), 'exit 9'); // it has no digest
});

test('a record must bring rent and fee', async () => {
  const e = await setUp();
  await refuses(e, e.record(1n), 'value_too_small', TON / 20n);
});

test('a message that is no record bounces', async () => {
  const e = await setUp();
  await e.publish(e.record(1n));
  const result = await e.net.send({ from: walletOf(node.id), to: e.at, body: beginCell().storeUint(1, 32).endCell() });
  assert.equal(result.refusal, 'unknown_message');
});
