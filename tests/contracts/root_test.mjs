// Every message to the root: opening and deploying, and who may change what, how fast.

import assert from 'node:assert/strict';
import test from 'node:test';
import { beginCell } from '@ton/core';
import { createShardAccount } from '@ton/sandbox';
import { LIST, message, OP, text, model } from '../../apps/ton-devnet/layouts.mjs';
import { bouncedTo, CODE, DAY, GAS, Network, PARAMS, sentTo, TON, walletOf } from './network.mjs';
import { account, channelId } from '../../apps/ton-devnet/statements.mjs';

const [client, proxy, second, stranger] = ['client', 'proxy', 'second proxy', 'stranger'].map(account);
const DELAY = 7 * DAY;

const setUp = (options) => Network.create({ proxies: [proxy], delay: DELAY, ...options });

async function refuses(net, from, body, why, value = GAS) {
  const before = await net.data(net.root);
  const result = await net.send({ from, to: net.root, body, value });
  assert.equal(result.refusal, why);
  assert.ok((await net.data(net.root)).equals(before), 'a refused message changes nothing');
  assert.ok(bouncedTo(result, from), 'a refused message bounces');
}

async function governs(net, body) {
  const result = await net.govern(body);
  assert.equal(result.refusal, null);
  assert.equal(sentTo(result, net.owner).length, 1, 'the excess goes back');
}

// --- OpenChannel ---

test('only a client\'s own wallet opens its channel', async () => {
  const net = await setUp();
  const terms = net.channelTerms({ client, proxy });
  const result = await net.open(terms, TON, { from: walletOf(stranger.id) });
  assert.equal(result.refusal, 'wrong_sender');
  assert.equal(await net.data(net.channelAddress(terms)), null);
});

test('a channel is opened with a registered proxy only', async () => {
  const net = await setUp();
  assert.equal((await net.open(net.channelTerms({ client, proxy: second }), TON)).refusal, 'proxy_not_registered');
});

test('a deposit below the minimum opens nothing', async () => {
  const net = await setUp();
  assert.equal((await net.open(net.channelTerms({ client, proxy }), TON - 1n)).refusal, 'deposit_too_small');
});

test('opening must bring deposit, rent and fee', async () => {
  const net = await setUp();
  const terms = net.channelTerms({ client, proxy });
  const result = await net.open(terms, TON, { value: TON + TON / 20n });
  assert.equal(result.refusal, 'value_too_small');
  assert.ok(bouncedTo(result, walletOf(client.id)));
});

test('the least value that opens a channel opens it', async () => {
  const net = await setUp();
  const terms = net.channelTerms({ client, proxy });
  const result = await net.open(terms, TON, { value: TON + TON / 20n + TON / 20n });
  assert.deepEqual(result.hops.map((h) => h.refusal).slice(0, 2), [null, null]);
  assert.equal(await net.balance(net.channelAddress(terms)), TON + TON / 20n);
});

test('the root holds nobody\'s money', async () => {
  const net = await setUp();
  const before = await net.balance(net.root);
  await net.open(net.channelTerms({ client, proxy }), 5n * TON);
  await net.deploy(proxy, 10n * TON);
  await net.govern(message.remove(LIST.workerImages, 3n));
  assert.equal(await net.balance(net.root), before);
});

test('a channel\'s address follows from its id: any other party or nonce has another', async () => {
  const net = await setUp();
  const base = { client, proxy, nonce: 1n };
  const ids = [base, { ...base, client: second }, { ...base, proxy: second }, { ...base, signer: second },
    { ...base, nonce: 2n }].map((t) => channelId(net.channelTerms(t)));
  assert.equal(new Set(ids).size, 5);
});

test('a deposit for a frozen tombstone comes back through the root', async () => {
  const net = await setUp();
  const terms = net.channelTerms({ client, proxy });
  await net.open(terms, TON);
  const at = net.channelAddress(terms);
  const frozen = createShardAccount({ address: at, code: CODE.channel, data: await net.data(at), balance: 0n });
  frozen.account.storage.state = { type: 'frozen', stateHash: 5n };
  await net.chain.setShardAccount(at, frozen);
  const before = await net.balance(net.root);
  const result = await net.open(terms, 3n * TON);
  assert.match(result.hops[1].refusal, /^skipped/);
  const back = sentTo(result, walletOf(client.id));
  assert.equal(back.length, 1);
  assert.ok(back[0].info.value.coins > 3n * TON);
  assert.equal(await net.balance(net.root), before);
});

