// A random history as vectors for the C++ rules: what each contract was told, and what became of it in the
// TVM. tests/unit/ledger replays it through billing::apply, with the same signed bytes.
//
//   node vectors.mjs      writes tests/vectors/contracts/history.json

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { source } from './compiled.mjs';
import { readChannel, readProxy } from './layouts.mjs';
import { Channel } from './model.mjs';
import { History } from './history.mjs';
import { PARAMS } from './network.mjs';
import { bytes } from './statements.mjs';

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

export const file = join(source, 'tests', 'vectors', 'contracts', 'history.json');
export const STEPS = 400;
export const SEED = '7';

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, await makeVectors(STEPS, SEED));
}
