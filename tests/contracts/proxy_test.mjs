// Every message to a proxy's contract: who may send it, with what, when.

import assert from 'node:assert/strict';
import test from 'node:test';
import { beginCell } from '@ton/core';
import { message } from '../../apps/ton-devnet/layouts.mjs';
import { bouncedTo, CODE, DAY, GAS, Network, sentTo, TON, walletOf } from './network.mjs';
import {
  account, agreementBytes, channelId, payoutBytes, signature, signed, statementCell, voucherBytes,
} from '../../apps/ton-devnet/statements.mjs';

const [proxy, worker, second, client, stranger] =
  ['proxy', 'worker', 'second worker', 'client', 'stranger'].map(account);
const RENT = TON / 5n;

/** A network with one proxy contract: 10 TON of stake, and what `receive` was settled to it. */
async function setUp({ receive = 0n } = {}) {
  const net = await Network.create({ proxies: [proxy] });
  await net.deploy(proxy, 10n * TON);
  const at = net.proxyAddress(proxy);
  const p = {
    net, at,
    send: (from, body, value) => net.send({ from: walletOf(from.id), to: at, body, value }),
    state: () => net.proxy(at),
    settle: (amount, value = amount + GAS) =>
      net.send({ from: walletOf(stranger.id), to: at, value, body: message.settlement(amount, walletOf(client.id)) }),
    voucher: (owed, fields = {}, by = proxy) => signed(payoutBytes({
      network: net.id, proxy: proxy.id, worker: worker.id, owed, ...fields,
    }), by),
  };
  if (receive > 0n) assert.equal((await p.settle(receive)).refusal, null);
  return p;
}

async function refuses(p, from, body, why, value = GAS) {
  const before = await p.net.data(p.at);
  const result = await p.send(from, body, value);
  assert.equal(result.refusal, why);
  assert.ok((await p.net.data(p.at)).equals(before), 'a refused message changes nothing');
  assert.ok(bouncedTo(result, walletOf(from.id)), 'a refused message bounces');
}

async function takes(p, from, body, value) {
  const result = await p.send(from, body, value);
  assert.equal(result.refusal, null);
  const { pool, fees, stake } = await p.state();
  const balance = await p.net.balance(p.at);
  assert.ok(balance >= pool + fees + stake && balance <= pool + fees + stake + RENT, 'it holds what it says');
  return result;
}

const amounts = (result, to) => sentTo(result, walletOf(to.id)).map((m) => m.info.value.coins);

// --- Deployment ---

test('a proxy contract is deployed with the registry\'s terms', async () => {
  const p = await setUp();
  const s = await p.state();
  assert.deepEqual([s.account, s.network, s.withdrawDelay, s.minStake], [proxy.id, p.net.id, BigInt(DAY), 10n * TON]);
  assert.deepEqual([s.phase, s.workerShareE4, s.stake, s.staked, s.pool, s.fees], [1n, 9_500n, 10n * TON, 10n * TON, 0n, 0n]);
  assert.ok(s.root.equals(p.net.root));
  assert.ok((await p.net.code(p.at)).equals(CODE.proxy));
  assert.equal(await p.net.balance(p.at), 10n * TON + RENT);
});

test('an account gets one proxy contract, ever', async () => {
  const p = await setUp();
  assert.equal((await p.net.deploy(proxy, 10n * TON)).refusal, 'proxy_exists');
  await p.send(proxy, message.startWithdrawal());
  p.net.now += DAY;
  await p.send(proxy, message.finishWithdrawal());
  assert.equal((await p.net.deploy(proxy, 10n * TON)).refusal, 'proxy_exists');
  // Not even where the contract itself is gone.
  await p.net.place(p.at, beginCell().endCell(), beginCell().endCell(), 0n);
  assert.equal((await p.net.deploy(proxy, 10n * TON)).refusal, 'proxy_exists');
});

test('a proxy contract refuses Install, also by its root', async () => {
  const p = await setUp();
  const install = message.install({ payback: walletOf(stranger.id), hold: 0n, code: CODE.channel, data: await p.net.data(p.at) });
  await refuses(p, stranger, install, 'proxy_exists');
  assert.equal((await p.net.send({ from: p.net.root, to: p.at, body: install })).refusal, 'proxy_exists');
});

test('a message that no proxy contract knows bounces', async () => {
  const p = await setUp();
  await refuses(p, proxy, beginCell().storeUint(0x12345678, 32).endCell(), 'unknown_message');
  await refuses(p, proxy, beginCell().endCell(), 'unknown_message');
});

// --- Settlement ---

test('what comes in is split by the worker\'s share, rounded down', async () => {
  const p = await setUp({ receive: 1001n });
  const s = await p.state();
  assert.deepEqual([s.received, s.poolTotal, s.pool, s.fees], [1001n, 950n, 950n, 51n]);
});

