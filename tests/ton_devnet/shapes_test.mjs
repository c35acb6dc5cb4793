// Answers as toncenter gives them.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Address, beginCell, Cell, Dictionary, loadTransaction } from '@ton/core';
import { readRegistry } from '../../apps/ton-devnet/layouts.mjs';
import { writeStack } from '../../apps/ton-devnet/stack.mjs';
import { account } from '../../apps/ton-devnet/statements.mjs';
import { order, shellAddress, walletOf } from '../../apps/ton-devnet/wallets.mjs';
import { killAll } from '../support/process.mjs';
import { boc, startDevnet, TON } from './devnet.mjs';

const [owner, sender, receiver] = ['owner', 'sender', 'receiver'].map(account);
const friendly = (who) => walletOf(who.id).toString();
const NO_HASH = Buffer.alloc(32).toString('base64');

let devnet;
let root;
before(async () => {
  devnet = await startDevnet();
  ({ root } = await devnet.tell('network', { owner: friendly(owner), network: '0a'.repeat(16) }));
  await devnet.fund(sender);
});
after(killAll);

const now = async () => (await devnet.status()).utime;
const pay = async (who, value = TON) => boc(order(who, {
  to: walletOf(receiver.id), value, body: Cell.EMPTY, now: await now(),
}));

/** The messages of a transaction as the cells that they are. */
function messagesOf(transaction) {
  const messages = transaction.refs[0].beginParse();
  return {
    inMessage: messages.loadMaybeRef(),
    sent: messages.loadDict(Dictionary.Keys.Uint(15), Dictionary.Values.Cell()).values(),
  };
}

test('an address that nobody has used has no state, and its balance is a number', async () => {
  const { block_id, sync_utime, ...rest } = await devnet.call('getAddressInformation', { address: friendly(account('nobody')) });
  assert.deepEqual(rest, {
    '@type': 'raw.fullAccountState', balance: 0, code: '', data: '', state: 'uninitialized',
    frozen_hash: '', last_transaction_id: { '@type': 'internal.transactionId', lt: '0', hash: NO_HASH },
    extra_currencies: [],
  });
  const { seqno, utime } = await devnet.status();
  assert.equal(sync_utime, utime);
  assert.equal(block_id.seqno, seqno);
  assert.deepEqual(await devnet.call('getTransactions', { address: friendly(account('nobody')) }), []);
});

test('an account that was only paid is uninitialized, and its balance is a text', async () => {
  await devnet.fund(account('paid'), 5n);
  const info = await devnet.call('getAddressInformation', { address: friendly(account('paid')) });
  assert.equal(info.balance, '5');
  assert.equal(info.state, 'uninitialized');
  assert.notEqual(info.last_transaction_id.lt, '0');
});

test('a call is answered alike by GET, by POST and by jsonRPC, for a raw and a friendly address', async () => {
  const at = walletOf(sender.id);
  const expected = await devnet.call('getAddressInformation', { address: at.toString() });
  const query = (address) => devnet.ask(`/api/v2/getAddressInformation?address=${encodeURIComponent(address)}`);
  assert.deepEqual((await query(at.toRawString())).body, { ok: true, result: expected });
  assert.deepEqual((await query(at.toString({ urlSafe: false }))).body, { ok: true, result: expected });
  const rpc = await devnet.ask('/api/v2/jsonRPC', {
    body: { id: '7', jsonrpc: '2.0', method: 'getAddressInformation', params: { address: at.toRawString() } },
  });
  assert.deepEqual(rpc.body, { ok: true, result: expected, jsonrpc: '2.0', id: '7' });
});

test('the master chain\'s number rises by one with every block', async () => {
  const first = await devnet.call('getMasterchainInfo', {});
  assert.equal(first['@type'], 'blocks.masterchainInfo');
  assert.equal(first.last.workchain, -1);
  assert.equal(first.last.shard, '-9223372036854775808');
  await devnet.block(2);
  const later = await devnet.call('getMasterchainInfo', {});
  assert.equal(later.last.seqno, first.last.seqno + 2);
  assert.notEqual(later.last.root_hash, first.last.root_hash);
  assert.equal(Buffer.from(later.last.root_hash, 'base64').length, 32);
  assert.equal((await devnet.call('getConsensusBlock', {})).consensus_block, later.last.seqno);
});

