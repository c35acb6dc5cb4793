// Reads the contracts of a network on TON where they stand: on the chain of apps/ton-devnet.
import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LIST, message, readChannel, readProxy } from '../../apps/ton-devnet/layouts.mjs';
import { channelId, number, sha256 } from '../../apps/ton-devnet/statements.mjs';
import { order, shellAddress, walletOf } from '../../apps/ton-devnet/wallets.mjs';
import { getKey } from './network.mjs';

export const SERVER =
  join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'apps', 'ton-devnet', 'server.mjs');
const { Address, beginCell, Cell, storeMessage } = createRequire(SERVER)('@ton/core');

const CHANNEL = 1; // kinds of contract (docs/contracts.md)
const PROXY = 2;

const keyOf = (state, role) => readFileSync(join(state, role, 'account.key'));

/** The account whose key is in that role's folder, as the contracts have it. */
function accountOf(state, role) {
  const { x } = createPublicKey(keyOf(state, role)).export({ format: 'jwk' });
  return number(Buffer.from(x, 'base64url'));
}

/** The chain of the network in folder `state`; `base` says where it is, if not where its roles find it. */
export function chainOf(state, base) {
  const url = base ?? getKey(join(state, 'client.toml'), 'endpoints')[0].replace('/api/v2', '');
  const key = readFileSync(join(state, 'ton.key'), 'utf8').trim();
  const site = JSON.parse(readFileSync(join(state, 'ton-network.json'), 'utf8'));
  const network = number(Buffer.from(site.network, 'hex'));
  const root = Address.parse(site.root);
  const [client, proxy, worker] = ['client', 'proxy', 'worker-1'].map((role) => accountOf(state, role));

  async function ask(path, { method, body } = {}) {
    const answer = await fetch(url + path, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      body: body && JSON.stringify(body),
      headers: { 'x-api-key': key, ...(body && { 'content-type': 'application/json' }) },
    });
    const { result, error } = await answer.json();
    assert.equal(answer.status, 200, error);
    return result;
  }
  const account = (address) =>
    ask('/api/v2/getAddressInformation', { body: { address: address.toRawString() } });
  const data = async (address) => Cell.fromBase64((await account(address)).data);

  const parties = [network, client, proxy].map((n, i) => Buffer.from(
    n.toString(16).padStart(i === 0 ? 32 : 64, '0'), 'hex'));
  const nonce = number(sha256('CCN1', ...parties, Buffer.alloc(4)).subarray(0, 16));
  const channelAt = shellAddress(root, CHANNEL, channelId({ network, client, proxy, signer: client, nonce }));
  /** The registry's owner, whose key is the keeper's. */
  const owner = { id: accountOf(state, 'keeper'), key: createPrivateKey(keyOf(state, 'keeper')) };
  return {
    url,
    channelAddress: channelAt.toRawString(),
    proxyAddress: shellAddress(root, PROXY, proxy).toRawString(),
    advance: (seconds) => ask('/devnet/time', { body: { advance: seconds } }),
    /** What is at an address, in any form. */
    balance: async (address) => BigInt((await account(Address.parse(address))).balance),
    /** Has the owner take a worker image out of the registry: the first order of its wallet. */
    removeWorkerImage: async (hash) => {
      const address = walletOf(owner.id).toRawString();
      await ask('/devnet/faucet', { body: { address, amount: '10000000000' } });
      const { utime } = await ask('/devnet/status');
      const body = message.remove(LIST.workerImages, BigInt('0x' + hash));
      const signed = order(owner, { to: root, value: 1_000_000_000n, body, now: utime });
      const boc = beginCell().store(storeMessage(signed)).endCell().toBoc().toString('base64');
      await ask('/api/v2/sendBoc', { body: { boc } });
    },
    faults: (body) => ask('/devnet/faults', { body }),
    shownFaults: () => ask('/devnet/faults'),
    endFaults: () => ask('/devnet/faults', { method: 'DELETE' }),
    /** The first channel of client and proxy. */
    channel: async () => readChannel(await data(channelAt)),
    proxy: async () => readProxy(await data(shellAddress(root, PROXY, proxy))),
    /** What the proxy's contract has paid to the first worker. */
    paid: async () => readProxy(await data(shellAddress(root, PROXY, proxy))).paid.get(worker) ?? 0n,
    wallet: async (role) => BigInt((await account(walletOf(accountOf(state, role)))).balance),
  };
}
