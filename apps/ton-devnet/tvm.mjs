// The transaction executor and the TVM of @ton/sandbox, without its model of a chain: states go in and come
// out as texts, so that nothing that is kept can change behind anybody's back.

import { beginCell, Cell, loadShardAccount, parseTuple } from '@ton/core';
import { Blockchain, Executor } from '@ton/sandbox';
import { GET_METHOD_GAS } from './limits.mjs';

const nothing = beginCell().storeBit(false).endCell();
const SEED = Buffer.alloc(32); // no contract here draws random numbers

/** The state of an address that nobody has used: a ShardAccount as a bag of cells in base64. */
export const NO_ACCOUNT = beginCell().storeRef(nothing).storeUint(0, 256).storeUint(0, 64).endCell()
  .toBoc().toString('base64');

export const readAccount = (account) => loadShardAccount(Cell.fromBase64(account).beginParse());

export class Tvm {
  static async create() {
    const tvm = new Tvm();
    tvm.executor = await Executor.create();
    // "slim" has the main net's prices and limits, without what validators need.
    tvm.config = (await Blockchain.create({ executor: tvm.executor, config: 'slim' })).configBase64;
    return tvm;
  }

  /** @return {account, transaction} in base64, or {error, exitCode} where the message has no effect */
  async transaction({ account, message, now, lt }) {
    const { result } = await this.guarded(() => this.executor.runTransaction({
      config: this.config, libs: null, verbosity: 'short', shardAccount: account, now, lt,
      randomSeed: SEED, ignoreChksig: false, debugEnabled: false, message,
    })).catch((error) => ({ result: { success: false, error: `the executor failed: ${error.message}` } }));
    if (result.success) return { account: result.shardAccount, transaction: result.transaction };
    return { error: result.error, exitCode: result.vmResults?.vmExitCode };
  }

  /** @return {exitCode, gasUsed, stack} */
  async get({ account, address, methodId, stack, now }) {
    const { storage } = readAccount(account).account;
    const { code, data } = storage.state.state;
    const { output } = await this.guarded(() => this.executor.runGetMethod({
      code: code ?? Cell.EMPTY, data: data ?? Cell.EMPTY, methodId, stack, config: this.config,
      verbosity: 'short', address, unixTime: now, balance: storage.balance.coins, randomSeed: SEED,
      gasLimit: GET_METHOD_GAS, debugEnabled: false,
    }));
    if (!output.success) throw new Error(`the get method could not be run: ${output.error}`);
    const ran = output.vm_exit_code === 0 || output.vm_exit_code === 1;
    return {
      exitCode: output.vm_exit_code, gasUsed: Number(output.gas_used),
      stack: ran ? parseTuple(Cell.fromBase64(output.stack)) : [],
    };
  }

  /** An executor whose WebAssembly has trapped is of no use any more: the next call gets a new one. */
  async guarded(run) {
    try {
      return await run();
    } catch (error) {
      this.executor = await Executor.create();
      throw error;
    }
  }
}
