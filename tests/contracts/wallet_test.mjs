// Real wallets: what is paid to an account's wallet before that is deployed can be spent by its key, and
// contracts take their orders from it.

import assert from 'node:assert/strict';
import test from 'node:test';
import { message } from '../../apps/ton-devnet/layouts.mjs';
import { GAS, Network, TON, walletOf } from './network.mjs';
import { account, payoutBytes, signed } from '../../apps/ton-devnet/statements.mjs';
import { order } from '../../apps/ton-devnet/wallets.mjs';

const [proxy, worker, stranger] = ['proxy', 'worker', 'stranger'].map(account);

test('a worker that was paid before it had a wallet cashes by its own key', async () => {
  const net = await Network.create({ proxies: [proxy] });
  await net.deploy(proxy, 10n * TON);
  const at = net.proxyAddress(proxy);
  const owe = (owed) => message.cashOut(signed(payoutBytes({ network: net.id, proxy: proxy.id, worker: worker.id, owed }), proxy));
  // Somebody else has the first payout made.
  await net.send({ from: walletOf(stranger.id), to: at, body: owe(TON) });
  assert.equal(await net.balance(walletOf(worker.id)), TON);
  // The worker deploys its wallet with what it got, and sends the next voucher itself.
  const step = await net.step(order(worker, { to: at, value: GAS, body: owe(3n * TON), now: net.now }));
  assert.equal(step.refusal, null);
  assert.equal(step.out.length, 1);
  const cashed = await net.step(step.out[0]);
  assert.equal(cashed.refusal, null);
  const paid = cashed.out.filter((m) => m.info.dest.equals(walletOf(worker.id)));
  assert.deepEqual(paid.map((m) => m.info.value.coins === 2n * TON), [true, false]);
  for (const m of paid) assert.equal((await net.step(m)).refusal, null, 'the wallet takes it');
  assert.ok(await net.balance(walletOf(worker.id)) > 3n * TON - GAS);
});

test('a proxy\'s orders come from its wallet, and nobody else\'s wallet will do', async () => {
  const net = await Network.create({ proxies: [proxy] });
  await net.deploy(proxy, 10n * TON);
  const at = net.proxyAddress(proxy);
  for (const [who, refusal] of [[stranger, 'wrong_sender'], [proxy, null]]) {
    await net.send({ from: walletOf(worker.id), to: walletOf(who.id), value: TON, bounce: false });
    const step = await net.step(order(who, { to: at, value: GAS, body: message.startWithdrawal(), now: net.now }));
    assert.equal(step.refusal, null);
    assert.equal((await net.step(step.out[0])).refusal, refusal);
  }
});