// --- DeployProxy ---

test('only a proxy\'s own wallet deploys its contract', async () => {
  const net = await setUp();
  assert.equal((await net.deploy(proxy, 10n * TON, { from: walletOf(stranger.id) })).refusal, 'wrong_sender');
  assert.equal((await net.deploy(proxy, 10n * TON, { from: net.owner })).refusal, 'wrong_sender');
});

test('a stake below the minimum deploys nothing', async () => {
  const net = await setUp();
  assert.equal((await net.deploy(proxy, 10n * TON - 1n)).refusal, 'stake_too_small');
});

test('deploying must bring stake, rent and fee', async () => {
  const net = await setUp();
  const least = 10n * TON + TON / 5n + TON / 20n;
  assert.equal((await net.deploy(proxy, 10n * TON, { value: least - 1n })).refusal, 'value_too_small');
  const result = await net.deploy(proxy, 10n * TON, { value: least });
  assert.deepEqual(result.hops.map((h) => h.refusal).slice(0, 2), [null, null]);
});

// --- PushWorkerShare ---

test('anybody has the root tell a proxy contract the share in force', async () => {
  const net = await setUp();
  await net.deploy(proxy, 10n * TON);
  await net.govern(message.setParams({ ...PARAMS, workerShareE4: 9_000 }));
  const push = () => net.send({ from: walletOf(stranger.id), to: net.root, body: message.pushWorkerShare(proxy.id) });
  await push();
  assert.equal((await net.proxy(net.proxyAddress(proxy))).workerShareE4, 9_500n, 'it still waits');
  net.now += DELAY;
  const result = await push();
  assert.equal((await net.proxy(net.proxyAddress(proxy))).workerShareE4, 9_000n);
  assert.equal(sentTo(result, walletOf(stranger.id)).length, 1);
});

test('where there is no proxy contract, the value comes back', async () => {
  const net = await setUp();
  const before = await net.balance(net.root);
  const result = await net.send({ from: walletOf(stranger.id), to: net.root, body: message.pushWorkerShare(second.id) });
  const back = sentTo(result, walletOf(stranger.id));
  assert.equal(back.length, 1);
  assert.ok(back[0].info.value.coins > GAS * 9n / 10n);
  assert.equal(await net.balance(net.root), before);
});

// --- Who governs ---

const ORDERS = {
  remove: () => message.remove(LIST.workerImages, 3n),
  tighten: () => message.tighten({ tcbEvaluationFloor: 20, clientCloseDelay: 0, proxyCloseDelay: 0 }),
  put: () => message.put(LIST.workerImages, 9n),
  setParams: () => message.setParams({ ...PARAMS, pricePerToken: 21 }),
  proposeCharter: () => message.proposeCharter({ owner: walletOf(stranger.id), delay: 0, channelCode: CODE.channel, proxyCode: CODE.proxy }),
};

for (const [name, make] of Object.entries(ORDERS)) {
  test(`only the owner sends ${name}`, async () => {
    const net = await setUp();
    await net.deploy(proxy, 10n * TON);
    for (const from of [walletOf(stranger.id), walletOf(proxy.id), net.proxyAddress(proxy), net.root]) {
      await refuses(net, from, make(), 'wrong_sender');
    }
    await governs(net, make());
  });
  test(`${name} must bring its fee`, async () => {
    const net = await setUp();
    await refuses(net, net.owner, make(), 'value_too_small', TON / 100n);
  });
}

test('a message that the root does not know bounces; a plain transfer stays', async () => {
  const net = await setUp();
  await refuses(net, net.owner, beginCell().storeUint(0x12345678, 32).endCell(), 'unknown_message');
  const before = await net.balance(net.root);
  const result = await net.send({ from: walletOf(stranger.id), to: net.root, value: TON });
  assert.equal(result.refusal, null);
  assert.ok(await net.balance(net.root) > before + 9n * TON / 10n);
});

