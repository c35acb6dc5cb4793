// Blocks, the order of hops, time, snapshots, and what is found again after a restart.

import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Address, internal } from '@ton/core';
import { Chain, genesis } from '../../apps/ton-devnet/chain.mjs';
import { Journal } from '../../apps/ton-devnet/journal.mjs';
import { message } from '../../apps/ton-devnet/layouts.mjs';
import { account, channelId, number } from '../../apps/ton-devnet/statements.mjs';
import { order, orders, shellAddress, walletOf } from '../../apps/ton-devnet/wallets.mjs';
import { killAll, until } from '../support/process.mjs';
import { boc, program, startDevnet, TON } from './devnet.mjs';

const folders = [];
function folder() {
  folders.push(mkdtempSync(join(tmpdir(), 'cocoon-ton-devnet-')));
  return folders.at(-1);
}

let devnet;
before(async () => {
  devnet = await startDevnet();
});
after(() => {
  killAll();
  for (const path of folders) rmSync(path, { recursive: true, force: true });
});

const raw = (who) => walletOf(who.id).toRawString();
const now = async (of = devnet) => (await of.status()).utime;

/** The first order of a wallet: pays all of `to` one TON each. */
const payAll = (from, to, time) => boc(orders(from, {
  messages: to.map((who) => internal({ to: walletOf(who.id), value: TON, bounce: false })), now: time,
}));

/** A new, rich wallet `name` is told to pay `to`. */
async function paying(name, to) {
  const from = account(name);
  await devnet.fund(from);
  await devnet.call('sendBoc', { boc: payAll(from, to, await now()) });
}

const accountsOf = ({ transactions }) => transactions.map((t) => t.account);

test('a message waits for the next block, and every hop for the one after', async () => {
  const [owner, client, proxy] = ['owner', 'client', 'proxy'].map(account);
  const { root, network } = await devnet.tell('network', {
    owner: raw(owner), proxies: [{ account: proxy.id.toString(16).padStart(64, '0'), endpoint: 'p:1' }],
  });
  const terms = { network: number(Buffer.from(network, 'hex')), client: client.id, proxy: proxy.id, signer: client.id, nonce: 1n };
  const at = Address.parse(root);
  const channel = shellAddress(at, 1, channelId(terms)).toRawString();
  await devnet.fund(client);
  await devnet.call('sendBoc', { boc: boc(order(client, {
    to: at, value: 2n * TON, body: message.openChannel({ ...terms, deposit: TON }), now: await now(),
  })) });
  assert.deepEqual((({ pool, queue }) => ({ pool, queue }))(await devnet.status()), { pool: 1, queue: 0 });
  assert.equal((await devnet.call('getTransactions', { address: raw(client) })).length, 1, 'not executed yet');
  for (const next of [raw(client), root, channel, raw(client)]) {
    const made = await devnet.block();
    assert.deepEqual(accountsOf(made), [next]);
    assert.equal(made.transactions[0].exit_code, 0);
  }
  assert.deepEqual((({ pool, queue }) => ({ pool, queue }))(await devnet.status()), { pool: 0, queue: 0 });
});

test('hops of one block are delivered as they were sent, or in reverse', async () => {
  const to = ['a', 'b', 'c'].map(account);
  await paying('in order', to);
  await devnet.block();
  assert.deepEqual(accountsOf(await devnet.block()), to.map(raw));
  await devnet.tell('faults', { order: 'reverse' });
  await paying('in reverse', to);
  await devnet.block();
  assert.deepEqual(accountsOf(await devnet.block()), to.map(raw).reverse());
  await devnet.tell('faults', { order: null });
});

test('what one contract sends to another arrives in the order in which it was sent, whatever else changes', async () => {
  const [a, b] = ['a', 'b'].map(account);
  await devnet.tell('faults', { order: 'reverse' });
  await paying('twice to one', [a, b, a]);
  await devnet.block();
  const { transactions } = await devnet.block();
  await devnet.tell('faults', { order: null });
  assert.deepEqual(transactions.map((t) => t.account), [raw(a), raw(b), raw(a)]);
  const received = await devnet.call('getTransactions', { address: raw(a), limit: 2 });
  const [second, first] = received.map((t) => BigInt(t.in_msg.created_lt));
  assert.ok(first < second);
});

test('a seed shuffles hops, and the same seed does it the same way', async () => {
  const to = [...'abcdefgh'].map(account);
  const { id } = await devnet.tell('snapshot');
  const run = async (seed) => {
    await devnet.tell('restore', { id });
    await devnet.tell('faults', { order: seed });
    await paying('shuffled', to);
    await devnet.block();
    const made = accountsOf(await devnet.block());
    await devnet.tell('faults', { order: null });
    return made;
  };
  const first = await run(1);
  assert.notDeepEqual(first, to.map(raw));
  assert.deepEqual([...first].sort(), to.map(raw).sort());
  assert.deepEqual(await run(1), first);
  assert.notDeepEqual(await run(2), first);
});

test('messages to a held address wait while others pass', async () => {
  const [a, b] = ['a', 'b'].map(account);
  await devnet.tell('faults', { hold: [raw(a)] });
  await paying('held up', [a, b]);
  await devnet.block();
  assert.deepEqual(accountsOf(await devnet.block()), [raw(b)]);
  assert.deepEqual(accountsOf(await devnet.block()), []);
  await devnet.tell('faults', { hold: [] });
  assert.deepEqual(accountsOf(await devnet.block()), [raw(a)]);
});

