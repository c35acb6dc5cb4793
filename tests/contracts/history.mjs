// Random histories of a network: messages by right and wrong senders, with sound and unsound statements,
// delivered in any order that TON allows (only two contracts' messages to each other keep theirs), with
// time passing in between. After every step the contract and the model must agree, and the invariants of
// docs/economics.md hold.
//
//   node history.mjs [STEPS [SEED]]

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { internal } from '@ton/sandbox';
import { Invariants } from './invariants.mjs';
import { message, OP, readChannel, readProxy } from '../../apps/ton-devnet/layouts.mjs';
import { Channel, Proxy, Refused } from './model.mjs';
import { DAY, GAS, Network, TON, walletOf } from './network.mjs';
import {
  account, agreementBytes, channelId, payoutBytes, signature, signed, statementCell, voucherBytes,
} from '../../apps/ton-devnet/statements.mjs';

/** Numbers that follow from a seed. */
export class Random {
  constructor(seed) {
    this.seed = seed;
    this.counter = 0;
  }
  below(limit) {
    const hash = createHash('sha256').update(`${this.seed}/${this.counter++}`).digest();
    return Number(hash.readBigUInt64BE() % BigInt(limit));
  }
  chance(percent) {
    return this.below(100) < percent;
  }
  pick(list) {
    return list[this.below(list.length)];
  }
  amount(limit) {
    return BigInt(this.below(Number(limit) + 1));
  }
}

const clone = (state) => Object.assign(Object.create(Object.getPrototypeOf(state)), state,
  state.paid && { paid: new Map(state.paid) });

const PHASES = { open: 1n, closing: 2n, closed: 3n };
const MAX_EXPOSURE = TON / 2n;
const SHARE = 9_500n;

/** What a message is to the model. */
const RULES = {
  topUp: (m, d) => m.topUp(d.amount),
  redeem: (m, d) => m.redeem(d.sender, d.statement),
  startClose: (m, d, now) => m.startClose(d.sender, now),
  present: (m, d) => m.present(d.sender, d.statement, d.claim),
  finalise: (m, d, now) => m.finalise(now),
  closeByAgreement: (m, d) => m.closeByAgreement(d.statement),
  resend: (m) => m.resend(),
  bounced: (m, d) => m.bounced(d.amount),
  receive: (m, d) => m.receive(d.amount),
  addStake: (m, d) => m.addStake(d.amount),
  cashOut: (m, d) => m.cashOut(d.statement),
  takeFees: (m, d) => m.takeFees(d.sender),
  startWithdrawal: (m, d, now) => m.startWithdrawal(d.sender, now),
  finishWithdrawal: (m, d, now) => m.finishWithdrawal(d.sender, now),
  poor: () => refuse('value_too_small'), // does not bring what it says
  notTheRoot: () => refuse('wrong_sender'),
};

function refuse(code) {
  throw new Refused(code);
}

export class History {
  constructor(seed) {
    this.random = new Random(seed);
    this.invariants = new Invariants();
    this.queues = new Map(); // messages under way, by sender and recipient
    this.channels = []; // { terms, address, model, vouchers, spent, charged }
    this.proxies = new Map(); // account id → { address, model, owed, rogue }
    this.steps = 0;
    this.counts = {};
    this.nonce = 0n;
  }

  async start() {
    const names = (kind, n) => Array.from({ length: n }, (_, i) => account(`${kind} ${i}`));
    this.clients = names('client', 4);
    this.workers = names('worker', 4);
    this.proxyAccounts = names('proxy', 16);
    this.stranger = account('stranger');
    this.net = await Network.create({ proxies: this.proxyAccounts });
    for (const [i, who] of this.proxyAccounts.entries()) {
      // All are registered; the contracts of all but the first two come late or never.
      this.proxies.set(who.id, { who, address: this.net.proxyAddress(who), model: null,
        owed: new Map(), vouched: new Map(), rogue: i % 2 === 1 });
      if (i < 2) await this.deploy(who);
    }
  }

