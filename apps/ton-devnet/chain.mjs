// A chain of one shard that moves in blocks. A message that comes out of a transaction is delivered in the
// next block at the earliest; what comes from outside waits in a pool. A block takes effect as a whole.

import { createHash } from 'node:crypto';
import { Cell, Dictionary, loadMessage, loadTransaction } from '@ton/core';
import { inOrder } from './hops.mjs';
import { MAX_BLOCK_MESSAGES, MAX_POOL, MAX_STALE } from './limits.mjs';
import { Refusal } from './refusal.mjs';
import { NO_ACCOUNT } from './tvm.mjs';

const LT_STEP = 1_000_000n; // one transaction has room for that many messages
const base64 = (cell) => cell.toBoc().toString('base64');
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('base64');

/** The first block: nothing in it. */
export const genesis = (utime) => ({
  seqno: 1, utime, lt: '1000000', hash: sha256('genesis'), accounts: {}, transactions: {}, pool: [], queue: [],
});

export class Chain {
  /**
   * @param state what dump() gave, or genesis()
   * @param record is called with a block before it takes effect: where it throws, the block does not
   */
  constructor(tvm, state, record = () => {}) {
    this.tvm = tvm;
    this.record = record;
    this.last = Promise.resolve();
    this.load(state);
  }

  load(state) {
    this.lt = BigInt(state.lt);
    this.blocks = [{ seqno: state.seqno, utime: state.utime, hash: state.hash }];
    this.accounts = new Map(Object.entries(state.accounts)
      .map(([at, account]) => [at, [{ seqno: state.seqno, account }]]));
    this.transactions = new Map(Object.entries(state.transactions));
    this.pool = state.pool;
    this.queue = state.queue;
  }

  /** All that the chain is now, as JSON takes it. */
  dump() {
    const { seqno, utime, hash } = this.head;
    return {
      seqno, utime, hash, lt: String(this.lt), pool: [...this.pool], queue: [...this.queue],
      accounts: Object.fromEntries([...this.accounts].map(([at, states]) => [at, states.at(-1).account])),
      transactions: Object.fromEntries([...this.transactions].map(([at, list]) => [at, [...list]])),
    };
  }

  get head() {
    return this.blocks.at(-1);
  }

  /** The chain as it was `lag` blocks ago, or as far back as is known. */
  view(lag = 0) {
    const block = this.blocks.at(-1 - lag) ?? this.blocks[0];
    return {
      block, first: this.blocks[0],
      /** That block and the one before it, where they are known yet. */
      blocks: (seqno) => [seqno, seqno - 1]
        .map((n) => this.blocks.find((b) => b.seqno === n && n <= block.seqno)),
      account: (at) => this.accounts.get(at)?.findLast((s) => s.seqno <= block.seqno)?.account ?? NO_ACCOUNT,
      /** Oldest first; the caller's to change. */
      transactions: (at) => (this.transactions.get(at) ?? []).filter((t) => t.seqno <= block.seqno),
    };
  }

  /** Runs what changes the chain one after another. */
  exclusive(change) {
    const done = this.last.then(change);
    this.last = done.catch(() => {});
    return done;
  }

  /**
   * Takes a message from outside into the pool, if its contract would take it now.
   * @param copies () → how often it comes in: 0 where it gets lost
   */
  accept(cell, now, copies = () => 1) {
    return this.exclusive(async () => {
      const message = external(cell);
      const boc = base64(cell);
      if (this.pool.includes(boc)) return;
      if (this.pool.length >= MAX_POOL) throw notApplied(`${MAX_POOL} messages wait already`);
      const { workChain } = message.info.dest;
      if (workChain !== 0 && workChain !== -1) throw notApplied(`there is no workchain ${workChain}`);
      const at = message.info.dest.toRawString();
      const trial = await this.tvm.transaction({
        account: this.view().account(at), message: cell, now: Math.max(now, this.head.utime),
        lt: this.lt + LT_STEP,
      });
      if (trial.error !== undefined) {
        const exit = trial.exitCode === undefined ? '' : `\nexitcode=${trial.exitCode}`;
        throw notApplied(`External message was not accepted\n${trial.error}${exit}`);
      }
      for (let i = copies(); i > 0; i--) this.pool.push(boc);
    });
  }