// --- Removals act at once ---

for (const [name, list, key, rest] of [['proxyImages', 0, 1n, [2n]], ['workerImages', 1, 3n, []],
  ['models', 3, 7n, []], ['proxies', 4, proxy.id, []]]) {
  test(`an entry of ${name} is removed at once`, async () => {
    const net = await setUp();
    await governs(net, message.remove(list, key));
    const r = await net.registry();
    assert.deepEqual(r[name], rest);
    assert.deepEqual([r.version, r.effective], [2n, BigInt(net.now)]);
    await refuses(net, net.owner, message.remove(list, key), 'no_such_entry');
  });
}

test('a GPU measurement is put and removed', async () => {
  const net = await setUp({ delay: 0 });
  await governs(net, message.put(LIST.gpuMeasurements, 5n));
  assert.deepEqual((await net.registry()).gpuMeasurements, [5n]);
  await governs(net, message.remove(LIST.gpuMeasurements, 5n));
  assert.deepEqual((await net.registry()).gpuMeasurements, []);
});

test('a removed proxy opens no more channels, and existing ones go on', async () => {
  const net = await setUp();
  await net.open(net.channelTerms({ client, proxy }), TON);
  await governs(net, message.remove(LIST.proxies, proxy.id));
  const terms = net.channelTerms({ client, proxy, nonce: 2n });
  assert.equal((await net.open(terms, TON)).refusal, 'proxy_not_registered');
});

test('a list that does not exist is refused', async () => {
  const net = await setUp();
  await refuses(net, net.owner, message.remove(5, 1n), 'bad_registry');
  await refuses(net, net.owner, message.put(5, 1n, text('x')), 'bad_registry');
});

test('a removal reaches what waits, which keeps its time and stays the newer version', async () => {
  const net = await setUp();
  await governs(net, message.put(LIST.workerImages, 9n)); // version 2, waits
  const due = (await net.waiting()).effective;
  net.now += DAY;
  await governs(net, message.remove(LIST.workerImages, 3n)); // version 3 now, what waits is 4
  const waiting = await net.waiting();
  assert.deepEqual([waiting.version, waiting.effective, waiting.workerImages], [4n, due, [9n]]);
  assert.deepEqual([(await net.registry()).version, (await net.registry()).workerImages], [3n, []]);
  net.now = Number(due);
  assert.deepEqual([(await net.registry()).version, (await net.registry()).workerImages], [4n, [9n]]);
  assert.equal(await net.waiting(), null);
});

test('what only waits can be removed at once, too', async () => {
  const net = await setUp();
  await governs(net, message.put(LIST.workerImages, 9n));
  await governs(net, message.remove(LIST.workerImages, 9n));
  assert.deepEqual((await net.waiting()).workerImages, [3n]);
  assert.deepEqual((await net.registry()).workerImages, [3n]);
});

// --- What tightens acts at once ---

test('floor and delays are raised at once, and never lowered', async () => {
  const net = await setUp();
  await governs(net, message.tighten({ tcbEvaluationFloor: 20, clientCloseDelay: DAY, proxyCloseDelay: 2 * DAY }));
  let { params } = await net.registry();
  assert.deepEqual([params.tcbEvaluationFloor, params.clientCloseDelay, params.proxyCloseDelay], [20n, BigInt(DAY), BigInt(2 * DAY)]);
  await governs(net, message.tighten({ tcbEvaluationFloor: 0, clientCloseDelay: 0, proxyCloseDelay: 0 }));
  ({ params } = await net.registry());
  assert.deepEqual([params.tcbEvaluationFloor, params.clientCloseDelay, params.proxyCloseDelay], [20n, BigInt(DAY), BigInt(2 * DAY)]);
});