test('time goes forward when told to, never back, and contracts go by it', async () => {
  const who = account('late');
  await devnet.fund(who);
  const before_ = await now();
  const late = payAll(who, [account('a')], before_);
  await devnet.tell('time', { advance: 3_600 });
  assert.ok(await now() >= before_ + 3_600);
  const { sync_utime } = await devnet.call('getAddressInformation', { address: raw(who) });
  assert.equal(sync_utime, await now());
  assert.match(await devnet.refused('sendBoc', { boc: late }, 500), /cannot apply external message/);
  const { status } = await devnet.ask('/devnet/time', { body: { at: before_ } });
  assert.equal(status, 422);
  const at = await now() + 86_400;
  assert.equal((await devnet.tell('time', { at })).utime, at);
});

test('no block is older than the one before, whatever the clock says', async () => {
  const chain = new Chain(null, genesis(1_000));
  assert.equal((await chain.block(1_005)).block.utime, 1_005);
  assert.equal((await chain.block(900)).block.utime, 1_005);
});

test('a message that its contract takes no longer when its block comes is gone', async () => {
  const who = account('expired');
  await devnet.fund(who);
  await devnet.call('sendBoc', { boc: payAll(who, [account('a')], await now()) });
  await devnet.tell('time', { advance: 3_600 });
  assert.equal((await devnet.status()).pool, 1, 'time alone executes nothing');
  const { transactions, pool } = await devnet.block();
  assert.deepEqual(transactions, []);
  assert.equal(pool, 0);
});

test('a snapshot brings everything back: balances, histories, what waits, the time', async () => {
  const who = account('restored');
  await devnet.fund(who);
  await devnet.call('sendBoc', { boc: payAll(who, [account('a')], await now()) });
  const { id, ...status } = await devnet.tell('snapshot');
  const info = await devnet.call('getAddressInformation', { address: raw(who) });
  await devnet.block(3);
  await devnet.tell('time', { advance: 86_400 });
  assert.notDeepEqual(await devnet.call('getAddressInformation', { address: raw(who) }), info);
  assert.deepEqual(await devnet.tell('restore', { id }), status);
  assert.deepEqual(await devnet.call('getAddressInformation', { address: raw(who) }), info);
  assert.equal((await devnet.call('getTransactions', { address: raw(who) })).length, 1);
  assert.ok((await devnet.block()).utime < status.utime + 86_400);
  // What has happened since is not in the snapshot.
  assert.deepEqual(await devnet.tell('restore', { id }), status);
  await devnet.block();
  assert.equal((await devnet.call('getTransactions', { address: raw(who) })).length, 2);
  assert.equal((await devnet.ask('/devnet/restore', { body: { id: 'nothing' } })).status, 404);
});

test('with a state folder a restart finds everything, also what was on its way', async () => {
  const state = folder();
  const args = ['--block-ms', '0', '--state', state];
  const [from, to] = ['sender', 'receiver'].map(account);
  let net = await startDevnet(args);
  await net.tell('time', { advance: 86_400 });
  await net.fund(from);
  await net.call('sendBoc', { boc: payAll(from, [to], await now(net)) });
  await net.block();
  const { queue, seqno, utime } = await net.status();
  assert.equal(queue, 1);
  const asked = async () => ({
    info: await net.call('getAddressInformation', { address: raw(from) }),
    history: await net.call('getTransactions', { address: raw(from) }),
  });
  const known = await asked();

  for (const signal of ['SIGTERM', 'SIGKILL']) {
    const { code } = await net.stop(signal);
    assert.equal(code, signal === 'SIGTERM' ? 0 : null);
    net = await startDevnet(args);
    assert.deepEqual(await net.status(), { seqno, utime, pool: 0, queue: 1 });
    assert.deepEqual(await asked(), known);
  }
  assert.deepEqual(accountsOf(await net.block()), [raw(to)]);
  await until('the time to go on from where it was', async () => (await net.block()).utime > utime);
  assert.equal(await net.balance(walletOf(to.id)), TON);
});

test('a folder in use is not shared', async () => {
  const state = folder();
  const ours = new Journal(state);
  const other = program(['--listen', '127.0.0.1:0', '--state', state]);
  assert.equal((await other.ended).code, 1);
  assert.ok(other.errors().includes(`is in use by process ${process.pid}: stop it, or give another --state`));
  ours.close();
});

/** What is in a folder, as a server finds it that has died since. */
function read(state) {
  const journal = new Journal(state);
  try {
    return journal.read();
  } finally {
    journal.close();
  }
}

test('a line that was cut off was never written', () => {
  const state = folder();
  const journal = new Journal(state);
  journal.begin({ seqno: 1 });
  journal.append({ seqno: 2 });
  journal.close();
  appendFileSync(join(state, 'chain.jsonl'), '{"block":{"seqno":3');
  assert.deepEqual(read(state), { base: { seqno: 1 }, blocks: [{ seqno: 2 }] });
});

test('a file that is damaged or of something else is not read', async () => {
  const state = folder();
  const path = join(state, 'chain.jsonl');
  for (const [content, text] of [
    ['{"seqno":1}\n', /is not the state of a devnet of this version/],
    ['cocoon-ton-devnet 1\n{"base":{"seqno":1}}\n{"block":\n', /chain\.jsonl:3 is damaged: restore the file/],
    ['cocoon-ton-devnet 1\n', /is not complete/],
  ]) {
    writeFileSync(path, content);
    assert.throws(() => read(state), text);
  }
  const damaged = program(['--listen', '127.0.0.1:0', '--state', state]);
  assert.equal((await damaged.ended).code, 1);
  assert.match(damaged.errors(), /^ton-devnet: .* is not complete: remove the folder to start anew\n$/);
});