  /**
   * Makes a block of what waits.
   * @param hops {order, seed, held}: in which order messages between contracts are delivered (hops.mjs)
   * @return {block, transactions}
   */
  block(now, hops = {}) {
    return this.exclusive(async () => {
      const { ready, waiting } = inOrder(this.queue, this.head.seqno + 1, hops);
      const messages = [...ready, ...this.pool].slice(0, MAX_BLOCK_MESSAGES);
      const internals = Math.min(ready.length, messages.length);
      const draft = await this.draft(now, messages);
      return this.append(draft, {
        queue: [...waiting, ...ready.slice(internals), ...draft.out],
        pool: this.pool.slice(messages.length - internals),
      });
    });
  }

  /** Makes a block of the given messages alone, or of accounts that are simply put there. */
  insert(now, { messages = [], accounts = {} }) {
    return this.exclusive(async () => {
      const draft = await this.draft(now, messages.map(base64));
      for (const [at, account] of Object.entries(accounts)) draft.accounts.set(at, account);
      return this.append(draft, { queue: [...this.queue, ...draft.out], pool: this.pool });
    });
  }

  restore(state) {
    return this.exclusive(() => {
      this.record(state, true);
      this.load(structuredClone(state));
    });
  }

  async draft(now, messages) {
    const draft = {
      seqno: this.head.seqno + 1, utime: Math.max(now, this.head.utime), lt: this.lt,
      accounts: new Map(), transactions: [], out: [],
    };
    const view = this.view();
    for (const boc of messages) {
      const message = Cell.fromBase64(boc);
      const at = loadMessage(message.beginParse()).info.dest.toRawString();
      draft.lt += LT_STEP;
      const result = await this.tvm.transaction({
        account: draft.accounts.get(at) ?? view.account(at), message, now: draft.utime, lt: draft.lt,
      });
      // A message from outside that its contract takes no longer leaves no trace.
      if (result.error !== undefined) continue;
      const cell = Cell.fromBase64(result.transaction);
      const tx = loadTransaction(cell.beginParse());
      draft.accounts.set(at, result.account);
      draft.transactions.push({
        account: at, seqno: draft.seqno, lt: String(tx.lt), hash: cell.hash().toString('base64'),
        boc: result.transaction,
      });
      draft.out.push(...sent(cell).map(base64));
    }
    return draft;
  }

  append(draft, { queue, pool }) {
    const hash = sha256(this.head.hash, `${draft.seqno} ${draft.utime}`, ...draft.transactions.map((t) => t.hash));
    const block = {
      seqno: draft.seqno, utime: draft.utime, hash, lt: String(draft.lt),
      accounts: Object.fromEntries(draft.accounts), transactions: draft.transactions, queue, pool,
    };
    this.record(block, false);
    this.apply(block);
    return { block: this.head, transactions: draft.transactions };
  }

  /** Takes over a block that append() has made, perhaps in an earlier life. */
  apply(block) {
    const { seqno, utime, hash } = block;
    this.blocks.push({ seqno, utime, hash });
    if (this.blocks.length > MAX_STALE + 1) this.blocks.shift();
    this.lt = BigInt(block.lt);
    this.queue = block.queue;
    this.pool = block.pool;
    for (const [at, account] of Object.entries(block.accounts)) {
      const states = this.accounts.get(at) ?? [];
      const known = states.findLastIndex((s) => s.seqno <= this.blocks[0].seqno);
      this.accounts.set(at, [...states.slice(Math.max(known, 0)), { seqno, account }]);
    }
    for (const { account, ...transaction } of block.transactions) {
      if (!this.transactions.has(account)) this.transactions.set(account, []);
      this.transactions.get(account).push(transaction);
    }
  }
}

/** The messages to other contracts in a transaction, as they are in it: storing them anew could change hashes. */
function sent(transaction) {
  const messages = transaction.refs[0].beginParse();
  messages.loadMaybeRef();
  return messages.loadDict(Dictionary.Keys.Uint(15), Dictionary.Values.Cell()).values()
    .filter((cell) => loadMessage(cell.beginParse()).info.type === 'internal');
}

const notApplied = (why) =>
  new Refusal(500, `LITE_SERVER_UNKNOWN: cannot apply external message to current state : ${why}`);

/** The message in a cell, which must be one from outside to an account. */
function external(cell) {
  let message;
  try {
    message = loadMessage(cell.beginParse());
  } catch {
    throw new Refusal(422, 'boc: expected a message, got something else');
  }
  if (message.info.type !== 'external-in') {
    throw new Refusal(422, `boc: expected an external message, got one of type ${message.info.type}`);
  }
  return message;
}
