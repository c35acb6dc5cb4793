// Every message to a channel: who may send it, with what, when.

import assert from 'node:assert/strict';
import test from 'node:test';
import { beginCell } from '@ton/core';
import { message, OP } from '../../apps/ton-devnet/layouts.mjs';
import { bouncedTo, CODE, DAY, GAS, Network, sentTo, TON, walletOf } from './network.mjs';
import {
  account, agreementBytes, channelId, signature, signed, statementCell, voucherBytes,
} from '../../apps/ton-devnet/statements.mjs';

const [client, signer, proxy, other, stranger] =
  ['client', 'signer', 'proxy', 'other client', 'stranger'].map(account);

/** A network with one proxy and one channel of 5 TON. */
async function setUp({ deploy = true } = {}) {
  const net = await Network.create({ proxies: [proxy] });
  if (deploy) await net.deploy(proxy, 10n * TON);
  const terms = net.channelTerms({ client, proxy, signer });
  await net.open(terms, 5n * TON);
  const at = net.channelAddress(terms);
  const c = {
    net, terms, at, id: channelId(terms),
    send: (from, body, value) => net.send({ from: walletOf(from.id), to: at, body, value }),
    state: () => net.channel(at),
    voucher: (fields = {}, by = signer) => signed(voucherBytes({
      network: net.id, channel: c.id, spent: TON, authorised: 2n * TON, leftovers: client.id, ...fields,
    }), by),
    agreement: (fields = {}) => agreementBytes({
      network: net.id, channel: c.id, total: 2n * TON, leftovers: client.id, ...fields,
    }),
    agree: (bytes, by = signer, second = proxy) =>
      message.closeByAgreement(signed(bytes, by), signature(bytes, second)),
  };
  return c;
}

const closing = async (options) => {
  const c = await setUp(options);
  assert.equal((await c.send(client, message.startClose())).refusal, null);
  return c;
};
const closed = async (options) => {
  const c = await closing(options);
  c.net.now += DAY / 2;
  assert.equal((await c.send(stranger, message.finalise())).refusal, null);
  return c;
};

/** Refused with `why`: nothing has changed, and the value is on its way back. */
async function refuses(c, from, body, why, value = GAS) {
  const before = await c.net.data(c.at);
  const result = await c.send(from, body, value);
  assert.equal(result.refusal, why);
  assert.ok((await c.net.data(c.at)).equals(before), 'a refused message changes nothing');
  assert.ok(bouncedTo(result, walletOf(from.id)), 'a refused message bounces');
}

async function takes(c, from, body, value) {
  const result = await c.send(from, body, value);
  assert.equal(result.refusal, null);
  const { deposited, settled, refunded, rent } = await c.state();
  assert.equal(await c.net.balance(c.at), deposited + rent - settled - refunded, 'it holds what it says');
  return result;
}

// --- Opening ---

test('a channel is opened with the registry\'s terms', async () => {
  const c = await setUp();
  const s = await c.state();
  assert.equal(s.id, c.id);
  assert.deepEqual([s.client, s.proxy, s.signer, s.nonce], [client.id, proxy.id, signer.id, 1n]);
  assert.deepEqual([s.deposited, s.rent, s.minDeposit, s.closeDelay], [5n * TON, TON / 20n, TON, BigInt(DAY / 2)]);
  assert.deepEqual([s.phase, s.leftovers, s.network], [1n, client.id, c.net.id]);
  assert.ok(s.root.equals(c.net.root) && s.proxyContract.equals(c.net.proxyAddress(proxy)));
  assert.ok((await c.net.code(c.at)).equals(CODE.channel));
  assert.equal(await c.net.balance(c.at), 5n * TON + TON / 20n);
});

test('a channel cannot be opened twice: the second deposit goes back', async () => {
  const c = await setUp();
  const before = await c.net.data(c.at);
  const result = await c.net.open(c.terms, 3n * TON);
  assert.equal(result.hops[1].refusal, 'channel_exists');
  const back = sentTo(result, walletOf(client.id));
  assert.equal(back.length, 1);
  assert.ok(back[0].info.value.coins > 3n * TON, 'all but gas comes back');
  assert.ok((await c.net.data(c.at)).equals(before));
});

test('a closed channel stays a tombstone: it is not opened again', async () => {
  const c = await closed();
  const result = await c.net.open(c.terms, 3n * TON);
  assert.equal(result.hops[1].refusal, 'channel_exists');
  assert.equal((await c.state()).phase, 3n);
  await refuses(c, proxy, message.redeem(c.voucher()), 'channel_closed');
});

