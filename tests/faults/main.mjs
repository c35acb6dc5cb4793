// Runs a network of the real programs under faults, and judges what came of it.
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { killAll, run, until } from '../support/process.mjs';
import { Callers } from './callers.mjs';
import { Executions } from './engine.mjs';
import { Faults } from './faults.mjs';
import { judgeExecutions, judgeMoney, judgeUsage } from './judge.mjs';
import { makeRandom } from './random.mjs';
import { World } from './world.mjs';

const USAGE = `Usage: tests/faults/run [--minutes M] [--callers K] [--workers N] [--proxies N] [--seed S]
                        [--out FILE] [--keep] [--no-memory]
Load and faults for M minutes, then quiet, then the verdict. --keep keeps the network's folder even if
all is well; --no-memory judges no memory (of sanitizers). Exit codes: 0 all rules hold, 1 one is
broken, 2 misuse.`;

/** How the engines' answers end, by weight. Those that stall for good last a deadline of 60 s or 120 s
 * (limits.h) unless their caller gives up: a short run has none. */
const ENDS = { ok: 70, late: 5, pause: 5, error: 5, reset_first: 4, reset_middle: 4, truncate: 4, short: 2 };
const LONG_ENDS = { ...ENDS, stall: 0.6, silent: 0.4 };
/** From here on a run is long enough for what takes the product a minute to notice. */
const LONG_MINUTES = 4;
/** After the load: dead peers (45 s), stalled answers (120 s), and as much again for a busy machine. */
const QUIET_MS = 330_000;

function options() {
  const text = (fallback) => ({ type: 'string', default: fallback });
  const { values } = parseArgs({
    options: {
      minutes: text('1'), callers: text('12'), workers: text('3'), proxies: text('2'),
      seed: text(String(Math.floor(Math.random() * 1e9))), out: text(''),
      keep: { type: 'boolean', default: false }, 'no-memory': { type: 'boolean', default: false },
    },
  });
  for (const name of ['minutes', 'callers', 'workers', 'proxies']) {
    values[name] = Number(values[name]);
    if (!(values[name] > 0)) throw new Error(`--${name} must be a number above 0`);
  }
  return values;
}

const rerun = (o) =>
  `tests/faults/run --minutes ${o.minutes} --callers ${o.callers} --workers ${o.workers} --proxies ${o.proxies} --seed ${o.seed}`;

const say = (text) => console.log(text);
const sleep = (ms) => new Promise((resume) => setTimeout(resume, ms));

async function commit() {
  const here = dirname(fileURLToPath(import.meta.url));
  const source = process.env.COCOON_SOURCE ?? join(here, '..', '..');
  const head = await run('/usr/bin/env', ['git', '-C', source, 'rev-parse', 'HEAD']);
  const changed = await run('/usr/bin/env', ['git', '-C', source, 'status', '--porcelain', '--untracked-files=no']);
  return head.out.trim() + (changed.out.trim() === '' ? '' : ' with changes');
}

const usageOf = (world) => Object.fromEntries(world.inOrder().map((r) => [r.name, r.usage()]));

/** Some requests without faults: what a role holds after them is its idle level. */
async function warmUp(world, seed) {
  const callers = new Callers({
    gateway: world.gateway, client: world.roles.get('client'), random: makeRandom(seed, 'warm up'),
    count: 4, ends: { ok: 1 }, prefix: 'w',
  });
  callers.begin();
  await until('the first answers', () => callers.records.length >= 40);
  await callers.finish();
  return callers;
}

/** Until nothing runs anywhere. */
async function drain(world, callers, executions) {
  await until('every request to end', () => callers.running === 0, QUIET_MS);
  for (const role of world.inOrder()) {
    if (role.kind === 'client') continue;
    const name = `cocoon_${role.kind}_requests_running`;
    await until(`${role.name} to be idle`, async () => (await role.metric(name)) === 0, QUIET_MS);
  }
  await until('the engines to be idle', () => executions.open === 0, QUIET_MS);
}

/** Waits until memory and descriptors are back, and says what is not after a while. */
async function judgeIdle(world, before, judgesMemory) {
  let broken;
  let after;
  const look = () => {
    after = usageOf(world);
    broken = Object.keys(after).flatMap((name) => judgeUsage(name, before[name], after[name], judgesMemory));
    return broken.length === 0;
  };
  await until('the idle level', look).catch(() => {});
  return { broken, after };
}

async function stopAll(world) {
  const broken = [];
  // The client's last voucher reaches the proxies, theirs the workers.
  for (const kind of ['client', 'proxy', 'worker']) {
    for (const role of world.ofKind(kind)) {
      const ended = await role.end('SIGTERM');
      if (ended.code !== 0) broken.push(`${role.name} ended with ${JSON.stringify(ended)}`);
    }
  }
  return broken;
}

function lossesOf(world) {
  const client = world.roles.get('client').links.flatMap((l) => l.losses);
  const workers = world.ofKind('worker').map((w) => w.links.flatMap((l) => l.losses));
  return (number) => [...client, ...workers[number - 1]];
}

