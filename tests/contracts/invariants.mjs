// The invariants of docs/economics.md, from what was seen to happen: statements that were signed and
// messages that were sent. Neither the contracts' counters nor the model's are believed.

import assert from 'node:assert/strict';
import { message } from '../../apps/ton-devnet/layouts.mjs';
import { TON, walletOf } from './network.mjs';

const sum = (values) => [...values].reduce((a, b) => a + b, 0n);
const most = (a, b) => (a > b ? a : b);
const least = (a, b) => (a < b ? a : b);
const MAX_EXPOSURE = TON / 2n;

export class Invariants {
  constructor() {
    this.in = new Map(); // by contract: deposits and stakes
    this.underWay = 0n; // settlements
    this.receivedBy = new Map(); // by proxy contract
    this.settledBy = new Map(); // by channel, less what came back
    this.out = new Map(); // by contract, then account
    this.limits = new Map(); // by channel: what its client's statements allow
    this.owed = new Map(); // by proxy contract, then worker
    this.feesOut = new Map();
    this.last = new Map(); // proxy contract → the state of the step before
  }

  // --- What happens ---

  deposited(at, amount) {
    add(this.in, String(at), amount);
    this.limits.set(String(at), { spent: 0n, authorised: 0n, agreed: 0n });
  }
  staked(at, amount) { add(this.in, String(at), amount); }
  settled(at, amount) { add(this.settledBy, String(at), amount); this.underWay += amount; }
  cameBack(at, amount) { add(this.settledBy, String(at), -amount); this.underWay -= amount; }
  arrived(at, amount) { add(this.receivedBy, String(at), amount); this.underWay -= amount; }
  paidOut(at, to, amount) {
    if (!this.out.has(String(at))) this.out.set(String(at), new Map());
    add(this.out.get(String(at)), to, amount);
  }
  voucherIssued(at, v) {
    const limit = this.limits.get(String(at));
    limit.spent = most(limit.spent, v.spent);
    limit.authorised = most(limit.authorised, v.authorised);
  }
  agreed(at, a) {
    const limit = this.limits.get(String(at));
    limit.agreed = most(limit.agreed, a.total);
  }
  payoutIssued(at, v) {
    if (!this.owed.has(String(at))) this.owed.set(String(at), new Map());
    const owed = this.owed.get(String(at));
    owed.set(v.worker, most(owed.get(v.worker) ?? 0n, v.owed));
  }

  // --- What must hold after every step ---

  check(history, where) {
    const channels = history.channels.map((c) => c);
    const proxies = [...history.proxies.values()].filter((p) => p.model);
    this.conservation(channels, proxies, where);
    for (const c of channels) this.channel(c, where);
    for (const p of proxies) this.proxy(p, where);
  }

  /** 1. What came in is held, under way, or was paid. (compare() ties `holds` to the contracts.) */
  conservation(channels, proxies, where) {
    const topUps = sum(channels.map((c) => c.model.deposited)) + sum(proxies.map((p) => p.model.staked));
    const held = sum(channels.map((c) => c.model.holds - c.model.rent)) + sum(proxies.map((p) => p.model.holds));
    const paid = sum([...this.out.values()].map((to) => sum(to.values())));
    assert.equal(topUps, held + this.underWay + paid, `${where}: conservation`);
    for (const { model } of [...channels, ...proxies]) assert.ok(model.holds >= 0n, `${where}: negative`);
  }

  /** 2, 8. The proxy gets what the client's statements allow, and so at most max_exposure too much. */
  channel({ address, model }, where) {
    const limit = this.limits.get(String(address));
    const taken = this.settledBy.get(String(address)) ?? 0n;
    const allowed = most(model.phase === 'open' ? limit.spent : limit.authorised, limit.agreed);
    assert.ok(taken <= least(allowed, model.deposited), `${where}: the proxy got more than was authorised`);
    const signedAway = model.phase === 'closed' && taken <= limit.agreed;
    assert.ok(signedAway || taken <= limit.spent + MAX_EXPOSURE, `${where}: more than max_exposure`);
    const refunded = sum((this.out.get(String(address)) ?? new Map()).values());
    if (model.phase !== 'closed') assert.equal(refunded, 0n, `${where}: a refund before the end`);
    assert.ok(refunded + taken <= model.deposited, `${where}: paid twice`);
  }

