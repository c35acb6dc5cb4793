// A network in the real TVM: contracts run as they are, wallets are where messages come from.

import assert from 'node:assert/strict';
import { Cell } from '@ton/core';
import { Blockchain, createShardAccount, internal } from '@ton/sandbox';
import { CODE } from '../../apps/ton-devnet/code.mjs';
import * as layouts from '../../apps/ton-devnet/layouts.mjs';
import { DEFAULT_PARAMS as PARAMS } from '../../apps/ton-devnet/network.mjs';
import { account, channelId, number, sha256 } from '../../apps/ton-devnet/statements.mjs';
import { shellAddress, stateAddress, walletOf } from '../../apps/ton-devnet/wallets.mjs';

export { CODE, PARAMS, stateAddress, walletOf };

const { message } = layouts;

export const TON = 1_000_000_000n;
export const START = 1_800_000_000;
export const DAY = 86_400;

/** What a refused message exits with; the names are those of billing/. */
export const REFUSAL = {
  101: 'wrong_sender', 102: 'bad_signature', 103: 'wrong_network', 104: 'wrong_channel',
  105: 'wrong_proxy', 106: 'bad_statement', 107: 'nothing_to_pay', 108: 'too_early',
  111: 'channel_exists', 112: 'channel_not_open', 113: 'channel_not_closing',
  114: 'channel_not_closed', 115: 'channel_closed', 116: 'claim_not_authorised',
  117: 'agreement_out_of_range', 118: 'deposit_too_small', 119: 'proxy_not_registered',
  121: 'proxy_exists', 122: 'proxy_not_open', 123: 'proxy_not_closing', 124: 'proxy_closed',
  125: 'stake_too_small', 131: 'epoch_not_newer', 132: 'bad_registry', 133: 'no_such_entry',
  141: 'value_too_small', 142: 'unknown_message',
};

export const GAS = TON / 5n; // attached beside what a message pays in; the excess comes back

let shared; // starting an executor takes long, and it has no state

export class Network {
  static async create({ params = {}, delay = 7 * DAY, proxies = [], seed = 'network' } = {}) {
    const chain = await Blockchain.create({ config: "slim", ...(shared && { executor: shared }) });
    shared ??= chain.executor;
    chain.recordStorage = false;
    const network = new Network(chain);
    network.id = number(sha256(seed).subarray(0, 16));
    network.owner = walletOf(account('owner').id);
    network.charter = { owner: network.owner, delay, channelCode: CODE.channel, proxyCode: CODE.proxy };
    const data = layouts.rootData({
      network: network.id, charter: network.charter, shellCode: CODE.shell,
      registry: {
        effective: START, params: { ...PARAMS, ...params }, proxyImages: [1n, 2n],
        workerImages: [3n], gpuMeasurements: [],
        models: [[7n, layouts.model({ id: 'm@1:2', maxOutputTokens: 4096, templateAllowance: 64 })]],
        proxies: proxies.map((p) => [p.id, layouts.text('proxy.example:7443')]),
      },
    });
    network.root = stateAddress(CODE.root, data);
    await network.place(network.root, CODE.root, data, 10n * TON);
    return network;
  }

  constructor(chain) {
    this.chain = chain;
    this.now = START;
  }

  async place(address, code, data, balance) {
    await this.chain.setShardAccount(address, createShardAccount({ address, code, data, balance }));
  }

  /** Runs one message at its contract. The messages that this sends are not delivered yet. */
  async step(msg) {
    const contract = await this.chain.getContract(msg.info.dest);
    this.chain.currentLt += 1_000_000n;
    const tx = await contract.receiveMessage(msg, { now: this.now });
    return { tx, out: [...tx.outMessages.values()], ...outcome(tx) };
  }

  /**
   * Sends a message and delivers all that follows. @return the first step's outcome, with all steps,
   * how they ended, in `hops`
   */
  async send({ from, to, value = GAS, body = Cell.EMPTY, bounce = true, init }) {
    const waiting = [internal({ from, to, value, body, bounce, stateInit: init })];
    const hops = [];
    while (waiting.length > 0) {
      const step = await this.step(waiting.shift());
      hops.push(step);
      waiting.push(...step.out.filter((m) => m.info.type === 'internal'));
      assert.ok(hops.length < 50, 'the messages never end');
    }
    return { ...hops[0], hops };
  }

  async data(address) {
    const state = (await this.chain.getContract(address)).accountState;
    return state?.type === 'active' ? state.state.data : null;
  }
  async code(address) {
    const state = (await this.chain.getContract(address)).accountState;
    return state?.type === 'active' ? state.state.code : null;
  }
  async balance(address) {
    return (await this.chain.getContract(address)).balance;
  }
  async get(address, method, stack = []) {
    return (await (await this.chain.getContract(address)).get(method, stack, { now: this.now })).stackReader;
  }

  // --- Shortcuts: a message of a kind, from whom it usually comes ---

  channelTerms({ client, proxy, signer = client, nonce = 1n }) {
    return { network: this.id, client: client.id, proxy: proxy.id, signer: signer.id, nonce };
  }
  channelAddress(terms) {
    return shellAddress(this.root, 1, channelId(terms));
  }
  proxyAddress(account) {
    return shellAddress(this.root, 2, account.id);
  }
  open(terms, deposit, { from = walletOf(terms.client), value = deposit + GAS + TON / 20n } = {}) {
    return this.send({ from, to: this.root, value, body: message.openChannel({ ...terms, deposit }) });
  }
  deploy(account, stake, { from = walletOf(account.id), value = stake + GAS + TON / 5n } = {}) {
    return this.send({ from, to: this.root, value, body: message.deployProxy({ account: account.id, stake }) });
  }
  govern(body, from = this.owner) {
    return this.send({ from, to: this.root, body });
  }
  async channel(address) {
    return layouts.readChannel(await this.data(address));
  }
  async proxy(address) {
    return layouts.readProxy(await this.data(address));
  }
  async registry() {
    return layouts.readRegistry((await this.get(this.root, 'snapshot')).readCell());
  }
  async waiting() {
    const cell = (await this.get(this.root, 'waiting')).readCellOpt();
    return cell === null ? null : layouts.readRegistry(cell);
  }
}

/** How a transaction ended: `refusal` is null where it took effect, else its name or exit code. */
export function outcome(tx) {
  const { computePhase, actionPhase } = tx.description;
  let refusal = null;
  if (computePhase?.type === 'vm' && !computePhase.success) {
    refusal = REFUSAL[computePhase.exitCode] ?? `exit ${computePhase.exitCode}`;
  } else if (actionPhase && !actionPhase.success) {
    refusal = `action ${actionPhase.resultCode}`;
  } else if (computePhase?.type === 'skipped') {
    refusal = `skipped ${computePhase.reason}`;
  }
  return { refusal, gas: computePhase?.type === 'vm' ? computePhase.gasUsed : 0n };
}

/** Whether the value of a refused message came back to its sender, less fees. */
export function bouncedTo(step, address) {
  return step.out.some((m) => m.info.bounced && m.info.dest.equals(address));
}

/** Messages among the hops that went to `address`. */
export function sentTo(result, address) {
  return result.hops.flatMap((h) => h.out).filter((m) => m.info.dest.equals(address));
}
