// What has to hold after a run. Each rule returns what breaks it, in words; nothing is good.
import { clientAccounts, proxyAccounts, workerAccounts } from './accounts.mjs';
import { costOf } from './callers.mjs';
import { PROMPT_TOKENS } from './engine.mjs';

/** limits.h: kMaxAttempts of a client, each offered to kDefaultCandidates workers at most. */
const MOST_EXECUTIONS = 3 * 2;
/** What a node may have in memory only: accounts are written once a second (kSettlementInterval, and
 * kLivenessInterval at the client), and once more for the writing itself on a busy machine. */
const UNWRITTEN_MS = 3000;

/** The share of the registry (apps/cocoon-ledger/settings.cpp): 19 of 20, rounded down. */
export const shareOf = (cost) => Math.floor((cost * 95) / 100);

const sum = (numbers) => numbers.reduce((total, n) => total + n, 0);

/**
 * protocol.md: after `accepted` no other worker gets a request; before, a lost or refused attempt may
 * be made again. So an engine runs a request again only where a connection was lost that the attempt
 * before hung on: the client's, or that worker's. A caller's first byte comes after `accepted`, so what
 * starts behind it is of an attempt that had been lost before it, and was held up on its way.
 */
export function judgeExecutions(records, executions, lossesOf) {
  const broken = [];
  const repeated = [];
  for (const record of records) {
    const all = executions.of(record.id);
    const times = () => `(${record.outcome}, asked at ${record.start | 0} ms, first byte ${record.first | 0}, ` +
      `executions ${all.map((e) => `${e.at | 0} by worker-${e.worker}`).join(', ')})`;
    if (record.outcome === 'ok' && all.length === 0) broken.push(`${record.id}: answered without an execution`);
    if (all.length > MOST_EXECUTIONS) broken.push(`${record.id}: executed ${all.length} times`);
    for (let k = 1; k < all.length; ++k) {
      const between = (worker, until) => lossesOf(worker).some((at) => at >= record.start && at <= until);
      if (record.first !== undefined && all[k].at > record.first && !between(all[k].worker, record.first)) {
        broken.push(`${record.id}: executed again after the answer had begun ${times()}`);
      }
      if (!between(all[k - 1].worker, all[k].at)) broken.push(`${record.id}: executed again, and no connection had been lost ${times()}`);
    }
    if (all.length > 1) repeated.push(all.length);
  }
  return { broken, repeated: repeated.length, most: Math.max(1, ...repeated) };
}

/** Bounds of what a role may hold after the load beyond what it held before: what a peak of the load took
 * (stalled callers above all) stays with the process, as glibc keeps the holes. */
const MORE_KIB = 12 * 1024;
const MORE_DESCRIPTORS = 8;

export function judgeUsage(name, before, after, judgesMemory = true) {
  const broken = [];
  if (judgesMemory && after.private_kib > before.private_kib + MORE_KIB) {
    broken.push(`${name}: ${after.private_kib} KiB of private memory, ${before.private_kib} before the load`);
  }
  if (after.descriptors > before.descriptors + MORE_DESCRIPTORS) {
    broken.push(`${name}: ${after.descriptors} descriptors, ${before.descriptors} before the load`);
  }
  return broken;
}

/** Requests that ended in `span` ms before one of `moments`. */
const endedBefore = (records, moments, span) =>
  records.filter((r) => moments.some((at) => r.done >= at - span && r.done <= at + 100));

/**
 * The money, once all processes have stopped in order. To the nanoton, but for what economics.md
 * leaves open: what neither side had stored when both died, and what a worker has earned in runs of
 * which its proxy did not learn the end.
 */