test('a settlement\'s excess goes to who it names', async () => {
  const p = await setUp();
  const result = await p.settle(TON);
  assert.equal(sentTo(result, walletOf(client.id)).length, 1);
});

test('a settlement must bring its amount and its fee', async () => {
  const p = await setUp();
  assert.equal((await p.settle(TON, TON)).refusal, 'value_too_small');
  assert.equal((await p.settle(TON, GAS)).refusal, 'value_too_small');
  assert.equal((await p.state()).received, 0n);
});

test('a closed contract refuses a settlement', async () => {
  const p = await setUp();
  await p.send(proxy, message.startWithdrawal());
  assert.equal((await p.settle(TON)).refusal, null, 'a closing one takes it');
  p.net.now += DAY;
  await p.send(proxy, message.finishWithdrawal());
  assert.equal((await p.settle(TON)).refusal, 'proxy_closed');
});

test('a channel whose proxy has closed gets its settlement back', async () => {
  const p = await setUp();
  const terms = p.net.channelTerms({ client, proxy });
  await p.net.open(terms, 3n * TON);
  await p.send(proxy, message.startWithdrawal());
  p.net.now += DAY;
  await p.send(proxy, message.finishWithdrawal());
  const at = p.net.channelAddress(terms);
  const v = signed(voucherBytes({ network: p.net.id, channel: channelId(terms), spent: TON, authorised: TON, leftovers: client.id }), client);
  const result = await p.net.send({ from: walletOf(proxy.id), to: at, body: message.redeem(v) });
  assert.equal(result.hops[1].refusal, 'proxy_closed');
  assert.deepEqual([(await p.net.channel(at)).settled, await p.net.balance(at)], [0n, 3n * TON + TON / 20n]);
});

test('settlements fill the rent up, and only the rent', async () => {
  const p = await setUp();
  p.net.now += 300 * DAY;
  await p.settle(TON);
  assert.equal(await p.net.balance(p.at), 11n * TON + RENT);
});

// --- AddStake ---

test('anybody adds to the stake of an open contract', async () => {
  const p = await setUp();
  await takes(p, stranger, message.addStake(TON), TON + GAS);
  const s = await p.state();
  assert.deepEqual([s.stake, s.staked], [11n * TON, 11n * TON]);
});

test('a stake must bring its amount and its fee', async () => {
  const p = await setUp();
  await refuses(p, proxy, message.addStake(TON), 'value_too_small', TON);
  await refuses(p, proxy, message.addStake(TON), 'value_too_small', GAS);
});

test('a closing contract takes no stake', async () => {
  const p = await setUp();
  await p.send(proxy, message.startWithdrawal());
  await refuses(p, proxy, message.addStake(TON), 'proxy_not_open', TON + GAS);
});

// --- CashOut ---

test('a worker cashes what it is owed, from the pool first', async () => {
  const p = await setUp({ receive: 2n * TON });
  const result = await takes(p, worker, message.cashOut(p.voucher(TON)));
  assert.equal(amounts(result, worker)[0], TON);
  const s = await p.state();
  assert.deepEqual([s.pool, s.stake, s.delivered, s.paid.get(worker.id)], [9n * TON / 10n, 10n * TON, TON, TON]);
});

test('where the pool does not reach, the stake pays', async () => {
  const p = await setUp({ receive: TON });
  await takes(p, worker, message.cashOut(p.voucher(2n * TON)));
  const s = await p.state();
  assert.deepEqual([s.pool, s.stake], [0n, 10n * TON - 105n * TON / 100n]);
});

test('fees never pay workers: what is missing stays owed', async () => {
  const p = await setUp({ receive: TON });
  const all = 10n * TON + 95n * TON / 100n;
  const result = await takes(p, worker, message.cashOut(p.voucher(50n * TON)));
  assert.equal(amounts(result, worker)[0], all);
  const s = await p.state();
  assert.deepEqual([s.pool, s.stake, s.fees], [0n, 0n, TON / 20n]);
  await refuses(p, worker, message.cashOut(p.voucher(50n * TON)), 'nothing_to_pay');
  await p.settle(TON);
  const later = await takes(p, worker, message.cashOut(p.voucher(50n * TON)));
  assert.equal(amounts(later, worker)[0], 95n * TON / 100n, 'nothing that is owed is forgotten');
});

test('a payout voucher pays once, and an older one nothing', async () => {
  const p = await setUp({ receive: 2n * TON });
  await takes(p, worker, message.cashOut(p.voucher(TON)));
  await refuses(p, worker, message.cashOut(p.voucher(TON)), 'nothing_to_pay');
  await refuses(p, worker, message.cashOut(p.voucher(TON / 2n)), 'nothing_to_pay');
  const result = await takes(p, worker, message.cashOut(p.voucher(TON + 1n)));
  assert.equal(amounts(result, worker)[0], 1n);
});

