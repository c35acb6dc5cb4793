// Messages to the contracts and their states, written from docs/contracts.md.

import { beginCell, Cell, Dictionary } from '@ton/core';
import { storeSigned } from './statements.mjs';

const body = (op) => beginCell().storeUint(op, 32);

export const OP = {
  openChannel: 0x43430001, deployProxy: 0x43430002, pushWorkerShare: 0x43430003,
  remove: 0x43430011, tighten: 0x43430012, put: 0x43430013, setParams: 0x43430014,
  proposeCharter: 0x43430015, enactCharter: 0x43430016, install: 0x43430101,
  topUp: 0x43430201, redeem: 0x43430202, startClose: 0x43430203, present: 0x43430204,
  finalise: 0x43430205, closeByAgreement: 0x43430206, resend: 0x43430207,
  settlement: 0x43430301, addStake: 0x43430302, cashOut: 0x43430303, takeFees: 0x43430304,
  startWithdrawal: 0x43430305, finishWithdrawal: 0x43430306, setWorkerShare: 0x43430307,
  publishEpoch: 0x43430401, excess: 0xd53276db,
};

export const LIST = { proxyImages: 0, workerImages: 1, gpuMeasurements: 2, models: 3, proxies: 4 };

export const message = {
  openChannel: (m) => body(OP.openChannel).storeUint(m.client, 256).storeUint(m.proxy, 256)
    .storeUint(m.signer, 256).storeUint(m.nonce, 128).storeUint(m.deposit, 64).endCell(),
  deployProxy: (m) => body(OP.deployProxy).storeUint(m.account, 256).storeUint(m.stake, 64).endCell(),
  pushWorkerShare: (account) => body(OP.pushWorkerShare).storeUint(account, 256).endCell(),
  remove: (list, key) => body(OP.remove).storeUint(list, 8).storeUint(key, 256).endCell(),
  tighten: (m) => body(OP.tighten).storeUint(m.tcbEvaluationFloor, 32)
    .storeUint(m.clientCloseDelay, 32).storeUint(m.proxyCloseDelay, 32).endCell(),
  put: (list, key, value = null) => body(OP.put).storeUint(list, 8).storeUint(key, 256)
    .storeMaybeRef(value).endCell(),
  setParams: (p) => body(OP.setParams).storeRef(paramsCell(p)).endCell(),
  proposeCharter: (c) => body(OP.proposeCharter).storeRef(charterCell(c)).endCell(),
  enactCharter: () => body(OP.enactCharter).endCell(),

  topUp: (amount) => body(OP.topUp).storeUint(amount, 64).endCell(),
  redeem: (voucher) => body(OP.redeem).store(storeSigned(voucher)).endCell(),
  startClose: () => body(OP.startClose).endCell(),
  present: (claim, voucher) => body(OP.present).storeUint(claim, 64).store(storeSigned(voucher)).endCell(),
  finalise: () => body(OP.finalise).endCell(),
  closeByAgreement: (bySigner, byProxy) => body(OP.closeByAgreement).store(storeSigned(bySigner))
    .storeRef(beginCell().storeBuffer(byProxy).endCell()).endCell(),
  resend: () => body(OP.resend).endCell(),
  install: (m) => body(OP.install).storeAddress(m.payback).storeUint(m.hold, 64).storeRef(m.code)
    .storeRef(m.data).endCell(),

  settlement: (amount, payback) => body(OP.settlement).storeUint(amount, 64).storeAddress(payback).endCell(),
  addStake: (amount) => body(OP.addStake).storeUint(amount, 64).endCell(),
  cashOut: (voucher) => body(OP.cashOut).store(storeSigned(voucher)).endCell(),
  takeFees: () => body(OP.takeFees).endCell(),
  startWithdrawal: () => body(OP.startWithdrawal).endCell(),
  finishWithdrawal: () => body(OP.finishWithdrawal).endCell(),
  setWorkerShare: (payback, share) => body(OP.setWorkerShare).storeAddress(payback)
    .storeUint(share, 32).endCell(),

  publishEpoch: (record) => body(OP.publishEpoch).store(storeSigned(record)).endCell(),
};

/** The fields of RegistryParams with their widths. */
export const PARAMS = [['kind', 8], ['pricePerToken', 64], ['multiplierPromptE4', 32],
  ['multiplierCachedE4', 32], ['multiplierCompletionE4', 32], ['multiplierReasoningE4', 32],
  ['workerShareE4', 32], ['priceGrace', 32], ['clientCloseDelay', 32], ['proxyCloseDelay', 32],
  ['minDeposit', 64], ['minPayout', 64], ['minStake', 64], ['messageFee', 64],
  ['tombstoneRent', 64], ['tcbEvaluationFloor', 32]];

export function paramsCell(params) {
  const out = beginCell();
  for (const [name, bits] of PARAMS) out.storeUint(params[name], bits);
  return out.endCell();
}

export function charterCell(c) {
  return beginCell().storeAddress(c.owner).storeUint(c.delay, 32).storeRef(c.channelCode)
    .storeRef(c.proxyCode).storeMaybeRef(c.rootCode ?? null).endCell();
}

const listed = { serialize() {}, parse: () => true };
const numbers = (bits) => Dictionary.Keys.BigUint(bits);
const listOf = (keys) => {
  const out = Dictionary.empty(numbers(256), listed);
  for (const key of keys) out.set(key, true);
  return out;
};

