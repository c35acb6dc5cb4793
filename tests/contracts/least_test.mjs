// The least value that a message must bring is enough for all that it causes, also for a bounce; a
// nanoton less is refused before anything happens (fees.tolk).

import assert from 'node:assert/strict';
import test from 'node:test';
import { createShardAccount } from '@ton/sandbox';
import { epochData, LIST, message, withPaid } from '../../apps/ton-devnet/layouts.mjs';
import { CODE, DAY, Network, PARAMS, sentTo, TON, walletOf } from './network.mjs';
import {
  account, agreementBytes, channelId, epochBytes, number, payoutBytes, sha256, signature, signed, voucherBytes,
} from '../../apps/ton-devnet/statements.mjs';
import { stateAddress } from '../../apps/ton-devnet/wallets.mjs';

const [client, proxy, worker] = ['client', 'proxy', 'worker'].map(account);
const [c, p, w] = [client, proxy, worker].map((a) => walletOf(a.id));
const NOTE = TON / 100n;
const PAY = TON / 50n;
const SETTLE = TON / 25n;

async function setUp({ deploy = true } = {}) {
  const net = await Network.create({ proxies: [proxy] });
  if (deploy) await net.deploy(proxy, 10n * TON);
  const terms = net.channelTerms({ client, proxy });
  await net.open(terms, 5n * TON);
  const id = channelId(terms);
  return {
    net, at: net.channelAddress(terms), pc: net.proxyAddress(proxy),
    voucher: (spent) => signed(voucherBytes({ network: net.id, channel: id, spent, authorised: 2n * TON, leftovers: client.id }), client),
    payout: (owed) => signed(payoutBytes({ network: net.id, proxy: proxy.id, worker: worker.id, owed }), proxy),
    agree: () => {
      const bytes = agreementBytes({ network: net.id, channel: id, total: TON, leftovers: client.id });
      return message.closeByAgreement(signed(bytes, client), signature(bytes, proxy));
    },
  };
}

/** Sends a nanoton less than the least, then the least. @return all steps at contracts */
async function atLeast(net, from, to, value, body, init) {
  const less = await net.send({ from, to, value: value - 1n, body, init });
  assert.equal(less.refusal, 'value_too_small');
  const result = await net.send({ from, to, value, body, init });
  assert.equal(result.refusal, null);
  return result.hops.filter((h) => !h.refusal?.startsWith('skipped'));
}
const noneRefused = (hops) => assert.deepEqual(hops.map((h) => h.refusal), hops.map(() => null));

async function holds({ net, at }) {
  const s = await net.channel(at);
  assert.equal(await net.balance(at), s.deposited + s.rent - s.settled - s.refunded);
  return s;
}

test('top-up and start of a close', async () => {
  const s = await setUp();
  noneRefused(await atLeast(s.net, c, s.at, TON + NOTE, message.topUp(TON)));
  noneRefused(await atLeast(s.net, c, s.at, NOTE, message.startClose()));
  await holds(s);
});

test('redeeming, to a proxy contract that takes it', async () => {
  const s = await setUp();
  noneRefused(await atLeast(s.net, p, s.at, SETTLE, message.redeem(s.voucher(TON))));
  assert.equal((await s.net.proxy(s.pc)).received, TON);
  await holds(s);
});

test('redeeming a nanoton, to a proxy contract that is not there: all of it comes back', async () => {
  const s = await setUp({ deploy: false });
  await atLeast(s.net, p, s.at, SETTLE, message.redeem(s.voucher(1n)));
  assert.equal((await holds(s)).settled, 0n);
});

test('redeeming, to a proxy contract that refuses: all of it comes back', async () => {
  const s = await setUp();
  await s.net.send({ from: p, to: s.pc, body: message.startWithdrawal() });
  s.net.now += DAY;
  await s.net.send({ from: p, to: s.pc, body: message.finishWithdrawal() });
  await s.net.send({ from: c, to: s.at, value: TON, body: message.topUp(1n) }); // pays the day's storage
  await atLeast(s.net, p, s.at, SETTLE, message.redeem(s.voucher(TON)));
  assert.equal((await holds(s)).settled, 0n);
});

