// The methods of toncenter's API, version 2: parameters in, results out.

import { getMethodId, loadMessage } from '@ton/core';
import { address, big, cell, hash, integer, text, UINT64 } from './input.mjs';
import { MAX_TRANSACTIONS } from './limits.mjs';
import { Refusal } from './refusal.mjs';
import * as shapes from './shapes.mjs';
import { readStack, writeStack } from './stack.mjs';
import { readAccount } from './tvm.mjs';

const UINT32 = 0xffff_ffff;
const NOT_ACTIVE = -13; // a missing method exits with 11, which comes from the contract itself

const partsOf = (params, { view }) =>
  shapes.accountParts(readAccount(view.account(address(params.address).toRawString())));

const methodId = (method) => typeof method === 'number' ? method : getMethodId(method);

/** By name: async (params, {view, chain, now, copies}) → result. */
export const METHODS = {
  getMasterchainInfo: (_, { view }) => shapes.masterchainInfo(view),

  getConsensusBlock: (_, { view }) => ({ consensus_block: view.block.seqno, timestamp: view.block.utime }),

  getBlockHeader(params, { view }) {
    integer(params.workchain, 'workchain', { min: -1, max: -1 });
    if (String(params.shard) !== shapes.SHARD) throw new Refusal(422, `shard: expected ${shapes.SHARD}: there is one`);
    const [block, previous] = view.blocks(integer(params.seqno, 'seqno', { max: UINT32 }));
    if (!block) throw new Refusal(500, 'LITE_SERVER_UNKNOWN: block is not found');
    return shapes.blockHeader(block, previous);
  },

  getAddressInformation: (params, { view }) => shapes.addressInformation(
    readAccount(view.account(address(params.address).toRawString())), view.block),

  getAddressBalance: (params, context) => String(partsOf(params, context).balance),
  getAddressState: (params, context) => partsOf(params, context).state,

  /** Newest first, from (lt, hash) on where these are given, down to but without to_lt. */
  getTransactions(params, { view }) {
    const at = address(params.address);
    const limit = integer(params.limit, 'limit', { min: 1, max: MAX_TRANSACTIONS, otherwise: 10 });
    const toLt = big(params.to_lt, 'to_lt', { max: UINT64, otherwise: 0n });
    let found = view.transactions(at.toRawString()).reverse();
    if (params.lt !== undefined || params.hash !== undefined) {
      const from = { lt: String(big(params.lt, 'lt', { max: UINT64 })), hash: hash(params.hash, 'hash') };
      const start = found.findIndex((t) => t.lt === from.lt && t.hash === from.hash);
      if (start < 0) {
        throw new Refusal(500, 'LITE_SERVER_UNKNOWN: cannot locate transaction in block with specified logical time');
      }
      found = found.slice(start);
    }
    return found.filter((t) => BigInt(t.lt) > toLt).slice(0, limit).map((t) => shapes.transaction(t, at));
  },

  async runGetMethod(params, { view, chain }) {
    const at = address(params.address);
    const method = Number.isSafeInteger(params.method) ? params.method : text(params.method, 'method', 100);
    const stack = readStack(params.stack);
    const account = view.account(at.toRawString());
    const parts = shapes.accountParts(readAccount(account));
    const result = parts.state !== 'active' ? { exitCode: NOT_ACTIVE, gasUsed: 0, stack: [] }
      : await chain.tvm.get({ account, address: at, methodId: methodId(method), stack, now: view.block.utime });
    return {
      '@type': 'smc.runResult', gas_used: result.gasUsed, stack: writeStack(result.stack),
      exit_code: result.exitCode, block_id: shapes.blockId(view.block),
      last_transaction_id: parts.last_transaction_id,
    };
  },

  async sendBoc(params, { chain, now, copies }) {
    await chain.accept(cell(params.boc, 'boc'), now, copies);
    return { '@type': 'ok' };
  },

  async sendBocReturnHash(params, { chain, now, copies }) {
    const boc = cell(params.boc, 'boc');
    await chain.accept(boc, now, copies);
    return {
      '@type': 'raw.extMessageInfo', hash: boc.hash().toString('base64'),
      hash_norm: shapes.normalizedHash(loadMessage(boc.beginParse())),
    };
  },
};

/** What changes the chain or has arguments that a query cannot carry. */
export const POST_ONLY = new Set(['runGetMethod', 'sendBoc', 'sendBocReturnHash']);
