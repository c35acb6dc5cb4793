// The first state of a network of our own: its root contract, from JSON with the names of docs/contracts.md.

import { createHash, randomBytes } from 'node:crypto';
import { beginCell, storeShardAccount } from '@ton/core';
import { createShardAccount } from '@ton/sandbox';
import { CODE } from './code.mjs';
import { address, big, hex, integer, list, object, text, UINT64 } from './input.mjs';
import { model, PARAMS, rootData, text as snake } from './layouts.mjs';
import { stateAddress } from './wallets.mjs';

const TON = 1_000_000_000n;
const DAY = 86_400;
const UINT32 = 0xffff_ffff;
const MAX_ENTRIES = 1_000; // of one list: what one request can carry

/** The parameters of a network whose creator has no wish of its own. */
export const DEFAULT_PARAMS = {
  kind: 1, pricePerToken: 20, multiplierPromptE4: 10_000, multiplierCachedE4: 1_000,
  multiplierCompletionE4: 80_000, multiplierReasoningE4: 80_000, workerShareE4: 9_500,
  priceGrace: 3_600, clientCloseDelay: DAY / 2, proxyCloseDelay: DAY, minDeposit: TON,
  minPayout: TON, minStake: 10n * TON, messageFee: TON / 50n, tombstoneRent: TON / 20n,
  tcbEvaluationFloor: 17,
};

const snakeCase = (name) => name.replace(/E4$/, '_e4').replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);

function readParams(given = {}) {
  object(given, 'params', PARAMS.map(([name]) => snakeCase(name)));
  const out = { ...DEFAULT_PARAMS };
  for (const [name, bits] of PARAMS) {
    const value = given[snakeCase(name)];
    if (value !== undefined) out[name] = big(value, snakeCase(name), { max: (1n << BigInt(bits)) - 1n });
  }
  return out;
}

const keys = (value, name) => list(value, name, MAX_ENTRIES).map((key) => hex(key, name, 32));

function readModel(entry) {
  object(entry, 'models', ['id', 'max_output_tokens', 'template_allowance_tokens']);
  const id = text(entry.id, 'models: id', 1_000);
  const key = BigInt('0x' + createHash('sha256').update(id).digest('hex'));
  return [key, model({
    id,
    maxOutputTokens: integer(entry.max_output_tokens, 'models: max_output_tokens', { max: UINT32 }),
    templateAllowance: integer(entry.template_allowance_tokens, 'models: template_allowance_tokens', { max: UINT32 }),
  })];
}

function readProxy(entry) {
  object(entry, 'proxies', ['account', 'endpoint']);
  return [hex(entry.account, 'proxies: account', 32), snake(text(entry.endpoint, 'proxies: endpoint', 1_000))];
}

/**
 * @return {root, network, account}: the root's address, the network's id in hex, and the account's state in
 *   base64, which is to be put there as it is: a root is not made by a message, so nothing is paid for it
 */
export function rootOf(given, now) {
  object(given, 'network', ['network', 'owner', 'delay', 'params', 'proxy_images', 'worker_images',
    'gpu_measurements', 'models', 'proxies', 'effective', 'balance']);
  const network = given.network === undefined ? randomBytes(16).toString('hex') : given.network;
  const data = rootData({
    network: hex(network, 'network', 16),
    charter: {
      owner: address(given.owner, 'owner'), delay: integer(given.delay, 'delay', { max: UINT32, otherwise: 7 * DAY }),
      channelCode: CODE.channel, proxyCode: CODE.proxy,
    },
    shellCode: CODE.shell,
    registry: {
      effective: integer(given.effective, 'effective', { max: Number.MAX_SAFE_INTEGER, otherwise: now }),
      params: readParams(given.params),
      proxyImages: keys(given.proxy_images, 'proxy_images'),
      workerImages: keys(given.worker_images, 'worker_images'),
      gpuMeasurements: keys(given.gpu_measurements, 'gpu_measurements'),
      models: list(given.models, 'models', MAX_ENTRIES).map(readModel),
      proxies: list(given.proxies, 'proxies', MAX_ENTRIES).map(readProxy),
    },
  });
  const root = stateAddress(CODE.root, data);
  const balance = big(given.balance, 'balance', { max: UINT64, otherwise: 10n * TON });
  const state = createShardAccount({ address: root, code: CODE.root, data, balance });
  const account = beginCell().store(storeShardAccount(state)).endCell().toBoc().toString('base64');
  return { root: root.toRawString(), network: network.toLowerCase(), account };
}