/** The root's first state. `registry` has params, lists of keys, and maps of proxies and models. */
export function rootData({ network, charter, shellCode, registry }) {
  const images = beginCell().storeDict(listOf(registry.proxyImages))
    .storeDict(listOf(registry.workerImages)).storeDict(listOf(registry.gpuMeasurements)).endCell();
  const cells = (map) => {
    const out = Dictionary.empty(numbers(256), Dictionary.Values.Cell());
    for (const [key, value] of map) out.set(key, value);
    return out;
  };
  const first = beginCell().storeUint(1, 64).storeUint(registry.effective, 64)
    .storeRef(paramsCell(registry.params)).storeRef(images).storeDict(cells(registry.models))
    .storeDict(cells(registry.proxies)).endCell();
  const governance = beginCell().storeRef(charterCell(charter)).storeMaybeRef(null)
    .storeRef(shellCode).endCell();
  return beginCell().storeUint(network, 128).storeRef(governance).storeRef(first)
    .storeMaybeRef(null).storeDict(listOf([])).endCell();
}

/** A text (or its bytes) in snake format, for an endpoint or a model's id. */
export function text(string) {
  const bytes = Buffer.from(string);
  const head = beginCell().storeBuffer(bytes.subarray(0, 127));
  if (bytes.length > 127) head.storeRef(text(bytes.subarray(127)));
  return head.endCell();
}

export function model({ id, maxOutputTokens, templateAllowance }) {
  return beginCell().storeUint(maxOutputTokens, 32).storeUint(templateAllowance, 32)
    .storeRef(text(id)).endCell();
}

export function readRegistry(cell) {
  const in_ = cell.beginParse();
  const out = { version: in_.loadUintBig(64), effective: in_.loadUintBig(64), params: {} };
  const params = in_.loadRef().beginParse();
  for (const [name, bits] of PARAMS) out.params[name] = params.loadUintBig(bits);
  params.endParse();
  const images = in_.loadRef().beginParse();
  for (const name of ['proxyImages', 'workerImages', 'gpuMeasurements']) {
    out[name] = images.loadDict(numbers(256), listed).keys();
  }
  for (const name of ['models', 'proxies']) {
    out[name] = in_.loadDict(numbers(256), Dictionary.Values.Cell()).keys();
  }
  in_.endParse();
  return out;
}

const CHANNEL = [['phase', 8], ['deposited', 64], ['claimed', 64], ['settled', 64],
  ['refunded', 64], ['bestSpent', 64], ['bestAuthorised', 64], ['leftovers', 256], ['finalAt', 64]];

export function readChannel(data) {
  const in_ = data.beginParse();
  const out = {};
  for (const [name, bits] of CHANNEL) out[name] = in_.loadUintBig(bits);
  const terms = in_.loadRef().beginParse();
  in_.endParse();
  out.network = terms.loadUintBig(128);
  for (const name of ['client', 'proxy', 'signer']) out[name] = terms.loadUintBig(256);
  out.closeDelay = terms.loadUintBig(32);
  out.rent = terms.loadUintBig(64);
  const identity = terms.loadRef().beginParse();
  terms.endParse();
  out.id = identity.loadUintBig(256);
  out.nonce = identity.loadUintBig(128);
  out.minDeposit = identity.loadUintBig(64);
  out.root = identity.loadAddress();
  out.proxyContract = identity.loadAddress();
  identity.endParse();
  return out;
}

const PROXY = [['phase', 8], ['workerShareE4', 32], ['pool', 64], ['fees', 64], ['stake', 64],
  ['received', 64], ['staked', 64], ['poolTotal', 64], ['delivered', 64], ['feesTaken', 64],
  ['withdrawn', 64], ['finalAt', 64]];

export function readProxy(data) {
  const in_ = data.beginParse();
  const out = {};
  for (const [name, bits] of PROXY) out[name] = in_.loadUintBig(bits);
  const paid = in_.loadDict(numbers(256), Dictionary.Values.BigUint(64));
  out.paid = new Map([...paid]);
  const terms = in_.loadRef().beginParse();
  in_.endParse();
  out.network = terms.loadUintBig(128);
  out.account = terms.loadUintBig(256);
  out.withdrawDelay = terms.loadUintBig(32);
  out.minStake = terms.loadUintBig(64);
  out.root = terms.loadAddress();
  terms.endParse();
  return out;
}

/** A proxy's data with `paid` in the place of what it has: to measure large dictionaries. */
export function withPaid(data, paid) {
  const in_ = data.beginParse();
  const head = in_.loadBits(8 + 32 + 10 * 64);
  in_.loadMaybeRef();
  const dict = Dictionary.empty(numbers(256), Dictionary.Values.BigUint(64));
  for (const [worker, amount] of paid) dict.set(worker, amount);
  return beginCell().storeBits(head).storeDict(dict).storeRef(in_.loadRef()).endCell();
}

export function epochData(network, account) {
  return beginCell().storeUint(network, 128).storeUint(account, 256).storeBit(false).endCell();
}

export function readEpoch(data) {
  const in_ = data.beginParse();
  const out = { network: in_.loadUintBig(128), account: in_.loadUintBig(256), newest: null };
  if (in_.loadBit()) {
    out.newest = { signature: in_.loadBuffer(64), statement: in_.loadRef() };
  }
  in_.endParse();
  return out;
}

export const emptyCell = Cell.EMPTY;
