// What the contracts' messages and their storage cost, at the prices of the main net's configuration.
//
//   node fees.mjs          writes the tables into libcocoon/docs/contracts.md

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beginCell } from '@ton/core';
import { createShardAccount } from '@ton/sandbox';
import { source } from '../../apps/ton-devnet/code.mjs';
import { epochData, LIST, message, text, withPaid } from '../../apps/ton-devnet/layouts.mjs';
import { CODE, DAY, GAS, Network, PARAMS, TON } from './network.mjs';
import {
  account, agreementBytes, channelId, epochBytes, number, payoutBytes, sha256, signature, signed, voucherBytes,
} from '../../apps/ton-devnet/statements.mjs';
import { order, stateAddress, walletCode, walletData, walletOf } from '../../apps/ton-devnet/wallets.mjs';

const [client, proxy, worker] = ['client', 'proxy', 'worker'].map(account);
const YEAR = 365 * DAY;
export const document = join(source, 'libcocoon', 'docs', 'contracts.md');

/** What a message cost: all of its value that is neither held, nor paid, nor sent back. */
async function cost(net, from, to, value, body, init) {
  const contracts = [net.root, net.proxyAddress(proxy), to, ...(net.watched ?? [])];
  const unique = [...new Map(contracts.map((c) => [String(c), c])).values()];
  const total = async () => {
    let sum = 0n;
    for (const c of unique) sum += await net.balance(c);
    return sum;
  };
  const before = await total();
  const result = await net.send({ from, to, value, body, init });
  assert.equal(result.refusal, null);
  const held = (await total()) - before;
  const paid = result.hops.flatMap((h) => h.out)
    .filter((m) => !unique.some((c) => c.equals(m.info.dest)))
    .reduce((sum, m) => sum + m.info.value.coins, 0n);
  const gas = result.hops.filter((h) => h.gas > 0n).map((h) => h.gas);
  return { gas, fees: value - held - paid };
}

const workers = (n) => Array.from({ length: n }, (_, i) => [number(sha256(`worker ${i}`)), TON]);

async function withWorkers(net, n) {
  const at = net.proxyAddress(proxy);
  const data = withPaid(await net.data(at), workers(n));
  await net.chain.setShardAccount(at, createShardAccount({ address: at, code: CODE.proxy, data, balance: 2_000n * TON }));
}

async function ready() {
  const net = await Network.create({ proxies: [proxy] });
  await net.deploy(proxy, 1_000n * TON);
  const terms = net.channelTerms({ client, proxy });
  const at = net.channelAddress(terms);
  net.watched = [at];
  const id = channelId(terms);
  const voucher = (spent) => signed(voucherBytes({ network: net.id, channel: id, spent, authorised: spent + TON, leftovers: client.id }), client);
  const payout = (owed, to = worker.id) => signed(payoutBytes({ network: net.id, proxy: proxy.id, worker: to, owed }), proxy);
  return { net, terms, at, voucher, payout };
}