test('presenting, finalising with both payments, and a bounce of the last', async () => {
  for (const deploy of [true, false]) {
    const s = await setUp({ deploy });
    await s.net.send({ from: c, to: s.at, body: message.startClose() });
    await atLeast(s.net, p, s.at, SETTLE, message.present(TON, s.voucher(TON)));
    s.net.now += DAY;
    await s.net.chain.setShardAccount(s.at, createShardAccount({ address: s.at, code: CODE.channel,
      data: await s.net.data(s.at), balance: await s.net.balance(s.at) })); // without the day's storage
    await atLeast(s.net, c, s.at, SETTLE, message.finalise());
    const state = await holds(s);
    assert.deepEqual([state.phase, state.refunded, state.settled], [3n, 4n * TON, deploy ? TON : 0n]);
    if (!deploy) {
      await atLeast(s.net, c, s.at, SETTLE, message.resend());
      assert.equal((await holds(s)).settled, 0n);
    }
  }
});

test('closing by agreement, taken and bounced', async () => {
  for (const deploy of [true, false]) {
    const s = await setUp({ deploy });
    await atLeast(s.net, c, s.at, SETTLE, s.agree());
    assert.deepEqual([(await holds(s)).settled, (await holds(s)).refunded], [deploy ? TON : 0n, 4n * TON]);
  }
});

test('a cash-out for the first time beside 10,000 workers', async () => {
  const s = await setUp();
  const many = Array.from({ length: 10_000 }, (_, i) => [number(sha256(`w${i}`)), TON]);
  await s.net.place(s.pc, CODE.proxy, withPaid(await s.net.data(s.pc), many), 10n * TON + TON / 5n);
  noneRefused(await atLeast(s.net, w, s.pc, PAY, message.cashOut(s.payout(TON))));
});

test('the orders of a proxy', async () => {
  const s = await setUp();
  await s.net.send({ from: p, to: s.at, body: message.redeem(s.voucher(TON)) });
  noneRefused(await atLeast(s.net, w, s.pc, PAY, message.cashOut(s.payout(TON / 2n))));
  noneRefused(await atLeast(s.net, p, s.pc, PAY, message.takeFees()));
  noneRefused(await atLeast(s.net, p, s.pc, TON + NOTE, message.addStake(TON)));
  noneRefused(await atLeast(s.net, p, s.pc, NOTE, message.startWithdrawal()));
  s.net.now += DAY;
  const hops = await atLeast(s.net, p, s.pc, PAY, message.finishWithdrawal());
  noneRefused(hops);
});

test('the root\'s messages', async () => {
  const s = await setUp();
  const { owner, root } = s.net;
  for (const body of [message.put(LIST.workerImages, 9n), message.remove(LIST.workerImages, 9n),
    message.setParams({ ...PARAMS, pricePerToken: 21 }), message.proposeCharter(s.net.charter),
    message.tighten({ tcbEvaluationFloor: 20, clientCloseDelay: 0, proxyCloseDelay: 0 }),
    message.pushWorkerShare(proxy.id)]) {
    noneRefused(await atLeast(s.net, owner, root, PAY, body));
  }
  s.net.now += 7 * DAY;
  noneRefused(await atLeast(s.net, owner, root, PAY, message.enactCharter()));
});

test('an epoch record, the first and the next', async () => {
  const { net } = await setUp();
  const data = epochData(net.id, worker.id);
  const at = stateAddress(CODE.epoch, data);
  const record = (n) => message.publishEpoch(signed(epochBytes({ network: net.id, epoch: n, bootKeyHash: 1n }), worker));
  const first = await net.send({ from: w, to: at, value: TON / 20n + NOTE, body: record(1n), init: { code: CODE.epoch, data } });
  assert.equal(first.refusal, null);
  noneRefused(await atLeast(net, w, at, NOTE, record(2n)));
  assert.ok(sentTo(first, w).length === 1);
});
