// Random histories of the root: changes of the registry and of who governs it, by right and wrong senders,
// with time passing in between. After every step the root and the model must agree, and what
// docs/economics.md promises of the registry must hold for what was ordered and what is shown.
//
//   node registry_history.mjs [STEPS [SEED]]

import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { message, model, PARAMS as FIELDS, text } from '../../apps/ton-devnet/layouts.mjs';
import { account } from '../../apps/ton-devnet/statements.mjs';
import { Random, runFromCommandLine, seeded } from './history.mjs';
import { Refused } from './model.mjs';
import { bouncedTo, DAY, GAS, Network, PARAMS, sentTo, TON, walletOf } from './network.mjs';
import { LISTS, Root, TIGHTENED } from './registry_model.mjs';

const DELAYS = [0, 3_600, DAY, 7 * DAY];
const KEYS = [1n, 2n, 3n, 7n, 9n, 11n];
const big = (params) => Object.fromEntries(FIELDS.map(([name]) => [name, BigInt(params[name])]));

/** What is ordered and shown; the model is not asked. */
class Promises {
  constructor(seen) {
    this.seen = seen;
    this.puts = new Map(); // list/key → from when it may be there
    this.params = []; // { params, from }
    this.charters = []; // { owner, delay, from }
  }

  /** An order was taken, under a charter with this delay; enactCharter: which is the new one. */
  taken(kind, order, time, delay) {
    const from = time + delay;
    if (kind === 'put') {
      const name = `${LISTS[order.list]}/${order.key}`;
      this.puts.set(name, Math.min(from, this.puts.get(name) ?? Infinity));
    }
    if (kind === 'enactCharter') {
      // Whatever waits could be ordered again under the shorter delay.
      for (const [name, before] of this.puts) this.puts.set(name, Math.min(from, before));
      for (const o of this.params) o.from = Math.min(from, o.from);
    }
    if (kind === 'remove') this.puts.delete(`${LISTS[order.list]}/${order.key}`);
    if (kind === 'setParams') this.params.push({ params: order, from });
    if (kind === 'proposeCharter') this.charters.push({ owner: order.owner, delay: order.delay, from });
  }

  check(now, { kind, order, refusal }, seen, where) {
    const before = this.seen;
    this.versions(before, seen, where);
    if (refusal === null && ['remove', 'tighten', 'put', 'setParams'].includes(kind)) {
      assert.ok(newest(seen).version > newest(before).version, `${where}: a change without a new version`);
    }
    this.nothingLoosensEarly(now, before.now, seen.now, where);
    if (refusal === null && kind === 'remove') {
      for (const shown of [seen.now, seen.next]) {
        assert.ok(!shown?.[LISTS[order.list]].includes(order.key), `${where}: a removal acts at once`);
      }
    }
    if (refusal === null && kind === 'tighten') {
      for (const shown of [seen.now, seen.next]) {
        for (const name of TIGHTENED) {
          assert.ok(!shown || shown.params[name] >= order[name], `${where}: ${name} is raised at once`);
        }
      }
    }
    if (seen.owner !== before.owner || seen.delay !== before.delay) {
      assert.ok(kind === 'enactCharter' && this.charters.some((c) => c.owner === seen.owner
        && c.delay === seen.delay && c.from <= now), `${where}: another charter before its time`);
    }
    this.seen = seen;
  }

  versions(before, seen, where) {
    assert.ok(seen.now.version >= before.now.version, `${where}: the version goes back`);
    if (seen.now.version === before.now.version) {
      assert.deepEqual(seen.now, before.now, `${where}: the same version, changed`);
    }
    if (seen.next) assert.ok(seen.next.version > seen.now.version, `${where}: what waits is no newer`);
  }