  /** Runs until `steps` messages were delivered. */
  async run(steps) {
    while (this.steps < steps) {
      const r = this.random;
      if (this.queues.size > 0 && r.chance(60)) {
        await this.deliverOne();
      } else if (r.chance(6)) {
        this.net.now += r.below(r.chance(10) ? DAY : 600);
      } else {
        await this.act();
      }
    }
    while (this.queues.size > 0) await this.deliverOne();
  }

  /** Three proxies: two with a contract, closed ones being replaced, and one without. */
  market() {
    return this.proxyAccounts.filter((a) => this.proxies.get(a.id).model?.phase !== 'closed').slice(0, 3);
  }

  async act() {
    const r = this.random;
    const kind = r.below(100);
    if (this.channels.length < 3 || kind < 4) return this.open();
    if (kind < 62) return this.askChannel(r.pick(this.channels.slice(-8)));
    const closed = r.chance(5) ? this.proxyAccounts : this.market();
    return this.askProxy(this.proxies.get(r.pick(closed).id));
  }

  // --- What parties do off the chain ---

  /** A voucher by the client: sound, or spoilt in one way. */
  voucher(channel) {
    const r = this.random;
    const { model, terms } = channel;
    const authorisedBefore = channel.authorised ?? 0n;
    // Honest clients acknowledge no more than they authorised, and authorise little ahead.
    channel.spent += r.amount(authorisedBefore - channel.spent);
    const ahead = r.amount(MAX_EXPOSURE);
    channel.authorised = channel.spent + ahead > authorisedBefore ? channel.spent + ahead : authorisedBefore;
    const v = {
      network: this.net.id, channel: model.id, spent: channel.spent, authorised: channel.authorised,
      leftovers: r.chance(80) ? model.leftovers : r.pick(this.clients).id, by: model.signer, intact: true,
    };
    const spoilt = r.below(40);
    if (spoilt === 0) v.network += 1n;
    if (spoilt === 1) v.channel = this.channels.find((c) => c !== channel).model.id;
    if (spoilt === 2) v.by = this.stranger.id;
    if (spoilt === 3) v.spent = v.authorised + 1n;
    if (spoilt === 4) v.intact = false;
    if (spoilt > 4) this.invariants.voucherIssued(channel.address, v);
    v.cell = this.sign(voucherBytes(v), v);
    channel.vouchers.push(v);
    return v;
  }

  sign(bytes, v) {
    const by = this.key(v.by);
    const out = signed(bytes, by);
    if (!v.intact) {
      const altered = Buffer.from(bytes);
      altered[bytes.length - 1] ^= 1; // another account, or a nanoton more
      out.statement = statementCell(altered);
    }
    return out;
  }

  key(id) {
    this.keys ??= new Map([...this.clients, ...this.workers, ...this.proxyAccounts, this.stranger]
      .map((a) => [a.id, a]));
    return this.keys.get(id);
  }

  payout(proxy) {
    const r = this.random;
    const worker = r.pick(this.workers).id;
    const before = proxy.vouched.get(worker) ?? 0n;
    let room = TON;
    if (!proxy.rogue) {
      const unpaid = [...proxy.vouched].reduce(
        (sum, [w, owed]) => sum + owed - (proxy.model?.paid.get(w) ?? 0n), 0n);
      const backing = (proxy.model?.pool ?? 0n) + (proxy.model?.stake ?? 0n);
      room = backing > unpaid ? backing - unpaid : 0n;
      if (room > TON) room = TON;
    }
    const v = { network: this.net.id, proxy: proxy.who.id, worker, owed: before + r.amount(room),
      by: proxy.who.id, intact: true };
    const spoilt = r.below(40);
    if (spoilt === 0) v.network += 1n;
    if (spoilt === 1) v.proxy = r.pick(this.proxyAccounts.filter((a) => a !== proxy.who)).id;
    if (spoilt === 2) v.by = this.stranger.id;
    if (spoilt === 3) v.intact = false;
    if (spoilt > 3) {
      proxy.vouched.set(worker, v.owed);
      this.invariants.payoutIssued(proxy.address, v);
    }
    v.cell = this.sign(payoutBytes(v), v);
    (proxy.payouts ??= []).push(v);
    return v;
  }