export async function judgeMoney(world, records, executions) {
  const broken = [];
  const check = (holds, what) => {
    if (!holds) broken.push(what);
  };
  const ledger = JSON.parse(await world.ledger('show', '--json'));
  const { money } = ledger;
  const parts = ['accounts', 'gas', 'messages', 'transfers', 'channels', 'proxies'].map((n) => money[`${n}_nano`]);
  check(money.balanced && sum(parts) === money.issued_nano, `money is not conserved: ${JSON.stringify(money)}`);
  check(money.messages_nano === 0, 'messages are still under way');

  const client = await clientAccounts(world.roles.get('client'));
  const workers = {};
  for (const role of world.ofKind('worker')) workers[role.account] = { role, accounts: await workerAccounts(role) };

  let spent = 0;
  let owedOfAll = 0;
  const unpaid = {};
  for (const proxy of world.ofKind('proxy')) {
    const account = proxy.account;
    const book = await proxyAccounts(proxy);
    const contract = ledger.proxy_contracts.find((c) => c.account === account);
    const channels = ledger.channels.filter((c) => c.proxy === account);
    for (const channel of channels) {
      const name = `${proxy.name}, channel ${channel.id.slice(0, 8)}`;
      const c = client[channel.id] ?? { acknowledged: 0, signed: 0, authorised: 0 };
      const p = book.channels[channel.id] ?? { charged: 0, voucher: { spent: 0 } };
      spent += c.acknowledged;
      check(c.acknowledged === p.charged, `${name}: the client acknowledges ${c.acknowledged}, the proxy has charged ${p.charged}`);
      check(c.signed === c.acknowledged, `${name}: ${c.acknowledged} are acknowledged, ${c.signed} signed for`);
      check(p.voucher.spent === c.signed, `${name}: the proxy's voucher says ${p.voucher.spent}, the client signed ${c.signed}`);
      check(channel.claimed_nano === c.signed, `${name}: the ledger has paid ${channel.claimed_nano}, the client signed ${c.signed}`);
      check(channel.claimed_nano <= c.authorised, `${name}: more was claimed than authorised`);
      check(channel.balance_nano - ledger.registry.tombstone_rent_nano === channel.deposited_nano - channel.claimed_nano - channel.refunded_nano,
        `${name}: balance ${channel.balance_nano} is not what is left of the deposit`);
    }
    const received = sum(channels.map((c) => c.claimed_nano));
    const paid = sum(Object.values(contract.paid_nano));
    check(contract.received_nano === received, `${proxy.name}: received ${contract.received_nano}, its channels paid ${received}`);
    // The stake, made with the registry's least, pays workers ahead of what channels bring in.
    const fromStake = ledger.registry.min_stake_nano - contract.stake_nano;
    check(contract.pool_nano + contract.fees_nano + contract.fees_taken_nano + paid === received + fromStake,
      `${proxy.name}: pool, fees and payouts are not what was received: ${JSON.stringify(contract)}`);
    const vouched = sum(Object.values(book.workers).map((w) => w.vouched));
    check(vouched - paid <= contract.pool_nano + contract.stake_nano, `${proxy.name}: vouchers for ${vouched} are out, ${paid} of it paid, and pool and stake do not cover the rest`);
    for (const [id, { role, accounts }] of Object.entries(workers)) {
      const name = `${role.name} at ${proxy.name}`;
      const w = accounts[account] ?? { owed: 0, paid: 0, arrived: 0, vouched: 0 };
      const p = book.workers[id] ?? { owed: 0, vouched: 0, paid: 0 };
      const onLedger = contract.paid_nano[id] ?? 0;
      owedOfAll += p.owed;
      check(p.owed === p.vouched, `${name}: the proxy owes ${p.owed} and vouches for ${p.vouched}`);
      check(w.vouched === p.vouched, `${name}: the worker's voucher says ${w.vouched}, the proxy's book ${p.vouched}`);
      // What it cashed while it stopped it reads when it starts.
      check(w.paid <= onLedger && w.arrived <= w.paid, `${name}: paid ${onLedger}, the worker knows of ${w.paid}`);
      check(onLedger <= w.vouched, `${name}: paid ${onLedger} of vouchers for ${w.vouched}`);
      check(w.owed >= p.owed, `${name}: the proxy owes ${p.owed}, the worker counts ${w.owed}`);
      unpaid[name] = w.owed - p.owed;
      const most = mostUnpaid(proxy, role, records, executions);
      check(w.owed - p.owed <= most, `${name}: the worker counts ${w.owed - p.owed} that the proxy does not owe; its lost runs explain ${most}`);
    }
  }
  judgeSpent(world, records, executions, spent, check);
  check(owedOfAll <= shareOf(spent), `workers are owed ${owedOfAll} of ${spent}`);
  return { broken, spent_nano: spent, owed_nano: owedOfAll, workers_count_more_nano: unpaid };
}

/** What a run of a request costs at most: where the engine's count did not come, eight bytes of the
 * body are a token of the prompt, and each chunk is one of the answer, within the request's limit. */
const mostOfRun = (record) =>
  costOf(Math.max(PROMPT_TOKENS, Math.ceil(record.bytes / 8)), record.chunks + 8);

/** What a worker may count and its proxy not owe: runs whose answers did not get through as a whole,
 * and what a killed proxy had not written. */
function mostUnpaid(proxy, worker, records, executions) {
  const number = Number(worker.name.split('-')[1]);
  const kills = proxy.downs.map(([from]) => from);
  const unwritten = new Set(endedBefore(records, kills, UNWRITTEN_MS));
  const runs = records
    .filter((r) => r.outcome !== 'ok' || unwritten.has(r) || executions.of(r.id).length > 1)
    .flatMap((r) => executions.of(r.id)
      .filter((e) => e.worker === number && e.whole)
      .map(() => shareOf(mostOfRun(r))));
  return sum(runs);
}

/** Answers that came as a whole were paid for; the others cost no more than they could have. */
function judgeSpent(world, records, executions, spent, check) {
  const good = records.filter((r) => r.outcome === 'ok');
  const costOfGood = sum(good.map((r) => costOf(PROMPT_TOKENS, r.chunks)));
  const most = costOfGood + sum(records.map((r) => {
    const runs = executions.of(r.id).length - (r.outcome === 'ok' ? 1 : 0);
    return Math.max(0, runs) * mostOfRun(r);
  }));
  check(spent <= most, `${spent} were spent; all that ran costs ${most} at most`);
  // Forgotten where client and proxy died together, each with what it had not written.
  const near = ([from, to], [f, t]) => f <= to + UNWRITTEN_MS && t >= from - UNWRITTEN_MS;
  const client = world.roles.get('client').downs;
  const proxies = world.ofKind('proxy').flatMap((p) => p.downs);
  const together = [
    ...client.filter((c) => proxies.some((p) => near(c, p))),
    ...proxies.filter((p) => client.some((c) => near(c, p))),
  ].map(([from]) => from);
  const forgotten = sum(endedBefore(good, together, UNWRITTEN_MS).map((r) => costOf(PROMPT_TOKENS, r.chunks)));
  check(spent >= costOfGood - forgotten,
    `${spent} were spent for answers that cost ${costOfGood} (${forgotten} may be forgotten)`);
}