  nothingLoosensEarly(now, before, seen, where) {
    for (const list of LISTS) {
      for (const key of seen[list].filter((k) => !before[list].includes(k))) {
        const from = this.puts.get(`${list}/${key}`) ?? Infinity;
        assert.ok(from <= now, `${where}: ${list}/${key} counts before its time`);
      }
    }
    const fits = (p) => FIELDS.every(([name]) => (TIGHTENED.includes(name)
      ? seen.params[name] >= p[name] : seen.params[name] === p[name]));
    assert.ok(fits(before.params) || this.params.some((o) => o.from <= now && fits(o.params)),
      `${where}: parameters count before their time`);
  }
}

const newest = (seen) => seen.next ?? seen.now;

export class RegistryHistory {
  constructor(seed) {
    this.random = new Random(seed);
    this.counts = {};
    this.nonce = 0n;
  }

  async start() {
    this.client = account('client');
    this.proxies = [0, 1, 2].map((i) => account(`proxy ${i}`));
    this.governors = ['owner', 'second owner', 'third owner'].map(account);
    this.stranger = account('stranger');
    this.net = await Network.create({ proxies: this.proxies.slice(0, 2), delay: DAY });
    this.names = new Map([...this.governors, this.stranger, this.client].map((a) => [String(walletOf(a.id)), a.id]));
    const seen = await this.show();
    this.model = new Root({ owner: seen.owner, delay: seen.delay,
      registry: { ...seen.now, effective: Number(seen.now.effective), lists: LISTS.map((l) => seen.now[l]) } });
    this.promises = new Promises(seen);
    this.balance = await this.net.balance(this.net.root);
  }

  /** What anybody can see of the root now. */
  async show() {
    const governance = (await this.net.data(this.net.root)).beginParse().skip(128).loadRef().beginParse();
    const charter = governance.loadRef().beginParse();
    const owner = this.names.get(String(charter.loadAddress()));
    return { owner, delay: charter.loadUint(32), now: await this.net.registry(), next: await this.net.waiting() };
  }

  async run(steps) {
    for (let step = 1; step <= steps; ++step) {
      const r = this.random;
      if (r.chance(30)) this.net.now += r.below(r.chance(30) ? 3 * DAY : 4 * 3_600);
      await this.step(`step ${step}`);
    }
  }

  async step(where) {
    const what = this.order();
    const { net } = this;
    this.model.pass(net.now);
    const expected = this.expect(what);
    const before = await net.data(net.root);
    const from = walletOf(what.sender);
    const result = await net.send({ from, to: net.root, body: what.body, value: what.value ?? GAS });
    where = `${where}: ${what.kind}`;
    assert.equal(result.refusal, expected, where);
    this.count(expected ?? what.kind);
    if (expected === null) {
      this.promises.taken(what.kind, what.order, net.now, this.model.delay);
      // (A channel sends what is left of its own message.)
      assert.equal(sentTo(result, from).length, 1, `${where}: the excess goes back`);
      if (what.kind === 'open') await this.opened(what.terms, where);
    } else {
      assert.ok((await net.data(net.root)).equals(before), `${where}: a refused message changes nothing`);
      assert.ok(bouncedTo(result, from), `${where}: the value must bounce`);
    }
    this.balance -= result.tx.description.storagePhase?.storageFeesCollected ?? 0n;
    assert.equal(await net.balance(net.root), this.balance, `${where}: the root holds nobody's money`);
    const seen = await this.show();
    this.compare(seen, where);
    this.promises.check(net.now, { ...what, refusal: expected }, seen, where);
  }

  expect({ kind, sender, order }) {
    const next = this.model.clone();
    try {
      next[kind](sender, order, this.net.now);
      this.model = next;
      return null;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return error.code;
    }
  }

  /** A channel has the terms that were in force. */
  async opened(terms, where) {
    const { params } = this.model.now;
    const channel = await this.net.channel(this.net.channelAddress(terms));
    assert.deepEqual([channel.closeDelay, channel.minDeposit, channel.rent],
      [params.clientCloseDelay, params.minDeposit, params.tombstoneRent], where);
  }