test('a block\'s header names it, its time and the block before', async () => {
  await devnet.block(2);
  const { last } = await devnet.call('getMasterchainInfo', {});
  const { seqno, utime } = await devnet.status();
  const query = `?workchain=-1&shard=${last.shard}&seqno=`;
  const header = (n) => devnet.ask(`/api/v2/getBlockHeader${query}${n}`);
  const newest = await header(seqno);
  assert.deepEqual(newest.body.result.id, last);
  assert.equal(newest.body.result.gen_utime, utime);
  const [before] = newest.body.result.prev_blocks;
  assert.deepEqual((await header(seqno - 1)).body.result.id, before);
  for (const n of [seqno + 1, 0]) {
    assert.deepEqual((await header(n)).body,
      { ok: false, error: 'LITE_SERVER_UNKNOWN: block is not found', code: 500 });
  }
});

test('a message that its contract does not take is refused as the chain refuses it', async () => {
  // Nobody has paid this one, so it cannot pay for the message.
  const error = await devnet.refused('sendBoc', { boc: await pay(account('poor')) }, 500);
  assert.match(error, /cannot apply external message to current state : External message was not accepted/);
});

test('a transfer: accepted, in the next block, and in the history with its messages', async () => {
  const at = friendly(sender);
  const message = await pay(sender);
  const { hash, hash_norm, '@type': type } = await devnet.call('sendBocReturnHash', { boc: message });
  assert.equal(type, 'raw.extMessageInfo');
  assert.equal(hash, Cell.fromBase64(message).hash().toString('base64'));
  assert.equal(Buffer.from(hash_norm, 'base64').length, 32);
  await devnet.block(2);

  const info = await devnet.call('getAddressInformation', { address: at });
  assert.equal(info.state, 'active');
  assert.equal(Cell.fromBase64(info.data).beginParse().skip(1).loadUint(32), 1, 'the wallet has counted');
  assert.notEqual(info.code, '');

  const [newest, gift, ...more] = await devnet.call('getTransactions', { address: at });
  assert.deepEqual(more, []);
  assert.deepEqual(newest.transaction_id, info.last_transaction_id);
  assert.equal(newest['@type'], 'raw.transaction');
  assert.deepEqual(newest.address, { '@type': 'accountAddress', account_address: at });
  const cell = Cell.fromBase64(newest.data);
  assert.equal(cell.hash().toString('base64'), newest.transaction_id.hash);
  const tx = loadTransaction(cell.beginParse());
  assert.equal(String(tx.lt), newest.transaction_id.lt);
  assert.equal(tx.now, newest.utime);
  assert.equal(BigInt(newest.fee), tx.totalFees.coins);
  assert.equal(BigInt(newest.fee), BigInt(newest.storage_fee) + BigInt(newest.other_fee));
  assert.equal(newest.in_msg.source, '');
  assert.equal(newest.in_msg.value, '0');
  assert.equal(newest.out_msgs.length, 1);
  const [out] = newest.out_msgs;
  assert.equal(out.source, at);
  assert.equal(out.destination, friendly(receiver));
  assert.equal(out.value, String(TON));
  assert.ok(BigInt(out.fwd_fee) > 0n);
  assert.equal(Cell.fromBase64(out.msg_data.body).hash().toString('base64'), out.body_hash);

  assert.equal(gift.in_msg.value, String(10n * TON));
  assert.ok(BigInt(gift.transaction_id.lt) < BigInt(newest.transaction_id.lt));
  // What was received is the very message that was sent.
  const [received] = await devnet.call('getTransactions', { address: friendly(receiver) });
  const { inMessage } = messagesOf(Cell.fromBase64(received.data));
  assert.ok(messagesOf(cell).sent[0].equals(inMessage));
});

