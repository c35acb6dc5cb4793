// The official client of toncenter's API, against the devnet as it is meant to be used: blocks come by themselves.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Address, Cell, internal, SendMode, toNano } from '@ton/core';
import { keyPairFromSeed } from '@ton/crypto';
import { TonClient, WalletContractV4, WalletContractV5R1 } from '@ton/ton';
import { message, readChannel, readRegistry } from '../../apps/ton-devnet/layouts.mjs';
import { account, channelId, number, sha256 } from '../../apps/ton-devnet/statements.mjs';
import { shellAddress, walletOf } from '../../apps/ton-devnet/wallets.mjs';
import { killAll, until } from '../support/process.mjs';
import { startDevnet, TON } from './devnet.mjs';

let devnet;
let client;
before(async () => {
  devnet = await startDevnet(['--block-ms', '20', '--api-key', 'a key of ours']);
  // Calls of the tests' own carry the key, too.
  const ask = devnet.ask.bind(devnet);
  devnet.ask = (path, options = {}) => ask(path, { ...options, headers: { 'x-api-key': 'a key of ours' } });
  client = new TonClient({ endpoint: `${devnet.url}jsonRPC`, apiKey: 'a key of ours' });
});
after(killAll);

/** A wallet with money, and its key. */
async function wallet(name, kind = WalletContractV5R1, amount = toNano('10')) {
  const keys = keyPairFromSeed(sha256(`ton-devnet test ${name}`));
  const contract = client.open(kind.create({ workchain: 0, publicKey: keys.publicKey }));
  await devnet.tell('faucet', { address: contract.address.toString(), amount: String(amount) });
  return { keys, contract, address: contract.address, id: number(keys.publicKey) };
}

/** Sends by a wallet, and waits until it has counted. */
async function send(from, to, value, body) {
  const seqno = await from.contract.getSeqno();
  await from.contract.sendTransfer({
    seqno, secretKey: from.keys.secretKey, sendMode: SendMode.PAY_GAS_SEPARATELY | SendMode.IGNORE_ERRORS,
    messages: [internal({ to, value, body, bounce: false })],
  });
  await until('the wallet to count', async () => await from.contract.getSeqno() === seqno + 1);
}

for (const [name, kind] of [['v5r1', WalletContractV5R1], ['v4', WalletContractV4]]) {
  test(`a ${name} wallet deploys itself and pays; both sides find it in their history`, async () => {
    const from = await wallet(`payer ${name}`, kind);
    const to = walletOf(account(`paid ${name}`).id);
    assert.equal(await client.isContractDeployed(from.address), false);
    await send(from, to, toNano('1.5'), 'for the test');
    assert.equal(await client.isContractDeployed(from.address), true);
    await until('the money', async () => await client.getBalance(to) === toNano('1.5'));
    const [received] = await client.getTransactions(to, { limit: 10 });
    assert.ok(received.inMessage.info.src.equals(from.address));
    assert.equal(received.inMessage.info.value.coins, toNano('1.5'));
    const history = await client.getTransactions(from.address, { limit: 10 });
    assert.equal(history.length, 2);
    const [paid, funded] = history;
    assert.equal(paid.outMessagesCount, 1);
    assert.equal(paid.prevTransactionLt, funded.lt);
    const found = await client.getTransaction(from.address, String(paid.lt), paid.hash().toString('base64'));
    assert.ok(found.hash().equals(paid.hash()));
    const { lastTransaction, balance } = await client.getContractState(from.address);
    assert.equal(lastTransaction.lt, String(paid.lt));
    assert.ok(balance < toNano('8.5') && balance > toNano('8.4'));
  });
}

test('the v5r1 wallet of the official client is the account\'s wallet', async () => {
  const from = await wallet('address');
  assert.ok(from.address.equals(walletOf(from.id)));
});

test('blocks come by themselves', async () => {
  const { latestSeqno } = await client.getMasterchainInfo();
  await until('three more', async () => (await client.getMasterchainInfo()).latestSeqno >= latestSeqno + 3);
});

test('a network: its registry is read by a get method, and a client opens a channel from its wallet', async () => {
  const from = await wallet('client');
  const proxy = account('proxy');
  const network = 'c0'.repeat(16);
  const { root } = await devnet.tell('network', {
    network, owner: walletOf(account('owner').id).toString(), delay: 3_600,
    params: { price_per_token: '25', min_deposit: String(TON) },
    proxy_images: ['01'.repeat(32)], worker_images: ['02'.repeat(32)],
    models: [{ id: 'demo/echo@1:2', max_output_tokens: 4_096, template_allowance_tokens: 64 }],
    proxies: [{ account: proxy.id.toString(16).padStart(64, '0'), endpoint: 'proxy.example:7443' }],
  });
  const at = Address.parse(root);
  const { stack } = await client.runMethod(at, 'snapshot');
  const registry = readRegistry(stack.readCell());
  assert.equal(registry.params.pricePerToken, 25n);
  assert.deepEqual(registry.proxyImages, [BigInt('0x' + '01'.repeat(32))]);
  assert.deepEqual(registry.models, [number(sha256('demo/echo@1:2'))]);
  assert.deepEqual(registry.proxies, [proxy.id]);
  assert.equal((await client.runMethod(at, 'waiting')).stack.readCellOpt(), null);

  const terms = { network: number(Buffer.from(network, 'hex')), client: from.id, proxy: proxy.id, signer: from.id, nonce: 9n };
  const channel = shellAddress(at, 1, channelId(terms));
  const { stack: computed } = await client.runMethod(at, 'addressOfChannel', [{ type: 'int', value: channelId(terms) }]);
  assert.ok(computed.readAddress().equals(channel));
  await send(from, at, 3n * TON, message.openChannel({ ...terms, deposit: 2n * TON }));
  const state = await until('the channel', async () => {
    const found = await client.getContractState(channel);
    return found.state === 'active' && found.balance > 2n * TON && found;
  });
  assert.equal(readChannel(Cell.fromBoc(state.data)[0]).deposited, 2n * TON);
});

test('a wrong key is turned away', async () => {
  const other = new TonClient({ endpoint: `${devnet.url}jsonRPC`, apiKey: 'another key' });
  await assert.rejects(other.getMasterchainInfo(), (error) => error.response.status === 401);
});
