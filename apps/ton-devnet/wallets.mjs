// Addresses that follow from keys and code; accounts' wallets: v5r1, as published and as libcocoon/ton has it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Address, beginCell, Cell, external, internal, SendMode, storeOutList } from '@ton/core';
import { CODE, source } from './code.mjs';
import { bytes, sha256, signature } from './statements.mjs';

const WALLET_CODE_HASH = '20834b7b72b112147e1b2fb457b84e74d1a30f04f737d4f62a668e9552d2b72f';
const WALLET_CODE_DEPTH = 6;
export const MAINNET = -239; // the global id of the sandbox's configuration

/** The v5r1 wallet of an account, from the published description of its state. */
export function walletOf(id, globalId = MAINNET) {
  const data = walletData(id, globalId);
  const state = Buffer.concat([Buffer.from([2, 1, 0x34]), bytes(WALLET_CODE_DEPTH, 2), bytes(0, 2),
    Buffer.from(WALLET_CODE_HASH, 'hex'), data.hash()]);
  return new Address(0, sha256(state));
}

export function walletData(id, globalId = MAINNET) {
  const walletId = (0x80000000 ^ globalId) >>> 0;
  return beginCell().storeBit(true).storeUint(0, 32).storeUint(walletId, 32).storeUint(id, 256)
    .storeBit(false).endCell();
}

/** The wallet's code, as libcocoon/ton has it. */
export function walletCode() {
  const text = readFileSync(join(source, 'libcocoon', 'ton', 'wallet_code.cpp'), 'utf8');
  const array = /kV5r1\[\] = \{([^}]*)\}/.exec(text)[1];
  const hex = [...array.matchAll(/0x([0-9a-f]{2})/g)].map((m) => m[1]).join('');
  return Cell.fromBoc(Buffer.from(hex, 'hex'))[0];
}

export function stateAddress(code, data) {
  const state = beginCell().storeUint(0b00110, 5).storeRef(code).storeRef(data).endCell();
  return new Address(0, state.hash());
}

/** The address of a channel (kind 1) or of a proxy contract (kind 2) of the network with `root`. */
export function shellAddress(root, kind, id) {
  const data = beginCell().storeUint(kind, 8).storeUint(id, 256).storeAddress(root).endCell();
  return stateAddress(CODE.shell, data);
}

/** A signed order to a wallet that has counted to `seqno`: to send these messages. The first deploys it. */
export function orders(from, { messages, now, seqno = 0 }) {
  const mode = SendMode.PAY_GAS_SEPARATELY | SendMode.IGNORE_ERRORS; // the wallet demands the latter
  const list = messages.map((outMsg) => ({ type: 'sendMsg', mode, outMsg }));
  const actions = beginCell().store(storeOutList(list)).endCell();
  const unsigned = beginCell().storeUint(0x7369676e, 32).storeUint((0x80000000 ^ MAINNET) >>> 0, 32)
    .storeUint(now + 60, 32).storeUint(seqno, 32).storeBit(true).storeRef(actions).storeBit(false);
  const proof = signature(unsigned.endCell().hash(), from);
  return external({
    to: walletOf(from.id), init: { code: walletCode(), data: walletData(from.id) },
    body: beginCell().storeBuilder(unsigned).storeBuffer(proof).endCell(),
  });
}

/** The first order of a wallet: one message. */
export const order = (from, { to, value, body, now }) =>
  orders(from, { messages: [internal({ to, value, body, bounce: true })], now });