test('whoever sends the voucher, the money goes to the worker', async () => {
  const p = await setUp({ receive: 2n * TON });
  const result = await takes(p, stranger, message.cashOut(p.voucher(TON)));
  assert.deepEqual(amounts(result, worker), [TON]);
  assert.ok(amounts(result, stranger)[0] < GAS, 'only the excess goes back to the sender');
  assert.equal(await p.net.balance(walletOf(worker.id)), TON, 'though its wallet is not deployed');
});

test('workers have accounts of their own', async () => {
  const p = await setUp({ receive: 4n * TON });
  await takes(p, worker, message.cashOut(p.voucher(TON)));
  await takes(p, worker, message.cashOut(p.voucher(TON, { worker: second.id })));
  assert.deepEqual([...(await p.state()).paid.values()], [TON, TON]);
  assert.equal((await p.net.get(p.at, 'paid', [{ type: 'int', value: second.id }])).readBigNumber(), TON);
});

for (const [what, fields, by, why] of [
  ['of another network', { network: 1n }, proxy, 'wrong_network'],
  ['by another proxy', { proxy: stranger.id }, proxy, 'wrong_proxy'],
  ['signed by the worker', {}, worker, 'bad_signature'],
]) {
  test(`a payout voucher ${what} pays nothing`, async () => {
    const p = await setUp({ receive: 2n * TON });
    await refuses(p, worker, message.cashOut(p.voucher(TON, fields, by)), why);
  });
}

test('an altered payout voucher pays nothing, whichever byte it is', async () => {
  const p = await setUp({ receive: 2n * TON });
  const whole = payoutBytes({ network: p.net.id, proxy: proxy.id, worker: worker.id, owed: TON });
  for (let i = 0; i < whole.length; i += 1) {
    const altered = Buffer.from(whole);
    altered[i] ^= 1;
    const result = await p.send(worker, message.cashOut({ signature: signature(whole, proxy), statement: statementCell(altered) }));
    assert.notEqual(result.refusal, null, `byte ${i}`);
  }
});

test('a close agreement that the proxy signed is no payout voucher', async () => {
  const p = await setUp({ receive: 2n * TON });
  const bytes = agreementBytes({ network: p.net.id, channel: proxy.id, total: TON, leftovers: worker.id });
  await refuses(p, worker, message.cashOut(signed(bytes, proxy)), 'bad_statement');
});

test('a cash-out must bring its fee, and does not have to fill the rent', async () => {
  const p = await setUp({ receive: 2n * TON });
  p.net.now += 300 * DAY;
  await refuses(p, worker, message.cashOut(p.voucher(TON)), 'value_too_small', TON / 100n);
  const result = await takes(p, worker, message.cashOut(p.voucher(TON)), TON / 10n);
  assert.ok(amounts(result, worker)[1] > TON / 20n, 'the rent is its proxy\'s business');
});

test('a closing contract still pays workers', async () => {
  const p = await setUp({ receive: 2n * TON });
  await p.send(proxy, message.startWithdrawal());
  await takes(p, worker, message.cashOut(p.voucher(TON)));
});

// --- Fees ---

test('fees unlock in proportion to payouts', async () => {
  const p = await setUp({ receive: 2n * TON });
  await refuses(p, proxy, message.takeFees(), 'nothing_to_pay');
  await takes(p, worker, message.cashOut(p.voucher(19n * TON / 20n))); // half of the pool
  const result = await takes(p, proxy, message.takeFees());
  assert.equal(amounts(result, proxy)[0], TON / 20n);
  await refuses(p, proxy, message.takeFees(), 'nothing_to_pay');
  await takes(p, worker, message.cashOut(p.voucher(2n * TON))); // beyond the pool
  const rest = await takes(p, proxy, message.takeFees());
  assert.equal(amounts(rest, proxy)[0], TON / 20n, 'and no more than all of them');
  const s = await p.state();
  assert.deepEqual([s.fees, s.feesTaken], [0n, TON / 10n]);
});

test('where nothing is the workers\', all fees are free', async () => {
  const net = await Network.create({ params: { workerShareE4: 0 } });
  await net.deploy(proxy, 10n * TON);
  const at = net.proxyAddress(proxy);
  await net.send({ from: walletOf(stranger.id), to: at, value: TON + GAS, body: message.settlement(TON, walletOf(client.id)) });
  const result = await net.send({ from: walletOf(proxy.id), to: at, body: message.takeFees() });
  assert.equal(amounts(result, proxy)[0], TON);
});

