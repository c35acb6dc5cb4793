// What the devnet does wrong on demand.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { Cell } from '@ton/core';
import { account } from '../../apps/ton-devnet/statements.mjs';
import { order, walletOf } from '../../apps/ton-devnet/wallets.mjs';
import { killAll } from '../support/process.mjs';
import { boc, startDevnet, TON } from './devnet.mjs';

let devnet;
before(async () => {
  devnet = await startDevnet();
});
afterEach(() => devnet.ask('/devnet/faults', { method: 'DELETE' }));
after(killAll);

const friendly = (who) => walletOf(who.id).toString();
const faults = (settings) => devnet.tell('faults', settings);
const INFO = '/api/v2/getMasterchainInfo';

/** The first message of a new, rich wallet. */
async function payment(name) {
  const from = account(name);
  await devnet.fund(from);
  const { utime } = await devnet.status();
  const message = boc(order(from, { to: walletOf(account('receiver').id), value: TON, body: Cell.EMPTY, now: utime }));
  return { message, sent: async () => (await devnet.call('getTransactions', { address: friendly(from) })).length - 1 };
}

for (const kind of ['500', '429', '504']) {
  test(`the next answers are errors ${kind}, as many as were asked for`, async () => {
    await faults({ errors: [{ kind, times: 2 }] });
    for (let i = 0; i < 2; i++) {
      const { status, body } = await devnet.ask(INFO);
      assert.equal(status, Number(kind));
      assert.deepEqual({ ok: body.ok, code: body.code }, { ok: false, code: Number(kind) });
    }
    assert.equal((await devnet.ask(INFO)).status, 200);
  });
}

test('a connection is cut without an answer', async () => {
  await faults({ errors: [{ kind: 'cut', times: 1 }] });
  await assert.rejects(devnet.ask(INFO), (error) => error.cause.code === 'UND_ERR_SOCKET');
  assert.equal((await devnet.ask(INFO)).status, 200);
});

test('only the named methods fail', async () => {
  await faults({ errors: [{ kind: '500', methods: ['sendBoc'] }] });
  assert.equal((await devnet.ask(INFO)).status, 200);
  const { message } = await payment('named');
  await devnet.refused('sendBoc', { boc: message }, 500);
  assert.equal((await devnet.status()).pool, 0, 'it has failed before it took effect');
});

test('an answer can get lost although the call took effect', async () => {
  const { message, sent } = await payment('answer lost');
  await faults({ errors: [{ kind: 'cut', times: 1, methods: ['sendBoc'], after: true }] });
  await assert.rejects(devnet.ask('/api/v2/sendBoc', { body: { boc: message } }));
  await devnet.block();
  assert.equal(await sent(), 1);
});

test('answers are late by what was asked for', async () => {
  await faults({ delay_ms: 150 });
  const start = performance.now();
  assert.equal((await devnet.ask(INFO)).status, 200);
  assert.ok(performance.now() - start >= 149); // timers may fire a fraction early
});

test('accepted messages get lost, as many as were asked for', async () => {
  const { message, sent } = await payment('message lost');
  await faults({ drop: 1 });
  assert.deepEqual(await devnet.call('sendBoc', { boc: message }), { '@type': 'ok' });
  await devnet.block();
  assert.equal(await sent(), 0);
  await devnet.call('sendBoc', { boc: message });
  await devnet.block();
  assert.equal(await sent(), 1);
});

test('a refused message is not counted as one to lose', async () => {
  await faults({ drop: 1 });
  const { message } = await payment('to be lost');
  const nobody = boc(order(account('without money'), {
    to: walletOf(account('receiver').id), value: TON, body: Cell.EMPTY, now: (await devnet.status()).utime,
  }));
  await devnet.refused('sendBoc', { boc: nobody }, 500);
  await devnet.call('sendBoc', { boc: message });
  assert.equal((await devnet.status()).pool, 0);
});

