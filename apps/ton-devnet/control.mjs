// What is asked of the devnet itself, under /devnet/: money, time, blocks, snapshots, faults.

import { randomBytes } from 'node:crypto';
import { Address, beginCell, Cell, internal, loadTransaction, storeMessage } from '@ton/core';
import { address, big, integer, object, text } from './input.mjs';
import { MAX_ADVANCE, MAX_BLOCKS_AT_ONCE, MAX_FAUCET, MAX_SNAPSHOTS } from './limits.mjs';
import { rootOf } from './network.mjs';
import { Refusal } from './refusal.mjs';
import { NO_ACCOUNT } from './tvm.mjs';

/** Where the faucet's money comes from: nobody has its key, and it is not charged. */
const FAUCET = new Address(0, Buffer.alloc(32, 0xff));

const statusOf = (chain) => ({
  seqno: chain.head.seqno, utime: chain.head.utime, pool: chain.pool.length, queue: chain.queue.length,
});

/** How a transaction ended, for a reader that steps through blocks. */
function summary({ account, lt, hash, boc }) {
  const { description } = loadTransaction(Cell.fromBase64(boc).beginParse());
  const compute = description.computePhase;
  return {
    account, lt, hash, aborted: description.aborted === true,
    exit_code: compute?.type === 'vm' ? compute.exitCode : null,
  };
}

export class Control {
  constructor({ chain, clock, faults }) {
    Object.assign(this, { chain, clock, faults });
    this.snapshots = new Map();
  }

  /** By method and path. */
  routes = {
    'GET status': () => statusOf(this.chain),
    'GET faults': () => this.faults.settings,
    'POST faults': (given) => {
      this.faults.set(given);
      return this.faults.settings;
    },
    'DELETE faults': () => {
      this.faults.clear();
      return this.faults.settings;
    },
    'POST faucet': (given) => this.faucet(given),
    'POST time': (given) => this.time(given),
    'POST block': (given) => this.block(given),
    'POST network': (given) => this.network(given),
    'POST snapshot': (given) => this.snapshot(given),
    'POST restore': (given) => this.restore(given),
  };

  /** The money is there, in a block of its own, when this is answered. */
  async faucet(given) {
    object(given, 'faucet', ['address', 'amount']);
    const to = address(given.address);
    const value = big(given.amount, 'amount', { min: 1n, max: MAX_FAUCET });
    const message = internal({ to, value, bounce: false, body: Cell.EMPTY });
    // As if a transaction of the faucet had sent it, so that no two gifts are the same message.
    Object.assign(message.info, { src: FAUCET, createdLt: this.chain.lt, createdAt: this.chain.head.utime });
    const cell = beginCell().store(storeMessage(message)).endCell();
    const { transactions } = await this.chain.insert(this.clock.now(), { messages: [cell] });
    return { ...statusOf(this.chain), lt: transactions[0].lt, hash: transactions[0].hash };
  }

  /** Time only goes forward; a block without messages shows it. */
  async time(given) {
    object(given, 'time', ['advance', 'at']);
    const now = Math.max(this.clock.now(), this.chain.head.utime);
    if ((given.advance === undefined) === (given.at === undefined)) {
      throw new Refusal(422, 'time: expected either advance, in seconds, or at, in Unix seconds');
    }
    const at = given.at === undefined ? now + integer(given.advance, 'advance', { max: MAX_ADVANCE })
      : integer(given.at, 'at', { min: now, max: now + MAX_ADVANCE });
    this.clock.set(at);
    await this.chain.insert(at, {});
    return statusOf(this.chain);
  }

  async block(given) {
    object(given, 'block', ['count']);
    const count = integer(given.count, 'count', { min: 1, max: MAX_BLOCKS_AT_ONCE, otherwise: 1 });
    const transactions = [];
    for (let i = 0; i < count; i++) {
      const made = await this.chain.block(this.clock.now(), this.faults.hops());
      transactions.push(...made.transactions.map(summary));
    }
    return { ...statusOf(this.chain), transactions };
  }

  async network(given) {
    const now = Math.max(this.clock.now(), this.chain.head.utime);
    const { root, network, account } = rootOf(given, now);
    if (this.chain.view().account(root) !== NO_ACCOUNT) {
      throw new Refusal(409, `network: ${root} is there already; leave out "network", or give another one`);
    }
    await this.chain.insert(now, { accounts: { [root]: account } });
    return { ...statusOf(this.chain), root, network };
  }

  snapshot(given) {
    object(given, 'snapshot', []);
    const id = randomBytes(8).toString('hex');
    this.snapshots.set(id, this.chain.dump());
    if (this.snapshots.size > MAX_SNAPSHOTS) this.snapshots.delete(this.snapshots.keys().next().value);
    return { ...statusOf(this.chain), id };
  }

  /** The chain is again what it was, its time included. */
  async restore(given) {
    object(given, 'restore', ['id']);
    const state = this.snapshots.get(text(given.id, 'id', 16));
    if (!state) throw new Refusal(404, `id: no such snapshot; the last ${MAX_SNAPSHOTS} are kept`);
    await this.chain.restore(state);
    this.clock.set(state.utime);
    return statusOf(this.chain);
  }
}