test('nobody but the root installs a channel', async () => {
  const c = await setUp();
  const terms = c.net.channelTerms({ client, proxy, signer, nonce: 2n });
  const at = c.net.channelAddress(terms);
  const shell = beginCell().storeUint(1, 8).storeUint(channelId(terms), 256).storeAddress(c.net.root).endCell();
  const install = message.install({ payback: walletOf(stranger.id), hold: TON, code: CODE.channel, data: await c.net.data(c.at) });
  const result = await c.net.send({ from: walletOf(stranger.id), to: at, value: 2n * TON, body: install,
    init: { code: CODE.shell, data: shell } });
  assert.equal(result.refusal, 'wrong_sender');
  assert.ok((await c.net.code(at)).equals(CODE.shell), 'it is still empty');
  // And the root still can.
  assert.equal((await c.net.open(terms, 2n * TON)).hops[1].refusal, null);
  assert.equal((await c.net.channel(at)).deposited, 2n * TON);
});

test('a shell takes nothing but Install', async () => {
  const c = await setUp();
  const data = beginCell().storeUint(1, 8).storeUint(5, 256).storeAddress(walletOf(stranger.id)).endCell();
  const at = c.net.channelAddress(c.net.channelTerms({ client, proxy, nonce: 9n }));
  await c.net.place(at, CODE.shell, data, 0n);
  const result = await c.net.send({ from: walletOf(stranger.id), to: at, body: message.topUp(1n) });
  assert.equal(result.refusal, 'unknown_message');
});

test('a channel refuses Install, also by its root', async () => {
  const c = await setUp();
  const install = message.install({ payback: walletOf(stranger.id), hold: 0n, code: CODE.proxy, data: await c.net.data(c.at) });
  await refuses(c, stranger, install, 'channel_exists');
  const result = await c.net.send({ from: c.net.root, to: c.at, body: install });
  assert.equal(result.refusal, 'channel_exists');
  assert.ok((await c.net.code(c.at)).equals(CODE.channel));
});

test('a message that no channel knows bounces', async () => {
  const c = await setUp();
  await refuses(c, client, beginCell().storeUint(0x12345678, 32).endCell(), 'unknown_message');
  await refuses(c, client, beginCell().endCell(), 'unknown_message');
  await refuses(c, client, beginCell().storeUint(OP.topUp, 32).storeUint(1, 63).endCell(), 'exit 9');
});

// --- TopUp ---

test('anybody tops a channel up', async () => {
  const c = await setUp();
  await takes(c, stranger, message.topUp(TON), TON + GAS);
  assert.equal((await c.state()).deposited, 6n * TON);
});

test('a top-up must bring its amount and its fee', async () => {
  const c = await setUp();
  await refuses(c, client, message.topUp(TON), 'value_too_small', TON);
  await refuses(c, client, message.topUp(TON), 'value_too_small', GAS);
});

test('a closing channel takes no top-up', async () => {
  const c = await closing();
  await refuses(c, client, message.topUp(TON), 'channel_not_open', TON + GAS);
});

test('a top-up that no counter can hold is refused', async () => {
  const c = await setUp();
  await refuses(c, client, message.topUp((1n << 64n) - 1n), 'value_too_small', TON);
});

// --- Redeem ---

test('the proxy redeems what was spent, and its contract gets it', async () => {
  const c = await setUp();
  const result = await takes(c, proxy, message.redeem(c.voucher()));
  assert.equal(result.hops[1].refusal, null);
  const s = await c.state();
  assert.deepEqual([s.claimed, s.settled, s.bestSpent, s.bestAuthorised], [TON, TON, TON, 2n * TON]);
  assert.equal((await c.net.proxy(c.net.proxyAddress(proxy))).received, TON);
  const excess = sentTo(result, walletOf(proxy.id));
  assert.equal(excess.length, 1, 'what was not used goes back to the proxy');
});

for (const [who, from] of [['the client', client], ['the signer', signer], ['a stranger', stranger]]) {
  test(`${who} may not redeem`, async () => {
    const c = await setUp();
    await refuses(c, from, message.redeem(c.voucher()), 'wrong_sender');
  });
}

