// What the contracts should do, written from libcocoon/docs/economics.md and the headers of billing/, in
// plain numbers: no cells, no gas, no signatures (a statement says who signed it).

export class Refused extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

function demand(condition, code) {
  if (!condition) throw new Refused(code);
}

const least = (a, b) => (a < b ? a : b);
const most = (a, b) => (a > b ? a : b);
const orZero = (a) => most(a, 0n);

/** One client's deposit with one proxy. `parties` are names of accounts. */
export class Channel {
  constructor({ id, network, client, proxy, signer, closeDelay, rent, deposit }) {
    Object.assign(this, { id, network, client, proxy, signer, closeDelay, rent });
    Object.assign(this, {
      phase: 'open', deposited: deposit, claimed: 0n, settled: 0n, refunded: 0n, bestSpent: 0n,
      bestAuthorised: 0n, leftovers: client, finalAt: 0,
    });
  }

  get holds() {
    return this.deposited + this.rent - this.settled - this.refunded;
  }

  topUp(amount) {
    demand(this.phase === 'open', 'channel_not_open');
    this.deposited += amount;
    return {};
  }

  redeem(sender, voucher) {
    this.admit(sender, voucher);
    this.learn(voucher);
    return this.entitle(voucher.spent);
  }

  startClose(sender, now) {
    demand([this.client, this.signer, this.proxy].includes(sender), 'wrong_sender');
    demand(this.phase === 'open', 'channel_not_open');
    this.phase = 'closing';
    this.finalAt = now + this.closeDelay;
    return {};
  }

  present(sender, voucher, claim) {
    this.admit(sender, voucher);
    demand(this.phase === 'closing', 'channel_not_closing');
    demand(claim <= voucher.authorised, 'claim_not_authorised');
    this.learn(voucher);
    return this.entitle(claim);
  }

  finalise(now) {
    demand(this.phase === 'closing', 'channel_not_closing');
    demand(now >= this.finalAt, 'too_early');
    this.phase = 'closed';
    return this.emptyOut();
  }

  closeByAgreement(agreement) {
    demand(this.phase !== 'closed', 'channel_closed');
    demand(agreement.network === this.network, 'wrong_network');
    demand(agreement.channel === this.id, 'wrong_channel');
    demand(agreement.intact && agreement.by[0] === this.signer && agreement.by[1] === this.proxy, 'bad_signature');
    demand(this.claimed <= agreement.total && agreement.total <= this.deposited, 'agreement_out_of_range');
    this.claimed = agreement.total;
    this.leftovers = agreement.leftovers;
    this.phase = 'closed';
    return this.emptyOut();
  }

  resend() {
    demand(this.phase === 'closed', 'channel_not_closed');
    const sent = this.emptyOut();
    demand(sent.settlement || sent.refund, 'nothing_to_pay');
    return sent;
  }

  bounced(amount) {
    this.settled -= amount;
    return {};
  }

  admit(sender, voucher) {
    demand(voucher.spent <= voucher.authorised, 'bad_statement');
    demand(this.phase !== 'closed', 'channel_closed');
    demand(sender === this.proxy, 'wrong_sender');
    demand(voucher.network === this.network, 'wrong_network');
    demand(voucher.channel === this.id, 'wrong_channel');
    demand(voucher.intact && voucher.by === this.signer, 'bad_signature');
  }

  learn(voucher) {
    const [a, b] = [voucher.authorised, this.bestAuthorised];
    if (a < b || (a === b && voucher.spent <= this.bestSpent)) return;
    this.bestAuthorised = voucher.authorised;
    this.bestSpent = voucher.spent;
    this.leftovers = voucher.leftovers;
  }

  entitle(amount) {
    this.claimed = most(this.claimed, least(amount, this.deposited));
    const sent = this.payProxy();
    demand(sent.settlement, 'nothing_to_pay');
    return sent;
  }

  payProxy() {
    const settlement = this.claimed - this.settled;
    this.settled = this.claimed;
    return settlement > 0n ? { settlement } : {};
  }

  emptyOut() {
    const sent = this.payProxy();
    const refund = this.holds - this.rent;
    this.refunded += refund;
    return refund > 0n ? { ...sent, refund, to: this.leftovers } : sent;
  }
}

/** What channels paid in, the stake, and what workers were paid. */
export class Proxy {
  constructor({ network, account, withdrawDelay, shareE4, stake }) {
    Object.assign(this, { network, account, withdrawDelay, shareE4, stake, staked: stake });
    Object.assign(this, {
      phase: 'open', pool: 0n, fees: 0n, received: 0n, everPool: 0n, feesTaken: 0n, withdrawn: 0n,
      finalAt: 0, paid: new Map(),
    });
  }

  get holds() {
    return this.pool + this.fees + this.stake;
  }
  get delivered() {
    return [...this.paid.values()].reduce((sum, amount) => sum + amount, 0n);
  }

  receive(amount) {
    demand(this.phase !== 'closed', 'proxy_closed');
    const share = amount * least(this.shareE4, 10_000n) / 10_000n;
    this.received += amount;
    this.everPool += share;
    this.pool += share;
    this.fees += amount - share;
    return {};
  }

  addStake(amount) {
    demand(this.phase === 'open', 'proxy_not_open');
    this.stake += amount;
    this.staked += amount;
    return {};
  }

  cashOut(voucher) {
    demand(voucher.network === this.network, 'wrong_network');
    demand(voucher.proxy === this.account, 'wrong_proxy');
    demand(voucher.intact && voucher.by === this.account, 'bad_signature');
    const before = this.paid.get(voucher.worker) ?? 0n;
    const pay = least(orZero(voucher.owed - before), this.pool + this.stake);
    demand(pay > 0n, 'nothing_to_pay');
    const rest = orZero(pay - this.pool);
    this.pool -= pay - rest;
    this.stake -= rest;
    this.paid.set(voucher.worker, before + pay);
    return { pay, to: voucher.worker };
  }

  get unlocked() {
    const all = this.received - this.everPool;
    if (this.everPool === 0n) return all - this.feesTaken;
    return orZero(all * least(this.delivered, this.everPool) / this.everPool - this.feesTaken);
  }

  takeFees(sender) {
    demand(sender === this.account, 'wrong_sender');
    const pay = least(this.unlocked, this.fees);
    demand(pay > 0n, 'nothing_to_pay');
    this.fees -= pay;
    this.feesTaken += pay;
    return { pay, to: this.account };
  }

  startWithdrawal(sender, now) {
    demand(sender === this.account, 'wrong_sender');
    demand(this.phase === 'open', 'proxy_not_open');
    this.phase = 'closing';
    this.finalAt = now + this.withdrawDelay;
    return {};
  }

  finishWithdrawal(sender, now) {
    demand(sender === this.account, 'wrong_sender');
    demand(this.phase !== 'open', 'proxy_not_closing');
    demand(now >= this.finalAt, 'too_early');
    demand(this.phase === 'closing', 'nothing_to_pay');
    const pay = this.holds;
    this.phase = 'closed';
    this.withdrawn += pay;
    this.pool = this.fees = this.stake = 0n;
    return pay > 0n ? { pay, to: this.account } : {};
  }
}