test('tightening reaches what waits', async () => {
  const net = await setUp();
  await governs(net, message.setParams({ ...PARAMS, pricePerToken: 30 }));
  await governs(net, message.tighten({ tcbEvaluationFloor: 20, clientCloseDelay: 0, proxyCloseDelay: 0 }));
  const { params } = await net.waiting();
  assert.deepEqual([params.pricePerToken, params.tcbEvaluationFloor], [30n, 20n]);
  assert.equal((await net.registry()).params.pricePerToken, 20n);
});

test('delays that break the rules are not tightened to', async () => {
  const net = await setUp();
  const floor = { tcbEvaluationFloor: 0 };
  await refuses(net, net.owner, message.tighten({ ...floor, clientCloseDelay: DAY, proxyCloseDelay: 0 }), 'bad_registry');
  await refuses(net, net.owner, message.tighten({ ...floor, clientCloseDelay: 0, proxyCloseDelay: 90 * DAY + 1 }), 'bad_registry');
});

// --- Everything else waits ---

test('an addition waits out the delay in the open', async () => {
  const net = await setUp();
  await governs(net, message.put(LIST.proxies, second.id, text('second.example:7443')));
  const waiting = await net.waiting();
  assert.deepEqual([waiting.version, waiting.effective], [2n, BigInt(net.now + DELAY)]);
  assert.equal((await net.registry()).version, 1n);
  const terms = net.channelTerms({ client, proxy: second });
  net.now += DELAY - 1;
  assert.equal((await net.open(terms, TON)).refusal, 'proxy_not_registered');
  net.now += 1;
  assert.equal((await net.open(terms, TON)).hops[1].refusal, null);
  assert.deepEqual([(await net.registry()).version, await net.waiting()], [2n, null]);
});

test('a second change builds on what waits, and the whole waits anew', async () => {
  const net = await setUp();
  await governs(net, message.put(LIST.workerImages, 9n));
  net.now += DELAY - 1;
  await governs(net, message.put(LIST.models, 8n, model({ id: 'n@1:2', maxOutputTokens: 1, templateAllowance: 0 })));
  const waiting = await net.waiting();
  assert.deepEqual([waiting.version, waiting.effective, waiting.workerImages, waiting.models],
    [3n, BigInt(net.now + DELAY), [3n, 9n], [7n, 8n]]);
});

test('a price change waits, and counts for channels opened after it', async () => {
  const net = await setUp();
  await governs(net, message.setParams({ ...PARAMS, minDeposit: 3n * TON, clientCloseDelay: 5 }));
  assert.equal((await net.open(net.channelTerms({ client, proxy }), TON)).hops[1].refusal, null);
  net.now += DELAY;
  const terms = net.channelTerms({ client, proxy, nonce: 2n });
  assert.equal((await net.open(terms, TON)).refusal, 'deposit_too_small');
  await net.open(terms, 3n * TON);
  const s = await net.channel(net.channelAddress(terms));
  assert.deepEqual([s.closeDelay, s.minDeposit], [5n, 3n * TON]);
});

for (const [what, change] of [
  ['a kind that is none', { kind: 3 }],
  ['a share above one', { workerShareE4: 10_001 }],
  ['too long a grace', { priceGrace: 90 * DAY + 1 }],
  ['too long a delay', { proxyCloseDelay: 90 * DAY + 1 }],
  ['a proxy delay no longer than the clients\'', { proxyCloseDelay: DAY / 2 }],
  ['a minimal deposit of 20 fees', { minDeposit: 20n * PARAMS.messageFee }],
  ['a minimal payout of 20 fees', { minPayout: 20n * PARAMS.messageFee }],
]) {
  test(`parameters with ${what} are refused`, async () => {
    const net = await setUp();
    await refuses(net, net.owner, message.setParams({ ...PARAMS, ...change }), 'bad_registry');
  });
}

test('entries have a value where the list wants one, and only there', async () => {
  const net = await setUp();
  await refuses(net, net.owner, message.put(LIST.proxyImages, 1n, text('x')), 'bad_registry');
  await refuses(net, net.owner, message.put(LIST.models, 1n), 'bad_registry');
  await refuses(net, net.owner, message.put(LIST.proxies, 1n), 'bad_registry');
});

// --- The charter: owner, delay, code ---