  agreement(channel) {
    const r = this.random;
    const { model } = channel;
    const a = { network: this.net.id, channel: model.id, total: model.claimed + r.amount(TON),
      leftovers: r.chance(70) ? model.leftovers : r.pick(this.clients).id,
      by: [model.signer, model.proxy], intact: true };
    const spoilt = r.below(10);
    if (spoilt === 0) a.network += 1n;
    if (spoilt === 1) a.channel = this.channels.find((c) => c !== channel).model.id;
    if (spoilt === 2) a.by = [this.stranger.id, model.proxy];
    if (spoilt === 3) a.by = [model.signer, this.stranger.id];
    if (spoilt > 3) this.invariants.agreed(channel.address, a);
    a.cell = signed(agreementBytes(a), this.key(a.by[0]));
    a.second = signature(agreementBytes(a), this.key(a.by[1]));
    return a;
  }

  // --- What they send ---

  sender(usual) {
    if (this.random.chance(85)) return usual;
    return this.random.pick([...this.clients, ...this.workers, ...this.proxyAccounts, this.stranger]).id;
  }

  askChannel(channel) {
    const r = this.random;
    const { model, address } = channel;
    const send = (what, body, value) => this.post(address, what, body, value);
    const voucher = () => (r.chance(30) && channel.vouchers.length > 0 ? r.pick(channel.vouchers) : this.voucher(channel));
    const anybody = () => r.pick(this.clients).id;
    const kind = r.below(100);
    if (kind < 12) {
      const amount = r.amount(TON);
      return send({ kind: 'topUp', sender: this.sender(model.client), amount }, message.topUp(amount), amount + GAS);
    }
    if (kind < 60) {
      const v = voucher();
      return send({ kind: 'redeem', sender: this.sender(model.proxy), statement: v }, message.redeem(v.cell));
    }
    if (kind < 66) {
      const party = this.sender(r.pick([model.client, model.signer, model.proxy]));
      return send({ kind: 'startClose', sender: party }, message.startClose());
    }
    if (kind < 80) {
      const v = voucher();
      const claim = r.chance(10) ? v.authorised + 1n : r.amount(v.authorised);
      return send({ kind: 'present', sender: this.sender(model.proxy), statement: v, claim }, message.present(claim, v.cell));
    }
    if (kind < 90) return send({ kind: 'finalise', sender: anybody() }, message.finalise());
    if (kind < 92) {
      const a = this.agreement(channel);
      return send({ kind: 'closeByAgreement', sender: anybody(), statement: a }, message.closeByAgreement(a.cell, a.second));
    }
    if (kind < 98) return send({ kind: 'resend', sender: anybody() }, message.resend());
    return send({ kind: 'poor', sender: model.client }, message.topUp(TON));
  }

  async askProxy(proxy) {
    const r = this.random;
    const send = (what, body, value) => this.post(proxy.address, what, body, value);
    if (!proxy.model && r.chance(3)) return this.deploy(proxy.who);
    const owner = () => this.sender(proxy.who.id);
    const kind = r.below(1000);
    if (kind < 700) {
      const old = r.chance(25) && proxy.payouts?.length > 0;
      const v = old ? r.pick(proxy.payouts) : this.payout(proxy);
      const sender = r.chance(80) ? v.worker : this.stranger.id;
      return send({ kind: 'cashOut', sender, statement: v }, message.cashOut(v.cell));
    }
    if (kind < 800) return send({ kind: 'takeFees', sender: owner() }, message.takeFees());
    if (kind < 900) {
      const amount = r.amount(TON);
      return send({ kind: 'addStake', sender: owner(), amount }, message.addStake(amount), amount + GAS);
    }
    if (kind < 904) return send({ kind: 'startWithdrawal', sender: owner() }, message.startWithdrawal());
    if (kind < 950) return send({ kind: 'finishWithdrawal', sender: owner() }, message.finishWithdrawal());
    if (kind < 975) {
      const sender = r.pick(this.proxyAccounts).id;
      return send({ kind: 'notTheRoot', sender }, message.setWorkerShare(walletOf(sender), 1));
    }
    return send({ kind: 'poor', sender: proxy.who.id }, message.addStake(TON));
  }

