// What the root should do with its registry, written from libcocoon/docs/contracts.md ("Governance") and
// economics.md, in plain numbers: lists are sets of keys, owners are names.

import { Refused } from './model.mjs';

const MAX_DELAY = 90 * 86_400;
/** What nodes may believe at once where it grows. */
export const TIGHTENED = ['tcbEvaluationFloor', 'clientCloseDelay', 'proxyCloseDelay'];
export const LISTS = ['proxyImages', 'workerImages', 'gpuMeasurements', 'models', 'proxies'];
const WITHOUT_VALUE = 3; // lists before that one hold keys only

function demand(condition, code) {
  if (!condition) throw new Refused(code);
}

function check(p) {
  const sound = p.kind <= 2n && p.workerShareE4 <= 10_000n && p.priceGrace <= MAX_DELAY
    && p.proxyCloseDelay <= MAX_DELAY && p.proxyCloseDelay > p.clientCloseDelay
    && p.minDeposit > 20n * p.messageFee && p.minPayout > 20n * p.messageFee;
  demand(sound, 'bad_registry');
}

class Version {
  constructor({ version, effective, params, lists }) {
    Object.assign(this, { version, effective, params: { ...params }, lists: lists.map((keys) => new Set(keys)) });
  }

  remove(list, key) {
    return this.lists[list].delete(key);
  }
  tighten(least) {
    for (const name of TIGHTENED) {
      if (least[name] > this.params[name]) this.params[name] = least[name];
    }
    check(this.params);
  }
}

export class Root {
  constructor({ owner, delay, registry }) {
    Object.assign(this, { owner, delay, now: new Version(registry), next: null, proposal: null });
  }

  clone() {
    const out = Object.assign(Object.create(Root.prototype), this);
    out.now = new Version(this.now);
    out.next = this.next && new Version(this.next);
    return out;
  }

  /** What waited counts once its time has come. */
  pass(time) {
    if (this.next === null || this.next.effective > time) return;
    this.now = this.next;
    this.next = null;
  }

  remove(sender, { list, key }, time) {
    this.admit(sender);
    demand(list < LISTS.length, 'bad_registry');
    const waited = this.next?.remove(list, key) ?? false;
    demand(this.now.remove(list, key) || waited, 'no_such_entry');
    this.atOnce(time);
  }

  tighten(sender, least, time) {
    this.admit(sender);
    this.now.tighten(least);
    this.next?.tighten(least);
    this.atOnce(time);
  }

  put(sender, { list, key, value }, time) {
    this.admit(sender);
    demand(list < LISTS.length && value === (list >= WITHOUT_VALUE), 'bad_registry');
    this.later(time).lists[list].add(key);
    this.pass(time);
  }

  setParams(sender, params, time) {
    this.admit(sender);
    check(params);
    this.later(time).params = { ...params };
    this.pass(time);
  }

  proposeCharter(sender, { owner, delay }, time) {
    this.admit(sender);
    demand(delay <= MAX_DELAY, 'bad_registry');
    this.proposal = { owner, delay, from: time + this.delay };
  }

  enactCharter(_, __, time) {
    demand(this.proposal !== null, 'no_such_entry');
    demand(time >= this.proposal.from, 'too_early');
    this.owner = this.proposal.owner;
    this.delay = this.proposal.delay;
    this.proposal = null;
  }

  open(_, { proxy, deposit }) {
    demand(this.now.lists[4].has(proxy), 'proxy_not_registered');
    demand(deposit >= this.now.params.minDeposit, 'deposit_too_small');
  }

  poor() {
    demand(false, 'value_too_small');
  }

  admit(sender) {
    demand(sender === this.owner, 'wrong_sender');
  }
  atOnce(time) {
    this.now.version = (this.next ?? this.now).version + 1n;
    this.now.effective = time;
    if (this.next) this.next.version = this.now.version + 1n;
  }
  later(time) {
    const base = this.next ?? this.now;
    this.next = new Version({ ...base, version: base.version + 1n, effective: time + this.delay });
    return this.next;
  }
}
