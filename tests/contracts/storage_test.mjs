// What a year without a message does: storage is paid for, and nobody's money is stuck or short.

import assert from 'node:assert/strict';
import test from 'node:test';
import { message, withPaid } from '../../apps/ton-devnet/layouts.mjs';
import { CODE, DAY, GAS, Network, sentTo, TON, walletOf } from './network.mjs';
import { account, channelId, number, payoutBytes, sha256, signed, voucherBytes } from '../../apps/ton-devnet/statements.mjs';

const [client, proxy, worker] = ['client', 'proxy', 'worker'].map(account);
const YEAR = 365 * DAY;

async function setUp() {
  const net = await Network.create({ proxies: [proxy] });
  await net.deploy(proxy, 10n * TON);
  const terms = net.channelTerms({ client, proxy });
  await net.open(terms, 5n * TON);
  return { net, at: net.channelAddress(terms), id: channelId(terms), pc: net.proxyAddress(proxy) };
}
const spent = ({ net, id }, amount) => message.redeem(signed(voucherBytes({
  network: net.id, channel: id, spent: amount, authorised: amount, leftovers: client.id }), client));
const owe = (net, owed) => message.cashOut(signed(payoutBytes({ network: net.id, proxy: proxy.id, worker: worker.id, owed }), proxy));

test('after a year a channel redeems as ever; the message pays the storage', async () => {
  const c = await setUp();
  c.net.now += YEAR;
  const result = await c.net.send({ from: walletOf(proxy.id), to: c.at, body: spent(c, TON) });
  assert.deepEqual(result.hops.slice(0, 2).map((h) => h.refusal), [null, null]);
  assert.ok(result.tx.description.storagePhase.storageFeesCollected > TON / 100n, 'a year has its price');
  assert.equal(await c.net.balance(c.at), 4n * TON + TON / 20n, 'the rent is whole again');
});

test('after ten years the client gets its deposit to the nanoton', async () => {
  const c = await setUp();
  const send = (body) => c.net.send({ from: walletOf(client.id), to: c.at, body });
  c.net.now += 10 * YEAR;
  assert.equal((await send(message.startClose())).refusal, null);
  c.net.now += DAY;
  const result = await send(message.finalise());
  assert.equal(result.refusal, null);
  assert.equal(sentTo(result, walletOf(client.id))[0].info.value.coins, 5n * TON);
});

test('a message that does not make up for the storage is refused, and a larger one is not', async () => {
  const c = await setUp();
  c.net.now += 10 * YEAR;
  const send = (value) => c.net.send({ from: walletOf(client.id), to: c.at, value, body: message.startClose() });
  assert.equal((await send(TON / 10n)).refusal, 'value_too_small');
  assert.equal((await send(TON / 5n)).refusal, null);
});

test('a tombstone lives from its rent for years', async () => {
  const c = await setUp();
  const send = (body) => c.net.send({ from: walletOf(client.id), to: c.at, body });
  await send(message.startClose());
  c.net.now += DAY;
  await send(message.finalise());
  c.net.now += 3 * YEAR;
  assert.equal((await send(message.resend())).refusal, 'nothing_to_pay');
  assert.ok(await c.net.balance(c.at) > 0n);
  // Even in debt it is there: the network freezes an account only from 0.1 TON of debt on.
  c.net.now += 5 * YEAR;
  const open = await c.net.open(c.net.channelTerms({ client, proxy }), 2n * TON);
  assert.equal(open.hops[1].refusal, 'channel_exists');
});

test('a proxy contract pays a year of 1,000 workers\' accounts, then its callers do', async () => {
  const c = await setUp();
  const many = Array.from({ length: 1_000 }, (_, i) => [number(sha256(`w${i}`)), 1n]);
  await c.net.place(c.pc, CODE.proxy, withPaid(await c.net.data(c.pc), many), 10n * TON + TON / 5n);
  await c.net.send({ from: walletOf(worker.id), to: c.pc, body: owe(c.net, TON) });
  c.net.now += YEAR / 5;
  const soon = await c.net.send({ from: walletOf(worker.id), to: c.pc, body: owe(c.net, 2n * TON) });
  assert.equal(soon.refusal, null, 'within its rent');
  c.net.now += YEAR;
  const before = await c.net.data(c.pc);
  const late = await c.net.send({ from: walletOf(worker.id), to: c.pc, body: owe(c.net, 3n * TON) });
  assert.equal(late.refusal, 'value_too_small');
  assert.ok((await c.net.data(c.pc)).equals(before), 'what it is owed is not forgotten');
  // Whoever needs it pays it in: here the proxy, with a plain settlement.
  await c.net.send({ from: walletOf(client.id), to: c.at, value: 2n * TON, body: message.topUp(TON) });
  const redeemed = await c.net.send({ from: walletOf(proxy.id), to: c.at, value: 2n * TON, body: spent(c, TON) });
  assert.deepEqual(redeemed.hops.slice(0, 2).map((h) => h.refusal), [null, null]);
  const paid = await c.net.send({ from: walletOf(worker.id), to: c.pc, body: owe(c.net, 3n * TON) });
  assert.equal(paid.refusal, null);
  assert.equal(sentTo(paid, walletOf(worker.id))[0].info.value.coins, TON);
});

test('a redemption whose value does not make up for the proxy contract\'s storage bounces, and loses nothing', async () => {
  const c = await setUp();
  await c.net.place(c.pc, CODE.proxy, await c.net.data(c.pc), 10n * TON - TON / 2n);
  const result = await c.net.send({ from: walletOf(proxy.id), to: c.at, value: GAS, body: spent(c, TON) });
  assert.equal(result.hops[1].refusal, 'value_too_small');
  assert.equal((await c.net.channel(c.at)).settled, 0n);
  assert.equal(await c.net.balance(c.at), 5n * TON + TON / 20n);
});

test('the root pays its storage itself, and takes gifts for it', async () => {
  const c = await setUp();
  c.net.now += 5 * YEAR;
  const before = await c.net.balance(c.net.root);
  const result = await c.net.govern(message.remove(1, 3n));
  assert.equal(result.refusal, null);
  assert.ok(await c.net.balance(c.net.root) < before);
});