  async open() {
    const r = this.random;
    const client = r.pick(this.clients);
    const proxy = r.pick(this.market());
    const deposit = TON + r.amount(2n * TON);
    const signer = r.chance(70) ? client : r.pick(this.clients);
    const terms = this.net.channelTerms({ client, proxy, signer, nonce: ++this.nonce });
    const result = await this.net.open(terms, deposit);
    assert.deepEqual(result.hops.slice(0, 2).map((h) => h.refusal), [null, null]);
    const model = new Channel({ id: channelId(terms), network: this.net.id, client: client.id,
      proxy: proxy.id, signer: signer.id, closeDelay: DAY / 2, rent: TON / 20n, deposit });
    const address = this.net.channelAddress(terms);
    this.invariants.deposited(address, deposit);
    this.channels.push({ terms, address, model, vouchers: [], spent: 0n, authorised: 0n });
    await this.seen?.({ at: this.channels.at(-1), what: { kind: 'open', sender: client.id, amount: deposit }, now: this.net.now, refusal: null });
    this.count('open');
  }

  async deploy(who) {
    const stake = 10n * TON;
    const result = await this.net.deploy(who, stake);
    assert.deepEqual(result.hops.slice(0, 2).map((h) => h.refusal), [null, null]);
    const proxy = this.proxies.get(who.id);
    proxy.model = new Proxy({ network: this.net.id, account: who.id, withdrawDelay: DAY, shareE4: SHARE, stake });
    this.invariants.staked(proxy.address, stake);
    await this.seen?.({ at: proxy, what: { kind: 'deploy', sender: who.id, amount: stake }, now: this.net.now, refusal: null });
    this.count('deploy');
  }

  // --- Delivery ---

  post(to, what, body, value = GAS) {
    const from = walletOf(what.sender);
    this.enqueue({ what, msg: internal({ from, to, value, body }), payback: from });
  }

  enqueue(item) {
    const key = `${item.msg.info.src}>${item.msg.info.dest}`;
    if (!this.queues.has(key)) this.queues.set(key, []);
    this.queues.get(key).push(item);
  }

  contractAt(address) {
    const channel = this.channels.find((c) => c.address.equals(address));
    if (channel) return channel;
    return [...this.proxies.values()].find((p) => p.address.equals(address));
  }

  async deliverOne() {
    const key = this.random.pick([...this.queues.keys()]);
    const queue = this.queues.get(key);
    const item = queue.shift();
    if (queue.length === 0) this.queues.delete(key);
    const at = this.contractAt(item.msg.info.dest);
    const before = { data: (await this.net.data(at.address))?.hash().toString('hex'), model: at.model };
    const { sent, refusal } = this.expect(at, item);
    const step = await this.net.step(item.msg);
    this.steps += 1;
    this.count(refusal ?? 'taken');
    await this.seen?.({ at, what: item.what, now: this.net.now, refusal });
    const where = `step ${this.steps}: ${item.msg.info.src} -> ${item.msg.info.dest}`;
    assert.equal(step.refusal, refusal, where);
    if (refusal !== null) {
      assert.equal((await this.net.data(at.address))?.hash().toString('hex'), before.data, `${where}: a refused message changes nothing`);
      this.returnValue(item, step, where);
    } else {
      this.sortOut(at, item, step, sent, where);
    }
    await this.compare(at, refusal === null, where);
    this.invariants.check(this, where);
  }

  /** What the model makes of it. The model changes only where it takes the message. */
  expect(at, item) {
    if (at.model === null || at.model === undefined) return { refusal: 'skipped no-state', sent: {} };
    const next = clone(at.model);
    try {
      const sent = RULES[item.what.kind](next, item.what, this.net.now);
      at.model = next;
      return { refusal: null, sent };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { refusal: error.code, sent: {} };
    }
  }

  /** A refused message's value is on its way back, less gas; a settlement goes back to its channel. */
  returnValue(item, step, where) {
    const back = step.out.find((m) => m.info.bounced);
    assert.ok(back, `${where}: the value must bounce`);
    assert.ok(back.info.dest.equals(item.msg.info.src), `${where}: bounced to somebody else`);
    if (item.what.kind !== 'receive') return;
    const { amount } = item.what;
    assert.ok(back.info.value.coins >= amount, `${where}: the bounce lost money`);
    this.enqueue({ what: { kind: 'bounced', amount }, msg: back, payback: item.payback });
  }