test('a new owner governs after the delay, and the old one until then', async () => {
  const net = await setUp();
  const next = walletOf(second.id);
  await governs(net, message.proposeCharter({ ...net.charter, owner: next, delay: 5 }));
  const enact = () => net.send({ from: walletOf(stranger.id), to: net.root, body: message.enactCharter() });
  net.now += DELAY - 1;
  assert.equal((await enact()).refusal, 'too_early');
  await refuses(net, next, ORDERS.remove(), 'wrong_sender');
  net.now += 1;
  assert.equal((await enact()).refusal, null);
  await refuses(net, net.owner, ORDERS.remove(), 'wrong_sender');
  assert.equal((await net.govern(ORDERS.remove(), next)).refusal, null);
  // The new delay counts now.
  await net.govern(message.put(LIST.workerImages, 9n), next);
  assert.equal((await net.waiting()).effective, BigInt(net.now + 5));
});

test('a proposal is enacted once', async () => {
  const net = await setUp();
  const enact = () => net.send({ from: walletOf(stranger.id), to: net.root, body: message.enactCharter() });
  assert.equal((await enact()).refusal, 'no_such_entry');
  await governs(net, message.proposeCharter(net.charter));
  net.now += DELAY;
  assert.equal((await enact()).refusal, null);
  assert.equal((await enact()).refusal, 'no_such_entry');
});

test('a later proposal takes an earlier one\'s place, and waits as long', async () => {
  const net = await setUp();
  await governs(net, message.proposeCharter({ ...net.charter, owner: walletOf(stranger.id) }));
  net.now += DELAY;
  await governs(net, message.proposeCharter(net.charter));
  const result = await net.send({ from: walletOf(stranger.id), to: net.root, body: message.enactCharter() });
  assert.equal(result.refusal, 'too_early');
});

test('a governance delay above 90 days is refused', async () => {
  const net = await setUp();
  await refuses(net, net.owner, message.proposeCharter({ ...net.charter, delay: 90 * DAY + 1 }), 'bad_registry');
});

test('a charter that cannot be read is refused', async () => {
  const net = await setUp();
  const body = beginCell().storeUint(OP.proposeCharter, 32).storeRef(beginCell().storeUint(1, 8).endCell()).endCell();
  const result = await net.govern(body);
  assert.notEqual(result.refusal, null);
});

// --- Upgrades ---

/** Other code with the same behaviour: a continuation before the channel's. */
const renamed = (code) => beginCell().storeSlice(code.beginParse()).storeUint(0, 8).endCell();

test('new code is for contracts that are installed later, at the addresses that they always had', async () => {
  const net = await setUp();
  const before = net.channelTerms({ client, proxy });
  await net.open(before, TON);
  const channelCode = renamed(CODE.channel);
  const proxyCode = renamed(CODE.proxy);
  await governs(net, message.proposeCharter({ ...net.charter, channelCode, proxyCode }));
  net.now += DELAY;
  await net.send({ from: walletOf(stranger.id), to: net.root, body: message.enactCharter() });
  const after = net.channelTerms({ client, proxy, nonce: 2n });
  await net.open(after, TON);
  await net.deploy(proxy, 10n * TON);
  assert.ok((await net.code(net.channelAddress(before))).equals(CODE.channel));
  assert.ok((await net.code(net.channelAddress(after))).equals(channelCode));
  assert.ok((await net.code(net.proxyAddress(proxy))).equals(proxyCode));
  // A channel that exists is not opened again, whatever the code.
  assert.equal((await net.open(before, TON)).hops[1].refusal, 'channel_exists');
});

test('the root gets new code after the delay, and keeps its state', async () => {
  const net = await setUp();
  const rootCode = renamed(CODE.root);
  await governs(net, message.proposeCharter({ ...net.charter, rootCode }));
  assert.ok((await net.code(net.root)).equals(CODE.root));
  net.now += DELAY;
  const registry = await net.registry();
  await net.send({ from: walletOf(stranger.id), to: net.root, body: message.enactCharter() });
  assert.ok((await net.code(net.root)).equals(rootCode));
  assert.deepEqual(await net.registry(), registry);
  await governs(net, ORDERS.remove());
});