test('a message comes twice, and its wallet takes it once', async () => {
  const { message, sent } = await payment('message twice');
  await faults({ duplicate: 1 });
  await devnet.call('sendBoc', { boc: message });
  assert.equal((await devnet.status()).pool, 2);
  await devnet.block();
  assert.equal(await sent(), 1);
});

test('without a fault, a message that is sent again while it waits is one message', async () => {
  const { message } = await payment('sent again');
  await devnet.call('sendBoc', { boc: message });
  await devnet.call('sendBoc', { boc: message });
  assert.equal((await devnet.status()).pool, 1);
});

test('stale answers are those of some blocks ago, in every part', async () => {
  const who = account('seen late');
  const address = friendly(who);
  const old = await devnet.call('getAddressInformation', { address });
  await devnet.fund(who, 3n);
  const fresh = await devnet.call('getAddressInformation', { address });
  assert.equal(fresh.balance, '3');
  await faults({ stale: 1 });
  assert.deepEqual(await devnet.call('getAddressInformation', { address }), old);
  assert.deepEqual(await devnet.call('getTransactions', { address }), []);
  assert.equal((await devnet.call('getMasterchainInfo', {})).last.seqno, old.block_id.seqno);
  await devnet.block();
  assert.equal((await devnet.call('getAddressInformation', { address })).balance, '3');
});

test('a lie alters what is said of one account, and nothing else', async () => {
  const [liedAbout, other] = ['lied about', 'not lied about'].map(account);
  for (const who of [liedAbout, other]) await devnet.fund(who, 7n);
  await faults({ lies: [{ method: 'getAddressInformation', address: friendly(liedAbout), set: { balance: '1', code: 'AAAA' } }] });
  const told = await devnet.call('getAddressInformation', { address: walletOf(liedAbout.id).toRawString() });
  assert.equal(told.balance, '1');
  assert.equal(told.code, 'AAAA');
  assert.equal(told.state, 'uninitialized');
  assert.equal((await devnet.call('getAddressInformation', { address: friendly(other) })).balance, '7');
  assert.equal(await devnet.call('getAddressBalance', { address: friendly(liedAbout) }), '7', 'lies are told by method');
});

test('a lie alters the result of one get method, or a whole history', async () => {
  const { root } = await devnet.tell('network', { owner: friendly(account('owner')) });
  await faults({ lies: [
    { method: 'runGetMethod', address: root, get: 'waiting', set: { stack: [['num', '0x1']] } },
    { method: 'getTransactions', set: [] },
  ] });
  const run = (method) => devnet.call('runGetMethod', { address: root, method, stack: [] });
  assert.deepEqual((await run('waiting')).stack, [['num', '0x1']]);
  assert.equal((await run('snapshot')).stack[0][0], 'cell');
  await devnet.fund(account('with a past'));
  assert.deepEqual(await devnet.call('getTransactions', { address: friendly(account('with a past')) }), []);
});

test('faults are shown, and end together', async () => {
  await faults({ drop: 3, delay_ms: 1 });
  await faults({ stale: 2 });
  const shown = (await devnet.ask('/devnet/faults')).body.result;
  assert.deepEqual([shown.drop, shown.delay_ms, shown.stale], [3, 1, 2]);
  const { body } = await devnet.ask('/devnet/faults', { method: 'DELETE' });
  assert.deepEqual(body.result, { delay_ms: 0, errors: [], drop: 0, duplicate: 0, order: null, hold: [], stale: 0, lies: [] });
});

for (const wrong of [
  { drop: -1 }, { dorp: 1 }, { stale: 1_001 }, { delay_ms: 1e9 }, { errors: [{ kind: '418' }] }, { errors: [{ knd: '500' }] },
  { hold: ['nowhere'] }, { order: 'sideways' }, { lies: [{ method: 'getTransactions' }] }, { drop: 1, errors: 7 },
]) {
  test(`a fault that there is not is refused and sets nothing: ${JSON.stringify(wrong)}`, async () => {
    assert.equal((await devnet.ask('/devnet/faults', { body: wrong })).status, 422);
    assert.equal((await devnet.ask('/devnet/faults')).body.result.drop, 0);
  });
}
