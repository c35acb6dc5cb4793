// Reads the contracts of a network on TON where they stand: on the chain of apps/ton-devnet.
import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readChannel, readProxy } from '../../apps/ton-devnet/layouts.mjs';
import { channelId, number, sha256 } from '../../apps/ton-devnet/statements.mjs';
import { shellAddress, walletOf } from '../../apps/ton-devnet/wallets.mjs';
import { getKey } from './network.mjs';

export const SERVER =
  join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'apps', 'ton-devnet', 'server.mjs');
const { Address, Cell } = createRequire(SERVER)('@ton/core');

const CHANNEL = 1; // kinds of contract (docs/contracts.md)
const PROXY = 2;

/** The account whose key is in that role's folder, as the contracts have it. */
function accountOf(state, role) {
  const { x } = createPublicKey(readFileSync(join(state, role, 'account.key'))).export({ format: 'jwk' });
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
  return {
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
