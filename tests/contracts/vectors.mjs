// A random history as vectors for the C++ rules: what each contract was told, and what became of it in the
// TVM. tests/unit/ledger replays it through billing::apply, with the same signed bytes.
//
//   node vectors.mjs      writes tests/vectors/contracts: history.json, and cells.json for the codecs

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { source } from '../../apps/ton-devnet/code.mjs';
import { epochData, LIST, message, model, readChannel, readProxy } from '../../apps/ton-devnet/layouts.mjs';
import { Channel } from './model.mjs';
import { History } from './history.mjs';
import { CODE, Network, PARAMS, TON } from './network.mjs';
import {
  account, agreementBytes, bytes, channelId, epochBytes, number, payoutBytes, sha256, signature, signed, voucherBytes,
} from '../../apps/ton-devnet/statements.mjs';
import { stateAddress, walletOf } from '../../apps/ton-devnet/wallets.mjs';

const hex = (value, length) => bytes(value, length).toString('hex');

/** What only this ledger refuses: the rules of billing/ never see it. */
const FOREIGN = ['value_too_small', 'skipped no-state'];

function entry(history, { at, what, now, refusal }) {
  const channel = history.channels.indexOf(at);
  const out = { at: channel >= 0 ? `channel ${channel}` : `proxy ${hex(at.who.id, 32).slice(0, 8)}`, kind: what.kind, now, refusal };
  if (what.sender !== undefined) out.sender = hex(what.sender, 32);
  for (const name of ['amount', 'claim']) if (what[name] !== undefined) out[name] = String(what[name]);
  if (what.statement !== undefined) {
    const { cell, second } = what.statement;
    const in_ = cell.statement.beginParse();
    out.statement = in_.loadBuffer(in_.remainingBits / 8).toString('hex');
    out.signature = cell.signature.toString('hex');
    if (second !== undefined) out.second_signature = second.toString('hex');
  }
  if (what.kind === 'open') {
    const { proxy, signer, nonce } = at.terms;
    Object.assign(out, { proxy: hex(proxy, 32), signer: hex(signer, 32), nonce: hex(nonce, 16) });
  }
  return out;
}

/** The state in the contract's own data, after a message that it took. */
async function state(history, at) {
  const data = await history.net.data(at.address);
  if (at.model instanceof Channel) {
    const c = readChannel(data);
    const out = { id: hex(c.id, 32), phase: Number(c.phase), balance: String(c.deposited + c.rent - c.settled - c.refunded),
      leftovers: hex(c.leftovers, 32), final_at: Number(c.finalAt) };
    for (const [name, value] of [['deposited', c.deposited], ['claimed', c.claimed], ['settled', c.settled],
      ['refunded', c.refunded], ['best_spent', c.bestSpent], ['best_authorised', c.bestAuthorised]]) out[name] = String(value);
    return out;
  }
  const p = readProxy(data);
  const out = { phase: Number(p.phase), final_at: Number(p.finalAt),
    paid: [...p.paid].map(([worker, amount]) => [hex(worker, 32), String(amount)]) };
  for (const [name, value] of [['pool', p.pool], ['fees', p.fees], ['stake', p.stake], ['received', p.received],
    ['staked', p.staked], ['pool_total', p.poolTotal], ['delivered', p.delivered], ['fees_taken', p.feesTaken],
    ['withdrawn', p.withdrawn]]) out[name] = String(value);
  return out;
}

/** The file's text. */
export async function makeVectors(steps, seed) {
  const history = new History(seed);
  const seen = [];
  history.seen = async (event) => {
    if (FOREIGN.includes(event.refusal) || event.what.kind === 'notTheRoot') return;
    const made = entry(history, event);
    if (event.refusal === null) made.state = await state(history, event.at);
    seen.push(made);
  };
  await history.start();
  await history.run(steps);
  const head = JSON.stringify({
    about: 'written by tests/contracts/vectors.mjs', network: hex(history.net.id, 16),
    worker_share_e4: PARAMS.workerShareE4, close_delay: PARAMS.clientCloseDelay,
    withdraw_delay: PARAMS.proxyCloseDelay, min_deposit: String(PARAMS.minDeposit),
    min_stake: String(PARAMS.minStake), rent: String(PARAMS.tombstoneRent),
  });
  const lines = seen.map((step) => JSON.stringify(step)).join(',\n');
  return `${head.slice(0, -1)},"steps":[\n${lines}\n]}\n`;
}

const boc = (cell) => cell.toBoc().toString('base64');
const strings = (object) => JSON.parse(JSON.stringify(object, (key, value) => (typeof value === 'bigint' ? String(value) : value)));