test('the proxy\'s contract may not redeem', async () => {
  const c = await setUp();
  const result = await c.net.send({ from: c.net.proxyAddress(proxy), to: c.at, body: message.redeem(c.voucher()) });
  assert.equal(result.refusal, 'wrong_sender');
});

test('a voucher pays once', async () => {
  const c = await setUp();
  await takes(c, proxy, message.redeem(c.voucher()));
  await refuses(c, proxy, message.redeem(c.voucher()), 'nothing_to_pay');
  await refuses(c, proxy, message.redeem(c.voucher({ spent: TON - 1n })), 'nothing_to_pay');
  await takes(c, proxy, message.redeem(c.voucher({ spent: TON + 1n })));
  assert.equal((await c.state()).settled, TON + 1n);
});

test('a redemption pays no more than the deposit', async () => {
  const c = await setUp();
  await takes(c, proxy, message.redeem(c.voucher({ spent: 9n * TON, authorised: 9n * TON })));
  assert.equal((await c.state()).settled, 5n * TON);
  await refuses(c, proxy, message.redeem(c.voucher({ spent: 10n * TON, authorised: 10n * TON })), 'nothing_to_pay');
});

test('what is authorised and not spent is not redeemed', async () => {
  const c = await setUp();
  await refuses(c, proxy, message.redeem(c.voucher({ spent: 0n })), 'nothing_to_pay');
});

for (const [what, fields, by, why] of [
  ['of another network', { network: 5n }, signer, 'wrong_network'],
  ['of another channel', { channel: 6n }, signer, 'wrong_channel'],
  ['signed by the client, who is not the signer', {}, client, 'bad_signature'],
  ['signed by the proxy', {}, proxy, 'bad_signature'],
  ['that spends more than it authorises', { spent: 3n * TON }, signer, 'bad_statement'],
]) {
  test(`a voucher ${what} pays nothing`, async () => {
    const c = await setUp();
    await refuses(c, proxy, message.redeem(c.voucher(fields, by)), why);
    const d = await closing();
    await refuses(d, proxy, message.present(TON, d.voucher(fields, by)), why);
  });
}

test('an altered voucher pays nothing, whichever byte it is', async () => {
  const c = await setUp();
  const whole = voucherBytes({ network: c.net.id, channel: c.id, spent: TON, authorised: 2n * TON, leftovers: client.id });
  for (let i = 0; i < whole.length; i += 1) {
    const altered = Buffer.from(whole);
    altered[i] ^= 1;
    const v = { signature: signature(whole, signer), statement: statementCell(altered) };
    const result = await c.send(proxy, message.redeem(v));
    assert.notEqual(result.refusal, null, `byte ${i}`);
  }
  const bad = signature(whole, signer);
  for (const i of [0, 31, 32, 63]) {
    const altered = Buffer.from(bad);
    altered[i] ^= 0x10;
    await refuses(c, proxy, message.redeem({ signature: altered, statement: statementCell(whole) }), 'bad_signature');
  }
});

test('a statement of another length or with a reference is refused', async () => {
  const c = await setUp();
  const whole = voucherBytes({ network: c.net.id, channel: c.id, spent: TON, authorised: TON, leftovers: client.id });
  const long = Buffer.concat([whole, Buffer.from([0])]);
  await refuses(c, proxy, message.redeem(signed(long, signer)), 'exit 9');
  await refuses(c, proxy, message.redeem(signed(whole.subarray(0, 99), signer)), 'exit 9');
  const withRef = { signature: signature(whole, signer),
    statement: beginCell().storeBuffer(whole).storeRef(beginCell().endCell()).endCell() };
  await refuses(c, proxy, message.redeem(withRef), 'bad_statement');
});

test('a close agreement is no voucher, though its signature is sound', async () => {
  const c = await setUp();
  await refuses(c, proxy, message.redeem(signed(c.agreement(), signer)), 'bad_statement');
});

test('the newest voucher says who gets what is left', async () => {
  const c = await setUp();
  await takes(c, proxy, message.redeem(c.voucher({ leftovers: other.id })));
  assert.equal((await c.state()).leftovers, other.id);
  // An older one pays what it must, and changes nothing else.
  await takes(c, proxy, message.redeem(c.voucher({ spent: TON + 1n, authorised: 2n * TON - 1n, leftovers: stranger.id })));
  assert.equal((await c.state()).leftovers, other.id);
  // Of two that authorise the same, the one that spends more is newer; the same again is not.
  await takes(c, proxy, message.redeem(c.voucher({ spent: TON + 2n, leftovers: client.id })));
  assert.equal((await c.state()).leftovers, client.id);
});