test('a history is given newest first, from a transaction on, down to a time', async () => {
  const who = account('rich');
  for (let i = 0; i < 4; i++) await devnet.fund(who, 1n);
  const address = friendly(who);
  const all = await devnet.call('getTransactions', { address });
  const lts = all.map((t) => BigInt(t.transaction_id.lt));
  assert.equal(lts.length, 4);
  assert.ok(lts.every((lt, i) => i === 0 || lt < lts[i - 1]), 'newest first');
  const ask = async (more) => (await devnet.call('getTransactions', { address, ...more })).map((t) => BigInt(t.transaction_id.lt));
  const { lt, hash } = all[1].transaction_id;
  assert.deepEqual(await ask({ limit: 2 }), lts.slice(0, 2));
  assert.deepEqual(await ask({ lt, hash }), lts.slice(1), 'from the given one, with it');
  assert.deepEqual(await ask({ lt, hash: Buffer.from(hash, 'base64').toString('hex'), limit: 2 }), lts.slice(1, 3));
  assert.deepEqual(await ask({ to_lt: String(lts[2]) }), lts.slice(0, 2), 'down to the given one, without it');
  assert.match(await devnet.refused('getTransactions', { address, lt, hash: NO_HASH }, 500), /cannot locate transaction/);
});

test('a network is not put where one is', async () => {
  const given = { owner: friendly(owner), network: '0a'.repeat(16), effective: 7 };
  await devnet.tell('network', given);
  const { status, body } = await devnet.ask('/devnet/network', { body: given });
  assert.equal(status, 409);
  assert.match(body.error, /is there already/);
});

test('get methods give cells, slices, numbers and nothing as toncenter writes them', async () => {
  const run = (method, stack = []) => devnet.call('runGetMethod', { address: root, method, stack });
  const snapshot = await run('snapshot');
  assert.equal(snapshot.exit_code, 0);
  assert.ok(snapshot.gas_used > 0);
  const registry = readRegistry(Cell.fromBase64(snapshot.stack[0][1].bytes));
  assert.equal(snapshot.stack[0][0], 'cell');
  assert.equal(registry.params.pricePerToken, 20n);
  assert.deepEqual((await run('waiting')).stack, [['list', { '@type': 'tvm.list', elements: [] }]]);
  const { stack } = await run('addressOfChannel', [['num', '0x2a']]);
  const found = Cell.fromBase64(stack[0][1].bytes).beginParse().loadAddress();
  assert.ok(found.equals(shellAddress(Address.parse(root), 1, 42n)));
  assert.deepEqual((await run('addressOfChannel', [['num', '42']])).stack, stack);
});

test('a missing get method exits with 11, an account without code with -13', async () => {
  const missing = await devnet.call('runGetMethod', { address: root, method: 'no_such_method', stack: [] });
  assert.equal(missing.exit_code, 11);
  assert.deepEqual(missing.stack, []);
  const inactive = await devnet.call('runGetMethod', { address: friendly(account('nobody')), method: 'seqno', stack: [] });
  assert.equal(inactive.exit_code, -13);
  assert.equal(inactive.gas_used, 0);
});

test('numbers, tuples and lists on a stack are written as toncenter writes them', () => {
  const int = (value) => ({ type: 'int', value });
  const typed = (digits) => ({ '@type': 'tvm.stackEntryNumber', number: { '@type': 'tvm.numberDecimal', number: digits } });
  const tuple = (...items) => ({ type: 'tuple', items });
  const cell = beginCell().storeUint(1, 8).endCell();
  assert.deepEqual(writeStack([int(-255n), int(0n)]), [['num', '-0xff'], ['num', '0x0']]);
  assert.deepEqual(writeStack([tuple(int(1n), int(-2n), { type: 'cell', cell })]), [['tuple', {
    '@type': 'tvm.tuple',
    elements: [typed('1'), typed('-2'), { '@type': 'tvm.stackEntryCell', cell: { '@type': 'tvm.cell', bytes: cell.toBoc().toString('base64') } }],
  }]]);
  assert.deepEqual(writeStack([tuple(int(1n), tuple(int(2n), { type: 'null' }))]),
    [['list', { '@type': 'tvm.list', elements: [typed('1'), typed('2')] }]]);
});