/** What libcocoon/ton reads and writes: addresses, bodies, states. */
async function cells() {
  const [client, proxy, signer, worker] = ['client', 'proxy', 'signer', 'worker'].map(account);
  const net = await Network.create({ proxies: [proxy] });
  const terms = net.channelTerms({ client, proxy, signer, nonce: 77n });
  const channel = net.channelAddress(terms);
  const contract = net.proxyAddress(proxy);
  const epoch = epochData(net.id, worker.id);
  const at = { channel, proxy: contract, epoch: stateAddress(CODE.epoch, epoch) };
  const v = signed(voucherBytes({ network: net.id, channel: channelId(terms), spent: TON, authorised: 2n * TON, leftovers: client.id }), signer);
  const payout = signed(payoutBytes({ network: net.id, proxy: proxy.id, worker: worker.id, owed: TON / 2n }), proxy);
  const record = signed(epochBytes({ network: net.id, epoch: 5n, bootKeyHash: 9n, reputation: 11n }), worker);
  const agreed = agreementBytes({ network: net.id, channel: channelId(terms), total: TON, leftovers: client.id });
  const bySigner = signed(agreed, signer);
  const send = (from, to, body, init) => net.send({ from: walletOf(from.id), to, body, init });
  await net.deploy(proxy, 10n * TON);
  await net.open(terms, 5n * TON);
  await send(proxy, channel, message.redeem(v));
  await send(worker, contract, message.cashOut(payout));
  await send(client, channel, message.startClose());
  await send(worker, at.epoch, message.publishEpoch(record), { code: CODE.epoch, data: epoch });
  await net.govern(message.put(LIST.models, number(sha256('n@2:3')), model({ id: 'n@2:3', maxOutputTokens: 5, templateAllowance: 6 })));
  const bodies = {
    open_channel: message.openChannel({ ...terms, deposit: 5n * TON }),
    deploy_proxy: message.deployProxy({ account: proxy.id, stake: 10n * TON }),
    push_worker_share: message.pushWorkerShare(proxy.id), top_up: message.topUp(TON), redeem: message.redeem(v),
    start_close: message.startClose(), present: message.present(TON, v), finalise: message.finalise(),
    close_by_agreement: message.closeByAgreement(bySigner, signature(agreed, proxy)), resend: message.resend(),
    add_stake: message.addStake(TON), cash_out: message.cashOut(payout), take_fees: message.takeFees(),
    start_withdrawal: message.startWithdrawal(), finish_withdrawal: message.finishWithdrawal(),
    publish_epoch: message.publishEpoch(record),
  };
  const statementOf = (s) => s.statement.beginParse().loadBuffer(s.statement.bits.length / 8).toString('hex');
  const show = (s) => ({ statement: statementOf(s), signature: s.signature.toString('hex') });
  const state = await net.channel(channel);
  const p = await net.proxy(contract);
  const r = await net.waiting();
  return {
    about: 'written by tests/contracts/vectors.mjs', network: hex(net.id, 16), root: net.root.toRawString(),
    accounts: Object.fromEntries([client, proxy, signer, worker].map((a) => [a.name,
      { id: hex(a.id, 32), mainnet: walletOf(a.id).toRawString(), testnet: walletOf(a.id, -3).toRawString() }])),
    nonce: hex(terms.nonce, 16), channel_id: hex(channelId(terms), 32),
    addresses: Object.fromEntries(Object.entries(at).map(([name, address]) => [name, address.toRawString()])),
    code_hashes: { channel: CODE.channel.hash().toString('hex'), proxy: CODE.proxy.hash().toString('hex') },
    voucher: show(v), payout: show(payout), record: show(record),
    agreement: { ...show(bySigner), second_signature: signature(agreed, proxy).toString('hex') },
    bodies: Object.fromEntries(Object.entries(bodies).map(([name, cell]) => [name, boc(cell)])),
    channel: { data: boc(await net.data(channel)), final_at: String(state.finalAt) },
    proxy: { data: boc(await net.data(contract)), pool: String(p.pool), fees: String(p.fees), delivered: String(p.delivered) },
    epoch: { data: boc(await net.data(at.epoch)) },
    registry: { data: boc(await net.data(net.root)), effective: String(r.effective), params: strings(r.params) },
  };
}

export async function makeCells() {
  return JSON.stringify(await cells(), null, 1) + '\n';
}

export const folder = join(source, 'tests', 'vectors', 'contracts');
export const STEPS = 400;
export const SEED = '7';

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'history.json'), await makeVectors(STEPS, SEED));
  writeFileSync(join(folder, 'cells.json'), await makeCells());
}