  /** 2, 4, 6. Workers get what they are owed and no more; the rest stays until payouts and delay. */
  proxy({ address, model, who }, where) {
    const out = this.out.get(String(address)) ?? new Map();
    const owed = this.owed.get(String(address)) ?? new Map();
    let delivered = 0n;
    for (const [worker, amount] of out) {
      if (worker === who.id) continue;
      delivered += amount;
      assert.ok(amount <= (owed.get(worker) ?? 0n), `${where}: a worker got more than it is owed`);
      assert.equal(model.paid.get(worker) ?? 0n, amount, `${where}: counter and money differ`);
    }
    assert.equal(this.receivedBy.get(String(address)) ?? 0n, model.received, `${where}: received`);
    const before = this.last.get(String(address));
    const mine = out.get(who.id) ?? 0n;
    if (before && mine > before.mine) {
      const closing = before.phase === 'closing' && model.phase === 'closed';
      const fees = model.received - model.everPool;
      const unlocked = model.everPool === 0n ? fees : fees * least(delivered, model.everPool) / model.everPool;
      assert.ok(closing || mine <= unlocked, `${where}: fees left before the payouts`);
    }
    if (before && model.stake < before.stake) {
      const paid = delivered > before.delivered;
      const left = before.phase === 'closing' && model.phase === 'closed';
      assert.ok(paid || left, `${where}: the stake paid somebody else`);
    }
    this.last.set(String(address), { mine, phase: model.phase, stake: model.stake, delivered });
  }

  // --- What must be possible at the end ---

  /** 3, 4. Every worker cashes what is there for it, every client leaves without its proxy's help. */
  async leave(history) {
    for (const p of history.proxies.values()) {
      if (p.model) await this.workersCash(history, p);
    }
    for (const c of history.channels) await this.clientLeaves(history, c);
  }

  async workersCash(history, p) {
    const newest = new Map();
    for (const v of p.payouts ?? []) {
      const sound = v.intact && v.by === p.who.id && v.network === history.net.id && v.proxy === p.who.id;
      if (sound && v.owed >= (newest.get(v.worker)?.owed ?? 0n)) newest.set(v.worker, v);
    }
    for (const [worker, v] of newest) {
      const state = await history.net.proxy(p.address);
      const due = least(v.owed - (state.paid.get(worker) ?? 0n), state.pool + state.stake);
      const result = await history.net.send({ from: walletOf(worker), to: p.address, body: message.cashOut(v.cell) });
      assert.equal(result.refusal, due > 0n ? null : 'nothing_to_pay', 'a worker can always cash');
      const paid = result.out.find((m) => !m.info.bounced && m.info.value.coins === due && m.info.dest.equals(walletOf(worker)));
      if (due > 0n) assert.ok(paid, 'a worker gets min(owed, pool + stake)');
    }
  }

  async clientLeaves(history, c) {
    const { net } = history;
    let state = await net.channel(c.address);
    if (state.phase === 3n) return;
    const send = (body) => net.send({ from: walletOf(state.client), to: c.address, body });
    if (state.phase === 1n) assert.equal((await send(message.startClose())).refusal, null);
    state = await net.channel(c.address);
    if (BigInt(net.now) < state.finalAt) {
      net.now = Number(state.finalAt) - 1;
      assert.equal((await send(message.finalise())).refusal, 'too_early');
      net.now += 1;
    }
    const result = await send(message.finalise());
    assert.equal(result.refusal, null, 'a client can always leave');
    const rest = state.deposited - state.claimed;
    const refund = result.out.filter((m) => m.info.dest.equals(walletOf(state.leftovers)) && m.info.value.coins === rest);
    if (rest > 0n) assert.ok(refund.length > 0, 'the client gets its deposit less what was presented');
    assert.equal((await net.channel(c.address)).phase, 3n);
  }
}

function add(map, key, amount) {
  map.set(key, (map.get(key) ?? 0n) + amount);
}