/** Rows of [operation, who pays, gas by contract, fees]. */
export async function operations() {
  const { net, terms, at, voucher, payout } = await ready();
  const rows = [];
  const [c, p, w] = [client, proxy, worker].map((a) => walletOf(a.id));
  const pc = net.proxyAddress(proxy);
  const run = async (name, payer, from, to, value, body, init) => {
    const row = await cost(net, from, to, value, body, init);
    rows.push({ name, payer, ...row });
    return row;
  };
  await run('open a channel', 'client', c, net.root, 6n * TON, message.openChannel({ ...terms, deposit: 5n * TON }));
  await run('top up', 'client', c, at, 2n * TON, message.topUp(TON));
  await run('redeem', 'proxy', p, at, GAS, message.redeem(voucher(TON)));
  await run('start a close', 'client', c, at, GAS, message.startClose());
  await run('present', 'proxy', p, at, GAS, message.present(2n * TON, voucher(TON)));
  net.now += DAY / 2;
  await net.send({ from: p, to: at, body: message.present(3n * TON, voucher(2n * TON)) }); // storage is its own table
  await run('finalise', 'client', c, at, GAS, message.finalise());
  const agreed = net.channelTerms({ client, proxy, nonce: 2n });
  const second = net.channelAddress(agreed);
  net.watched.push(second);
  await net.open(agreed, 5n * TON);
  const bytes = agreementBytes({ network: net.id, channel: channelId(agreed), total: TON, leftovers: client.id });
  await run('close by agreement', 'client', c, second, GAS, message.closeByAgreement(signed(bytes, client), signature(bytes, proxy)));

  const other = account('second proxy');
  await net.govern(message.put(LIST.proxies, other.id, text('b.example:7443')));
  net.watched.push(net.proxyAddress(other));
  await run('deploy a proxy contract', 'proxy', walletOf(other.id), net.root, 12n * TON, message.deployProxy({ account: other.id, stake: 10n * TON }));
  await run('add stake', 'proxy', p, pc, 2n * TON, message.addStake(TON));
  for (const n of [10, 1_000, 10_000]) {
    await withWorkers(net, n);
    const known = workers(n)[n >> 1][0];
    await run(`cash out, one of ${n.toLocaleString('en')} workers`, 'worker', w, pc, GAS, message.cashOut(payout(2n * TON, known)));
  }
  await run('cash out, a first time beside 10,000 workers', 'worker', w, pc, GAS, message.cashOut(payout(TON)));
  await run('take fees', 'proxy', p, pc, GAS, message.takeFees());
  await run('start a withdrawal', 'proxy', p, pc, GAS, message.startWithdrawal());
  net.now += DAY;
  await net.send({ from: w, to: pc, body: message.cashOut(payout(2n * TON)) });
  await run('finish a withdrawal', 'proxy', p, pc, GAS, message.finishWithdrawal());
  await run('push the worker\'s share', 'anybody', c, net.root, GAS, message.pushWorkerShare(other.id));

  const data = epochData(net.id, worker.id);
  const epoch = stateAddress(CODE.epoch, data);
  const record = (n) => message.publishEpoch(signed(epochBytes({ network: net.id, epoch: n, bootKeyHash: 1n }), worker));
  await run('publish an epoch, the first', 'node', w, epoch, GAS, record(1n), { code: CODE.epoch, data });
  await run('publish an epoch', 'node', w, epoch, GAS, record(2n));
  await run('put an entry', 'owner', net.owner, net.root, GAS, message.put(LIST.workerImages, 9n));
  await run('remove an entry', 'owner', net.owner, net.root, GAS, message.remove(LIST.workerImages, 9n));
  await run('set the parameters', 'owner', net.owner, net.root, GAS, message.setParams({ ...PARAMS, pricePerToken: 21 }));
  return rows;
}

/** What a v5r1 wallet pays to send one message with a body of a voucher's size, beside its value. */
export async function walletFee() {
  const { net, at, voucher } = await ready();
  const address = walletOf(proxy.id);
  await net.place(address, walletCode(), walletData(proxy.id), 10n * TON);
  const body = message.redeem(voucher(TON));
  const { info, body: signedOrder } = order(proxy, { to: at, value: GAS, body, now: net.now });
  const step = await net.step({ info, body: signedOrder }); // the wallet is deployed already
  assert.equal(step.refusal, null);
  assert.equal(step.out.length, 1);
  return 10n * TON - await net.balance(address) - step.out[0].info.value.coins;
}

