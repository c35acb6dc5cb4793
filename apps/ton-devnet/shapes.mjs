// Values as toncenter writes them in JSON.

import { beginCell, Cell, loadTransaction } from '@ton/core';
import { MAINNET } from './wallets.mjs';

export const SHARD = '-9223372036854775808'; // the whole workchain: there is one shard
const NO_HASH = Buffer.alloc(32).toString('base64');
const bag = (cell) => cell.toBoc().toString('base64');

export const blockId = (block, workchain = -1) => ({
  '@type': 'ton.blockIdExt', workchain, shard: SHARD, seqno: block.seqno,
  root_hash: block.hash, file_hash: block.hash,
});

export const masterchainInfo = ({ block, first }) => ({
  '@type': 'blocks.masterchainInfo', last: blockId(block), state_root_hash: block.hash,
  init: { ...blockId(first), seqno: 0, root_hash: NO_HASH, file_hash: NO_HASH },
});

/** Without what nothing here has: validators, key blocks, logical times of blocks. */
export const blockHeader = (block, previous) => ({
  '@type': 'blocks.header', id: blockId(block), global_id: MAINNET, version: 0,
  after_merge: false, after_split: false, before_split: false, want_merge: false, want_split: false,
  is_key_block: false, gen_utime: block.utime, prev_blocks: previous ? [blockId(previous)] : [],
});

export const transactionId = (lt, hash) => ({ '@type': 'internal.transactionId', lt: String(lt), hash });

/** What is asked of an account: its state, code and data, and where it is in its history. */
export function accountParts(shardAccount) {
  const { account, lastTransactionLt, lastTransactionHash } = shardAccount;
  const state = account?.storage.state;
  const exists = account !== undefined && account !== null;
  const active = state?.type === 'active';
  return {
    // For an address that nobody has used toncenter sends a number, else a text.
    balance: exists ? String(account.storage.balance.coins) : 0,
    code: active && state.state.code ? bag(state.state.code) : '',
    data: active && state.state.data ? bag(state.state.data) : '',
    state: active ? 'active' : state?.type === 'frozen' ? 'frozen' : 'uninitialized',
    frozen_hash: state?.type === 'frozen' ? hash(state.stateHash) : '',
    last_transaction_id: transactionId(lastTransactionLt, hash(lastTransactionHash)),
  };
}

const hash = (number) => Buffer.from(number.toString(16).padStart(64, '0'), 'hex').toString('base64');

export const addressInformation = (shardAccount, block) => ({
  '@type': 'raw.fullAccountState', ...accountParts(shardAccount), extra_currencies: [],
  block_id: blockId(block), sync_utime: block.utime,
});

function message(m) {
  const { info } = m;
  const internal = info.type === 'internal';
  const body = m.body.asCell ? m.body.asCell() : m.body;
  return {
    '@type': 'raw.message',
    source: info.src ? info.src.toString() : '',
    destination: info.dest ? info.dest.toString() : '',
    value: internal ? String(info.value.coins) : '0',
    extra_currencies: [],
    fwd_fee: internal ? String(info.forwardFee) : '0',
    ihr_fee: internal ? String(info.ihrFee) : '0',
    created_lt: info.type === 'external-in' ? '0' : String(info.createdLt),
    body_hash: body.hash().toString('base64'),
    msg_data: { '@type': 'msg.dataRaw', body: bag(body), init_state: '' },
  };
}

/** @param kept {lt, hash, boc} of the chain's history */
export function transaction(kept, address) {
  const tx = loadTransaction(Cell.fromBase64(kept.boc).beginParse());
  const fee = tx.totalFees.coins;
  const storage = tx.description.storagePhase?.storageFeesCollected ?? 0n;
  return {
    '@type': 'raw.transaction',
    address: { '@type': 'accountAddress', account_address: address.toString() },
    utime: tx.now, data: kept.boc, transaction_id: transactionId(kept.lt, kept.hash),
    fee: String(fee), storage_fee: String(storage), other_fee: String(fee - storage),
    in_msg: tx.inMessage ? message(tx.inMessage) : undefined,
    out_msgs: [...tx.outMessages.values()].map(message),
  };
}

/** An external message's hash with all that relays may change left out (TEP-467). */
export function normalizedHash(message) {
  return beginCell().storeUint(0b10, 2).storeUint(0, 2).storeAddress(message.info.dest).storeCoins(0)
    .storeBit(false).storeBit(true).storeRef(message.body).endCell().hash().toString('base64');
}