  compare(seen, where) {
    const m = this.model;
    assert.deepEqual([seen.owner, seen.delay], [m.owner, m.delay], where);
    for (const [shown, version, which] of [[seen.now, m.now, 'in force'], [seen.next, m.next, 'waiting']]) {
      assert.equal(shown === null, version === null, `${where}: ${which}`);
      if (shown === null) continue;
      assert.deepEqual([shown.version, shown.effective], [version.version, BigInt(version.effective)], `${where}: ${which}`);
      assert.deepEqual(shown.params, version.params, `${where}: ${which}`);
      for (const [i, list] of LISTS.entries()) {
        assert.deepEqual(new Set(shown[list]), version.lists[i], `${where}: ${which}: ${list}`);
      }
    }
  }

  // --- Who sends what ---

  order() {
    const r = this.random;
    const kind = r.below(100);
    const sender = r.chance(85) ? this.model.owner : r.pick([...this.governors, this.stranger]).id;
    if (kind < 20) return this.open();
    if (kind < 25) return { kind: 'poor', sender, value: TON / 100n, body: message.enactCharter() };
    if (kind < 45) {
      const { list, key } = this.entry();
      return { kind: 'remove', sender, order: { list, key }, body: message.remove(list, key) };
    }
    if (kind < 65) {
      const { list, key, cell } = this.entry();
      return { kind: 'put', sender, order: { list, key, value: cell !== null }, body: message.put(list, key, cell) };
    }
    if (kind < 75) {
      const order = { tcbEvaluationFloor: r.amount(30), clientCloseDelay: r.amount(DAY), proxyCloseDelay: r.amount(2 * DAY) };
      return { kind: 'tighten', sender, order, body: message.tighten(order) };
    }
    if (kind < 87) {
      const order = this.params();
      return { kind: 'setParams', sender, order, body: message.setParams(order) };
    }
    if (kind < 93) {
      const owner = r.pick(this.governors).id;
      const delay = r.chance(5) ? 90 * DAY + 1 : r.pick(DELAYS);
      const body = message.proposeCharter({ ...this.net.charter, owner: walletOf(owner), delay });
      return { kind: 'proposeCharter', sender, order: { owner, delay }, body };
    }
    return { kind: 'enactCharter', sender: this.stranger.id, body: message.enactCharter() };
  }

  /** A place in a list, mostly a sound one, with a value where there should be one, mostly. */
  entry() {
    const r = this.random;
    const list = r.chance(4) ? 5 : r.below(5);
    const key = list === 4 ? r.pick(this.proxies).id : r.pick(KEYS);
    const value = list === 3 ? model({ id: `m${key}@1:2`, maxOutputTokens: 1, templateAllowance: 0 }) : text('proxy.example:7443');
    return { list, key, cell: r.chance(5) !== list >= 3 ? value : null };
  }

  params() {
    const r = this.random;
    return big({ ...PARAMS, pricePerToken: r.below(100), workerShareE4: r.below(r.chance(5) ? 20_000 : 10_001),
      minDeposit: r.chance(5) ? 1n : TON + r.amount(TON), clientCloseDelay: r.below(DAY),
      proxyCloseDelay: r.below(2 * DAY), tcbEvaluationFloor: r.below(30) });
  }

  open() {
    const r = this.random;
    const deposit = TON + r.amount(TON);
    const terms = this.net.channelTerms({ client: this.client, proxy: r.pick(this.proxies), nonce: ++this.nonce });
    return { kind: 'open', sender: this.client.id, order: { proxy: terms.proxy, deposit }, terms,
      value: deposit + GAS + TON / 20n, body: message.openChannel({ ...terms, deposit }) };
  }

  count(what) {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }
}

/** @return what came of it, for a look at how much was covered */
export async function runRegistryHistory(steps, seed) {
  const history = new RegistryHistory(seed);
  await history.start();
  await seeded('registry_history.mjs', steps, seed, () => history.run(steps));
  return history.counts;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runFromCommandLine(runRegistryHistory);