test('a redemption must bring its fee', async () => {
  const c = await setUp();
  await refuses(c, proxy, message.redeem(c.voucher()), 'value_too_small', TON / 50n);
});

// --- Closing ---

for (const [who, from] of [['the client', client], ['the signer', signer], ['the proxy', proxy]]) {
  test(`${who} may start a close`, async () => {
    const c = await setUp();
    await takes(c, from, message.startClose());
    const s = await c.state();
    assert.deepEqual([s.phase, s.finalAt], [2n, BigInt(c.net.now + DAY / 2)]);
  });
}

test('a stranger may not start a close', async () => {
  const c = await setUp();
  await refuses(c, stranger, message.startClose(), 'wrong_sender');
});

test('a close is started once: a second one does not move its end', async () => {
  const c = await closing();
  c.net.now += 100;
  await refuses(c, proxy, message.startClose(), 'channel_not_open');
});

test('while a channel closes, the proxy presents what is authorised', async () => {
  const c = await closing();
  await takes(c, proxy, message.present(2n * TON, c.voucher()));
  assert.equal((await c.state()).settled, 2n * TON);
  await refuses(c, proxy, message.present(2n * TON, c.voucher()), 'nothing_to_pay');
});

test('a closing channel still redeems', async () => {
  const c = await closing();
  await takes(c, proxy, message.redeem(c.voucher()));
});

test('an open channel pays nothing that is only authorised', async () => {
  const c = await setUp();
  await refuses(c, proxy, message.present(2n * TON, c.voucher()), 'channel_not_closing');
});

test('a claim above what the voucher authorises is refused', async () => {
  const c = await closing();
  await refuses(c, proxy, message.present(2n * TON + 1n, c.voucher()), 'claim_not_authorised');
});

for (const [who, from] of [['the client', client], ['the signer', signer], ['a stranger', stranger]]) {
  test(`${who} may not present`, async () => {
    const c = await closing();
    await refuses(c, from, message.present(TON, c.voucher()), 'wrong_sender');
  });
}

test('a presentation must bring its fee', async () => {
  const c = await closing();
  await refuses(c, proxy, message.present(TON, c.voucher()), 'value_too_small', TON / 50n);
});

test('anybody finalises, but not before the delay is over', async () => {
  const c = await closing();
  c.net.now += DAY / 2 - 1;
  await refuses(c, client, message.finalise(), 'too_early');
  c.net.now += 1;
  const result = await takes(c, stranger, message.finalise());
  const refund = sentTo(result, walletOf(client.id));
  assert.deepEqual(refund.map((m) => m.info.value.coins), [5n * TON]);
  assert.equal((await c.state()).phase, 3n);
  assert.equal(await c.net.balance(c.at), TON / 20n, 'the rent stays');
});

test('an open channel is not finalised, nor a closed one again', async () => {
  const c = await setUp();
  await refuses(c, client, message.finalise(), 'channel_not_closing');
  const d = await closed();
  await refuses(d, client, message.finalise(), 'channel_not_closing');
});

test('vouchers may be presented until the finalising message: the race is decided by order', async () => {
  const c = await closing();
  c.net.now += DAY;
  await takes(c, proxy, message.present(2n * TON, c.voucher()));
  const result = await takes(c, client, message.finalise());
  assert.deepEqual(sentTo(result, walletOf(client.id)).map((m) => m.info.value.coins > 2n * TON), [true, false]);
  assert.equal((await c.state()).refunded, 3n * TON);
  await refuses(c, proxy, message.present(2n * TON, c.voucher({ spent: 2n * TON })), 'channel_closed');
});

test('what is left goes to the account that the newest voucher names, deployed or not', async () => {
  const c = await closing();
  await takes(c, proxy, message.present(TON, c.voucher({ leftovers: other.id })));
  c.net.now += DAY;
  await takes(c, client, message.finalise());
  assert.equal(await c.net.balance(walletOf(other.id)), 4n * TON);
});

// --- Closing by agreement ---

test('an agreement closes at once and pays both sides', async () => {
  const c = await setUp();
  const result = await takes(c, stranger, c.agree(c.agreement({ leftovers: other.id })));
  const s = await c.state();
  assert.deepEqual([s.phase, s.settled, s.refunded, s.leftovers], [3n, 2n * TON, 3n * TON, other.id]);
  assert.deepEqual(sentTo(result, walletOf(other.id)).map((m) => m.info.value.coins), [3n * TON]);
  assert.equal((await c.net.proxy(c.net.proxyAddress(proxy))).received, 2n * TON);
});