  /** Compares what a contract sent with what it should; money to wallets has arrived at once. */
  sortOut(at, item, step, sent, where) {
    const out = [...step.out];
    const take = (dest) => {
      const i = out.findIndex((m) => m.info.dest.equals(dest));
      assert.notEqual(i, -1, `${where}: nothing was sent to ${dest}`);
      return out.splice(i, 1)[0];
    };
    if (item.what.kind === 'bounced') this.invariants.cameBack(at.address, item.what.amount);
    if (item.what.kind === 'receive') this.invariants.arrived(at.address, item.what.amount);
    const paid = sent.refund ?? sent.pay;
    if (paid !== undefined) {
      const msg = take(walletOf(sent.to));
      assert.equal(msg.info.value.coins, paid, `${where}: paid another amount`);
      assert.equal(msg.info.bounce, false);
      this.invariants.paidOut(at.address, sent.to, paid);
    }
    if (sent.settlement !== undefined) {
      const proxy = this.proxies.get(at.model.proxy);
      const msg = take(proxy.address);
      const body = msg.body.beginParse();
      assert.equal(body.loadUint(32), OP.settlement);
      assert.equal(body.loadUintBig(64), sent.settlement, `${where}: settled another amount`);
      assert.ok(msg.info.value.coins >= sent.settlement);
      this.invariants.settled(at.address, sent.settlement);
      this.enqueue({ what: { kind: 'receive', amount: sent.settlement }, msg, payback: item.payback });
    } else {
      assert.ok(take(item.payback).info.value.coins > 0n, `${where}: the excess goes back`);
    }
    assert.equal(out.length, 0, `${where}: sent more than it should`);
  }

  async compare(at, taken, where) {
    if (!at.model) return;
    const data = await this.net.data(at.address);
    const balance = await this.net.balance(at.address);
    const m = at.model;
    if (m instanceof Channel) {
      const c = readChannel(data);
      for (const name of ['deposited', 'claimed', 'settled', 'refunded', 'bestSpent', 'bestAuthorised', 'leftovers', 'rent', 'id']) {
        assert.equal(c[name], m[name], `${where}: ${name}`);
      }
      assert.equal(c.phase, PHASES[m.phase], `${where}: phase`);
      assert.equal(c.finalAt, BigInt(m.finalAt), `${where}: finalAt`);
      if (taken) assert.equal(balance, m.holds, `${where}: the balance is what is held`);
    } else {
      const p = readProxy(data);
      for (const name of ['pool', 'fees', 'stake', 'received', 'staked', 'delivered', 'feesTaken', 'withdrawn']) {
        assert.equal(p[name], m[name], `${where}: ${name}`);
      }
      assert.equal(p.poolTotal, m.everPool, `${where}: poolTotal`);
      assert.equal(p.phase, PHASES[m.phase], `${where}: phase`);
      assert.deepEqual([...p.paid].sort(), [...m.paid].sort(), `${where}: paid`);
      if (taken) assert.ok(balance >= m.holds && balance <= m.holds + TON / 5n, `${where}: ${balance} for ${m.holds}`);
    }
  }

  count(what) {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }
}

/** Runs `body`; an error says how to have it again. */
export async function seeded(file, steps, seed, body) {
  try {
    return await body();
  } catch (error) {
    error.message = `seed ${seed}, ${steps} steps (node ${file} ${steps} ${seed}): ${error.message}`;
    throw error;
  }
}

/** What `node FILE [STEPS [SEED]]` does. */
export async function runFromCommandLine(run) {
  const steps = Number(process.argv[2] ?? 10_000);
  const seed = process.argv[3] ?? String(Date.now());
  console.log(`seed ${seed}, ${steps} steps`);
  console.log(await run(steps, seed));
}

/** @return what came of it, for a look at how much was covered */
export async function runHistory(steps, seed) {
  const history = new History(seed);
  await history.start();
  await seeded('history.mjs', steps, seed, async () => {
    await history.run(steps);
    await history.invariants.leave(history);
  });
  return history.counts;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runFromCommandLine(runHistory);