/** Storage fees of an idle year, by contract. */
export async function storage() {
  const { net, terms, at, payout } = await ready();
  await net.open(terms, 5n * TON);
  const pc = net.proxyAddress(proxy);
  const data = epochData(net.id, worker.id);
  const epoch = stateAddress(CODE.epoch, data);
  await net.send({ from: walletOf(worker.id), to: epoch, init: { code: CODE.epoch, data },
    body: message.publishEpoch(signed(epochBytes({ network: net.id, epoch: 1n, bootKeyHash: 1n }), worker)) });
  const rows = [];
  const idle = async (name, address) => {
    const from = net.now;
    const account = (await net.chain.getContract(address)).account;
    net.now += YEAR;
    const { tx } = await net.step({ ...someMessage(address) });
    rows.push({ name, fees: tx.description.storagePhase.storageFeesCollected });
    net.now = from;
    (await net.chain.getContract(address)).lastTxTime = 0;
    await net.chain.setShardAccount(address, account);
  };
  const someMessage = (to) => ({ info: { type: 'internal', ihrDisabled: true, bounce: true, bounced: false,
    src: walletOf(client.id), dest: to, value: { coins: TON }, ihrFee: 0n, forwardFee: 0n, createdLt: 0n, createdAt: 0 },
  body: beginCell().storeUint(1, 32).endCell() });
  await idle('channel', at);
  for (const n of [0, 10, 1_000, 10_000]) {
    await withWorkers(net, n);
    await net.send({ from: walletOf(worker.id), to: pc, body: message.cashOut(payout(TON)) }); // sizes are counted anew
    await idle(`proxy contract that has paid ${n.toLocaleString('en')} workers`, pc);
  }
  await idle('epoch record', epoch);
  await idle('root with 2 images, 1 model, 1 proxy', net.root);
  return rows;
}

const ton = (nano) => {
  const digits = String((nano + 500n) / 1_000n).padStart(7, '0'); // to the microton
  return `${digits.slice(0, -6)}.${digits.slice(-6)}`;
};

export async function measure() {
  return { rows: await operations(), wallet: await walletFee(), stored: await storage() };
}

const find = (list, name) => list.find((r) => r.name === name).fees;

/** A day of 100 clients and 1,000 workers. */
export function day({ rows, wallet, stored }) {
  const redeem = find(rows, 'redeem') + wallet;
  const cash = find(rows, 'cash out, one of 1,000 workers') + wallet;
  const perYear = 100n * find(stored, 'channel') + find(stored, 'proxy contract that has paid 1,000 workers');
  const idle = perYear / 365n;
  // Settled by value: as soon as the fee is half a per cent of it.
  return { redeem, cash, idle, leastRedeem: 200n * redeem, leastCash: 200n * cash };
}

export function tables(measured) {
  const { rows, wallet, stored } = measured;
  const d = day(measured);
  const spent = 1_000n * TON; // 100 clients × 10 TON
  const redeems = spent / d.leastRedeem;
  const paid = spent * 95n / 100n;
  const cashes = paid / d.leastCash;
  const lines = [
    '| operation | paid by | gas, contract by contract | fees in TON |', '|---|---|---|---|',
    ...rows.map((r) => `| ${r.name} | ${r.payer} | ${r.gas.map((g) => g.toLocaleString('en')).join(' + ')} | ${ton(r.fees)} |`),
    `| the wallet's own part of each | | | ${ton(wallet)} |`, '',
    '| storage | TON a year |', '|---|---|',
    ...stored.map((r) => `| ${r.name} | ${ton(r.fees)} |`), '',
    '| a day of 100 clients and 1,000 workers | TON |', '|---|---|',
    `| idle: storage of 100 channels and the proxy's contract | ${ton(d.idle)} |`,
    `| one redemption, with the wallet's part: ${ton(d.redeem)}; worth it from | ${ton(d.leastRedeem)} |`,
    `| one cash-out, with the wallet's part: ${ton(d.cash)}; worth it from | ${ton(d.leastCash)} |`,
    `| 1,000 TON spent: ${redeems} redemptions (${ton(redeems * d.redeem)}) and ${cashes} cash-outs (${ton(cashes * d.cash)}) | ${ton(redeems * d.redeem + cashes * d.cash)} |`,
  ];
  return lines.join('\n');
}

const BEGIN = '<!-- measured by tests/contracts/fees.mjs -->';
const END = '<!-- end -->';

export function inDocument(text) {
  return text.split(BEGIN)[1]?.split(END)[0].trim();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const made = tables(await measure());
  console.log(made);
  if (process.argv[2] !== '--print') {
    const old = readFileSync(document, 'utf8');
    const [head, rest] = old.split(BEGIN);
    writeFileSync(document, `${head}${BEGIN}\n\n${made}\n\n${END}${rest.split(END)[1]}`);
  }
}