for (const [name, make] of [['takeFees', () => message.takeFees()], ['startWithdrawal', () => message.startWithdrawal()],
  ['finishWithdrawal', () => message.finishWithdrawal()]]) {
  test(`only the proxy's wallet sends ${name}`, async () => {
    const p = await setUp({ receive: 2n * TON });
    await p.send(worker, message.cashOut(p.voucher(TON)));
    if (name === 'finishWithdrawal') {
      await p.send(proxy, message.startWithdrawal());
      p.net.now += DAY;
    }
    for (const from of [worker, client, stranger]) await refuses(p, from, make(), 'wrong_sender');
    assert.equal((await p.net.send({ from: p.net.root, to: p.at, body: make() })).refusal, 'wrong_sender');
    await takes(p, proxy, make());
  });
  test(`${name} must bring its fee`, async () => {
    const p = await setUp({ receive: 2n * TON });
    await refuses(p, proxy, make(), 'value_too_small', TON / 200n);
  });
}

// --- Withdrawal ---

test('stake and remainder leave after the delay, once', async () => {
  const p = await setUp({ receive: 2n * TON });
  await refuses(p, proxy, message.finishWithdrawal(), 'proxy_not_closing');
  await takes(p, proxy, message.startWithdrawal());
  await refuses(p, proxy, message.startWithdrawal(), 'proxy_not_open');
  p.net.now += DAY - 1;
  await refuses(p, proxy, message.finishWithdrawal(), 'too_early');
  p.net.now += 1;
  const result = await takes(p, proxy, message.finishWithdrawal());
  assert.equal(amounts(result, proxy)[0], 12n * TON);
  const s = await p.state();
  assert.deepEqual([s.phase, s.pool, s.fees, s.stake, s.withdrawn], [3n, 0n, 0n, 0n, 12n * TON]);
  await refuses(p, proxy, message.finishWithdrawal(), 'nothing_to_pay');
  await refuses(p, proxy, message.startWithdrawal(), 'proxy_not_open');
});

test('workers cash until the finishing message: the race is decided by order', async () => {
  const p = await setUp({ receive: 2n * TON });
  await p.send(proxy, message.startWithdrawal());
  p.net.now += 2 * DAY;
  await takes(p, worker, message.cashOut(p.voucher(TON)));
  const result = await takes(p, proxy, message.finishWithdrawal());
  assert.equal(amounts(result, proxy)[0], 11n * TON);
  await refuses(p, worker, message.cashOut(p.voucher(2n * TON)), 'nothing_to_pay');
});

test('an empty contract closes without paying', async () => {
  const p = await setUp();
  await p.send(worker, message.cashOut(p.voucher(10n * TON)));
  await p.send(proxy, message.startWithdrawal());
  p.net.now += DAY;
  await takes(p, proxy, message.finishWithdrawal());
  assert.deepEqual([(await p.state()).phase, (await p.state()).withdrawn], [3n, 0n]);
});

// --- The worker's share ---

test('the root tells a new worker\'s share, which counts for what comes later', async () => {
  const p = await setUp({ receive: TON });
  const result = await p.net.send({ from: p.net.root, to: p.at, body: message.setWorkerShare(walletOf(stranger.id), 5_000) });
  assert.equal(result.refusal, null);
  assert.equal(sentTo(result, walletOf(stranger.id)).length, 1);
  await p.settle(TON);
  const s = await p.state();
  assert.deepEqual([s.workerShareE4, s.pool, s.fees], [5_000n, 145n * TON / 100n, 55n * TON / 100n]);
});

test('a share above one counts as one', async () => {
  const p = await setUp();
  await p.net.send({ from: p.net.root, to: p.at, body: message.setWorkerShare(walletOf(stranger.id), 20_000) });
  await p.settle(TON);
  const s = await p.state();
  assert.deepEqual([s.pool, s.fees], [TON, 0n]);
});

test('nobody else sets the share, not even the proxy', async () => {
  const p = await setUp();
  for (const from of [proxy, worker, stranger]) {
    await refuses(p, from, message.setWorkerShare(walletOf(from.id), 0), 'wrong_sender');
  }
  const result = await p.net.send({ from: p.net.owner, to: p.at, body: message.setWorkerShare(p.net.owner, 0) });
  assert.equal(result.refusal, 'wrong_sender');
});

test('setting the share must bring its fee', async () => {
  const p = await setUp();
  const result = await p.net.send({ from: p.net.root, to: p.at, value: TON / 200n, body: message.setWorkerShare(walletOf(stranger.id), 0) });
  assert.equal(result.refusal, 'value_too_small');
});

// --- Getters ---

test('getters say what can be paid', async () => {
  const p = await setUp({ receive: 2n * TON });
  await p.send(worker, message.cashOut(p.voucher(19n * TON / 20n)));
  assert.equal((await p.net.get(p.at, 'backing')).readBigNumber(), 10n * TON + 19n * TON / 20n);
  assert.equal((await p.net.get(p.at, 'unlockedFees')).readBigNumber(), TON / 20n);
});