test('a closing channel is closed by agreement, too', async () => {
  const c = await closing();
  await takes(c, client, c.agree(c.agreement()));
});

for (const [what, fields, by, second, why] of [
  ['of another network', { network: 1n }, signer, proxy, 'wrong_network'],
  ['of another channel', { channel: 1n }, signer, proxy, 'wrong_channel'],
  ['without the signer\'s signature', {}, client, proxy, 'bad_signature'],
  ['without the proxy\'s signature', {}, signer, signer, 'bad_signature'],
  ['on more than the deposit', { total: 5n * TON + 1n }, signer, proxy, 'agreement_out_of_range'],
]) {
  test(`an agreement ${what} closes nothing`, async () => {
    const c = await setUp();
    await refuses(c, client, c.agree(c.agreement(fields), by, second), why);
  });
}

test('an agreement takes back nothing that was claimed', async () => {
  const c = await setUp();
  await takes(c, proxy, message.redeem(c.voucher()));
  await refuses(c, client, c.agree(c.agreement({ total: TON - 1n })), 'agreement_out_of_range');
  await takes(c, client, c.agree(c.agreement({ total: TON })));
});

test('a closed channel is not closed again by agreement', async () => {
  const c = await closed();
  await refuses(c, client, c.agree(c.agreement({ total: 0n })), 'channel_closed');
});

test('an agreement must bring its fee', async () => {
  const c = await setUp();
  await refuses(c, client, c.agree(c.agreement()), 'value_too_small', TON / 50n);
});

// --- Bounces ---

test('a settlement to a proxy contract that is not deployed comes back, and pays again later', async () => {
  const c = await setUp({ deploy: false });
  const result = await c.send(proxy, message.redeem(c.voucher()));
  assert.equal(result.hops[1].refusal, 'skipped no-state');
  const s = await c.state();
  assert.deepEqual([s.claimed, s.settled], [TON, 0n]);
  assert.equal(await c.net.balance(c.at), 5n * TON + TON / 20n);
  assert.equal(sentTo(result, walletOf(proxy.id)).length, 1, 'the rest of the value goes back');
  await c.net.deploy(proxy, 10n * TON);
  await takes(c, proxy, message.redeem(c.voucher()));
  assert.equal((await c.net.proxy(c.net.proxyAddress(proxy))).received, TON);
});

test('a bounced settlement of a closed channel is sent again by anybody', async () => {
  const c = await setUp({ deploy: false });
  await c.send(client, c.agree(c.agreement()));
  let s = await c.state();
  assert.deepEqual([s.phase, s.settled, s.refunded], [3n, 0n, 3n * TON]);
  await c.send(stranger, message.resend());
  assert.equal((await c.state()).settled, 0n);
  assert.equal(await c.net.balance(c.at), 2n * TON + TON / 20n);
  await c.net.deploy(proxy, 10n * TON);
  await takes(c, stranger, message.resend());
  s = await c.state();
  assert.deepEqual([s.settled, s.refunded], [2n * TON, 3n * TON]);
  await refuses(c, stranger, message.resend(), 'nothing_to_pay');
});

test('only a closed channel sends again', async () => {
  const c = await setUp();
  await refuses(c, stranger, message.resend(), 'channel_not_closed');
  const d = await closing();
  await refuses(d, stranger, message.resend(), 'channel_not_closed');
});

test('resending and finalising must bring their fee', async () => {
  const c = await closing();
  c.net.now += DAY;
  await refuses(c, client, message.finalise(), 'value_too_small', TON / 50n);
  const d = await closed();
  await refuses(d, client, message.resend(), 'value_too_small', TON / 50n);
});

test('what looks like a bounce and is none changes nothing', async () => {
  const c = await setUp();
  await takes(c, proxy, message.redeem(c.voucher()));
  const forged = beginCell().storeUint(0xfffffffe, 32)
    .storeRef(message.settlement(TON, walletOf(stranger.id))).endCell();
  await refuses(c, stranger, forged, 'unknown_message');
});

test('starting a close must bring its fee', async () => {
  const c = await setUp();
  await refuses(c, client, message.startClose(), 'value_too_small', TON / 200n);
});