const count = (list, keyOf) => {
  const counts = {};
  for (const item of list) counts[keyOf(item)] = (counts[keyOf(item)] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).sort(([, a], [, b]) => b - a));
};

async function go(o) {
  // Now: the sources may change while it runs.
  const source = await commit();
  const executions = new Executions();
  const world = await World.make({ ...o, executions });
  say(`state ${world.state}`);
  await world.untilServed();
  const warm = await warmUp(world, o.seed);
  await drain(world, warm, executions);
  const before = usageOf(world);
  const load = loadavg();

  const long = o.minutes >= LONG_MINUTES;
  const callers = new Callers({
    gateway: world.gateway, client: world.roles.get('client'), random: makeRandom(o.seed, 'callers'),
    count: o.callers, ends: long ? LONG_ENDS : ENDS, prefix: 'r',
  });
  const faults = new Faults({
    world, random: makeRandom(o.seed, 'faults'), longestMs: long ? 70_000 : 6_000, gapMs: long ? 2500 : 1200,
    restartsMs: long ? o.minutes * 40_000 : Infinity, // two thirds of it
  });
  const began = performance.now();
  callers.begin();
  faults.begin();
  const beat = setInterval(() => {
    say(`${Math.round((performance.now() - began) / 1000)} s: ${callers.records.length} ended, ` +
      `${callers.running} run, ${Object.values(faults.counts).reduce((a, b) => a + b, 0)} faults, ` +
      `${callers.complaints.length} complaints`);
  }, 15_000);
  try {
    await sleep(o.minutes * 60_000);
    await faults.finish();
    await callers.finish();
    await world.untilServed();
    await drain(world, callers, executions);
  } finally {
    clearInterval(beat);
  }
  const seconds = Math.round((performance.now() - began) / 1000);
  const up = Object.fromEntries(world.inOrder().map((r) => [r.name, r.upSeconds()]));
  const idle = await judgeIdle(world, before, !o['no-memory']);
  const crashes = world.inOrder().flatMap((r) => r.crashes.map((c) => `${r.name} ended by itself: ${JSON.stringify({ ...c, log: c.log() })}`));
  const stops = await stopAll(world);
  const records = [...warm.records, ...callers.records];
  const repeats = judgeExecutions(records, executions, lossesOf(world));
  const money = await judgeMoney(world, records, executions);
  const complaints = [...warm.complaints, ...callers.complaints];
  if (callers.records.length !== callers.asked) complaints.push(`${callers.asked} were asked, ${callers.records.length} ended`);
  const broken = {
    every_request_ends_once: complaints,
    no_request_runs_twice: repeats.broken,
    money_agrees: money.broken,
    idle_level: idle.broken,
    no_crash: [...crashes, ...stops, ...faults.failures],
  };
  const report = {
    commit: source, seed: o.seed, minutes: o.minutes, callers: o.callers, workers: o.workers, proxies: o.proxies,
    rerun: rerun(o),
    cores: cpus().length, load_average: load, seconds,
    requests: records.length,
    outcomes: count(callers.records, (r) => r.outcome),
    engine_ends: count(callers.records, (r) => r.end),
    executions: executions.total, requests_executed_again: repeats.repeated, most_executions: repeats.most,
    faults: faults.counts,
    connections_lost: [...world.links.values()].reduce((n, l) => n + l.losses.length, 0),
    spent_nano: money.spent_nano, owed_nano: money.owed_nano, workers_count_more_nano: money.workers_count_more_nano,
    usage: Object.fromEntries(Object.keys(before).map((n) => [n, { before: before[n], after: idle.after[n], up_seconds: up[n] }])),
    verdicts: Object.fromEntries(Object.entries(broken).map(([rule, list]) => [rule, list.length === 0 ? 'holds' : list.slice(0, 20)])),
  };
  return { report, world, faults, good: Object.values(broken).every((list) => list.length === 0) };
}

/** What is needed to understand a failure stays in the network's folder. */
function keepEvidence({ world, faults }) {
  for (const role of world.inOrder()) writeFileSync(join(world.state, `${role.name}.last.log`), role.lastLog ?? '');
  writeFileSync(join(world.state, 'faults.log'), faults.log.map((l) => l.join(' ')).join('\n'));
}

async function main() {
  let o;
  try {
    o = options();
  } catch (error) {
    console.error(`${error.message}\n${USAGE}`);
    return 2;
  }
  say(`seed ${o.seed}; again with: ${rerun(o)}`);
  const done = await go(o);
  const text = JSON.stringify(done.report, null, 1) + '\n';
  if (o.out !== '') writeFileSync(o.out, text);
  say(text);
  keepEvidence(done);
  done.world.close();
  if (done.good && !o.keep) done.world.discard();
  else say(`logs: ${done.world.state}`);
  return done.good ? 0 : 1;
}

main().then(
  (code) => process.exit(code),
  (error) => {
    console.error(error);
    killAll();
    process.exit(1);
  },
);
