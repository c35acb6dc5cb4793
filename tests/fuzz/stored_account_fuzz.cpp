// modules: billing
// covers: libcocoon/billing/client_meter.cpp libcocoon/billing/proxy_meter.cpp
// libcocoon/billing/worker_meter.cpp libcocoon/billing/payout_book.cpp
/// @file A node's stored accounts, as any bytes: what restores is written as it was read and adds
/// up, what does not restore changes nothing, and whatever happens afterwards the account adds up,
/// promises no more than its limits allow, and can be stored again. The first byte of the input
/// says whose account it is, the second how the bytes that follow are mended (see Input::mended).

#include <algorithm>

#include "billing/meter.h"
#include "fuzz/billing_script.h"
#include "fuzz/require.h"

namespace {

using namespace cocoon;
using namespace cocoon::billing;
using fuzz::client;
using fuzz::key;
using fuzz::proxy;
using fuzz::require;
using fuzz::Step;

const NetworkId kNetwork{{1}};
const ChannelId kChannel{{2}};
const AccountId kWorker{{3}};

constexpr ClientLimits kClientLimits{Nano{10'000}, Nano{2'500}};
constexpr ProxyLimits kProxyLimits{Nano{10'000}, Nano{5'000}, Nano{10}};
constexpr WorkerLimits kWorkerLimits{Nano{10'000}, Nano{3'000}, Nano{10}};

/// The stored bytes, then what happens to the account.
struct Input : fuzz::BillingScript {
  using BillingScript::BillingScript;

  /// The stored bytes. Where the input asks for it, the statement of type T at `at`, the last thing
  /// in them, names whom it should, each bar where the input says no, and is signed by whom it
  /// should be.
  template <class T>
  Bytes mended(std::size_t at, const crypto::SigningKey& by, void (*name)(T&, std::uint8_t which)) {
    constexpr std::size_t kSize = T::kBytes + 64;
    if ((mend & 1) == 0 || stored.size() != at + kSize) return stored;
    auto value = T::decode(ByteView(stored).subspan(at, T::kBytes));
    if (!value) return stored;
    for (std::uint8_t which = 0; which < 3; ++which) {
      if ((mend >> which & 2) == 0) name(*value, which);
    }
    const Signed<T> statement = sign(*value, by);
    const Bytes encoded = statement.value.encode();
    std::copy(encoded.begin(), encoded.end(), stored.begin() + static_cast<std::ptrdiff_t>(at));
    if ((mend & 16) == 0) {
      std::copy(statement.signature.begin(), statement.signature.end(), stored.end() - 64);
    }
    return stored;
  }
};

/// @return whether `meter` took the bytes. Either way it is sound, and where it did not, as before.
template <class Meter>
bool restored(Meter& meter, const Bytes& stored) {
  const Bytes before = meter.snapshot();
  const Status status = meter.restore(stored);
  if (!status) {
    require(status.error().code() == "bad_snapshot" && meter.snapshot() == before);
    return false;
  }
  return true;
}

// --- A client's account of one channel ---

ClientMeter client_meter() {
  return {kNetwork, kChannel, client(), client(), kClientLimits};
}

SignedVoucher voucher(Nano spent, Nano authorised, std::uint8_t which) {
  Voucher v{kNetwork, kChannel, std::min(spent, authorised), authorised, client()};
  if (which == 1) v.network.bytes[1] ^= 1;
  if (which == 2) v.channel.bytes[1] ^= 1;
  return sign(v, key(which == 3 ? 2 : 1));
}

ChannelState channel(const Step& step) {
  ChannelState s;
  s.phase = static_cast<ChannelPhase>(1 + step.which % 3);
  s.deposited = step.amount;
  s.claimed = Nano{step.amount.value / (1 + step.which / 4)};
  s.best_authorised = s.claimed;
  s.best_spent = Nano{s.claimed.value / 2};
  return s;
}

RequestHash request(std::uint8_t number) {
  return RequestHash{{std::uint8_t(number % 8)}};
}

/// The same account, whatever the order of what runs.
void require_same(const ClientMeter& a, const ClientMeter& b) {
  require(a.running_requests() == b.running_requests() && a.running() == b.running());
  constexpr std::size_t kFixed = 4 + 4 * 8 + 4;
  require(equal_public(ByteView(a.snapshot()).first(kFixed), ByteView(b.snapshot()).first(kFixed)));
}

void check(const ClientMeter& meter) {
  Nano sum;
  for (const auto& [hash, cap] : meter.running_requests()) sum = saturating_add(sum, cap);
  require(meter.running() == sum);
  const Bytes snapshot = meter.snapshot();
  ByteReader in(ByteView(snapshot).subspan(4));
  const Nano proved{in.u64be()};
  require(Nano{in.u64be()} == meter.spent());
  const Nano in_voucher{in.u64be()};
  require(proved <= meter.spent() && in_voucher <= meter.spent());
  ClientMeter again = client_meter();
  require(again.restore(meter.snapshot()).has_value());
  require_same(again, meter);
}

void act(ClientMeter& meter, const Step& step) {
  const Nano spent = meter.spent();
  const Nano authorised = meter.authorised();
  switch (step.what % 8) {
    case 0: return meter.set_channel(channel(step));
    case 1: {
      const Nano available = meter.available();
      const bool runs = meter.running_requests().count(request(step.which)) != 0;
      const bool taken = meter.admit(request(step.which), step.amount).has_value();
      require(taken == (meter.is_open() && !runs && step.amount <= available) ||
              (step.amount == Nano{0}));
      return;
    }
    case 2:
    case 3: {
      const Proof proof = step.what % 8 == 2 ? Proof::receipt : Proof::none;
      const auto at = meter.running_requests().find(request(step.which));
      const Nano cap = at == meter.running_requests().end() ? Nano{0} : at->second;
      const bool settled = meter.settle(request(step.which), step.amount, proof).has_value();
      require(!settled || step.amount <= cap);
      require(meter.spent() == (settled ? saturating_add(spent, step.amount) : spent));
      return;
    }
    case 4: return meter.prove(step.amount);
    case 5: {
      const Voucher v = meter.next_voucher();
      require(v.spent == spent && v.spent <= v.authorised && v.authorised >= authorised);
      require(v.authorised == meter.authorised() && !meter.owes_acknowledgement());
      require(Voucher::decode(v.encode()).has_value());
      return;
    }
    case 6: {
      const SignedVoucher v = voucher(Nano{step.amount.value / 2}, step.amount, step.which % 4);
      require(meter.adopt(v).has_value() == (step.which % 4 == 0));
      require(step.which % 4 != 0 || meter.spent() >= v.value.spent);
      return;
    }
    default:
      meter.adopt_charged(step.amount);
      require(meter.spent() >= spent && (meter.spent() == spent || meter.spent() <= authorised));
  }
}

void client_account(Input in) {
  ClientMeter meter = client_meter();
  meter.adopt_charged(Nano{0});
  if (!restored(meter, in.stored)) return;
  require(meter.snapshot().size() == in.stored.size());
  check(meter);
  while (in.more()) {
    act(meter, in.next());
    (void)meter.voucher_need();
    (void)meter.deposit_is_low();
    check(meter);
  }
}

// --- A proxy's account of one channel ---

ProxyMeter proxy_meter() {
  return {kNetwork, kChannel, client(), proxy(), kProxyLimits};
}

void check(const ProxyMeter& meter) {
  if (const auto& voucher = meter.voucher()) {
    require(voucher->value.network == kNetwork && voucher->value.channel == kChannel);
    require(signed_by(*voucher, client().bytes));
  }
  require(meter.acknowledged() <= meter.charged() && meter.acknowledged() <= meter.authorised());
  require(meter.unclaimed() <= meter.charged() && meter.redeemable() <= meter.deposit());
  for (const Worth worth : {Worth::usual, Worth::backing, Worth::any}) {
    const auto redeem = meter.redeem_due(worth);
    require(!redeem ||
            (meter.redeemable() > Nano{0} && signed_by(redeem->voucher, client().bytes)));
  }
  if (const auto present = meter.present_due()) {
    require(present->claim <= meter.charged() && present->claim <= meter.authorised());
    require(present->claim <= meter.deposit() && !meter.is_open());
  }
  require(meter.statement().charged == meter.charged());
  ProxyMeter again = proxy_meter();
  require(again.restore(meter.snapshot()).has_value() && again.snapshot() == meter.snapshot());
}

void act(ProxyMeter& meter, const Step& step) {
  const Nano charged = meter.charged();
  switch (step.what % 5) {
    case 0: return meter.set_channel(channel(step));
    case 1: {
      const SignedVoucher v = voucher(Nano{step.amount.value / 2}, step.amount, step.which % 4);
      const bool known = meter.voucher() == v;
      require(meter.accept(v).has_value() == (step.which % 4 == 0 || known));
      return;
    }
    case 2: {
      UsageStatement s{kNetwork, kChannel, step.amount};
      if (step.which % 4 == 1) s.network.bytes[1] ^= 1;
      if (step.which % 4 == 2) s.channel.bytes[1] ^= 1;
      const bool good = meter.adopt(sign(s, key(step.which % 4 == 3 ? 1 : 2))).has_value();
      require(good == (step.which % 4 == 0));
      require(meter.charged() == (good ? std::max(charged, step.amount) : charged));
      return;
    }
    case 3:
      if (!meter.reserve(request(step.which), step.amount)) return;
      // All that runs is paid for, whatever the client does from now on.
      require(meter.is_open());
      require(saturating_add(meter.charged(), meter.reserved()) <=
              std::min(meter.deposit(), meter.authorised()));
      require(floor_sub(saturating_add(meter.charged(), meter.reserved()), meter.acknowledged()) <=
              kProxyLimits.max_unacknowledged);
      return;
    default: {
      const bool good = meter.charge(request(step.which), step.amount).has_value();
      require(meter.charged() == (good ? saturating_add(charged, step.amount) : charged));
    }
  }
}

void proxy_account(Input in) {
  ProxyMeter meter = proxy_meter();
  require(meter.adopt(sign(UsageStatement{kNetwork, kChannel, Nano{7}}, key(2))).has_value());
  constexpr std::size_t kVoucherAt = 4 + 8 + 1;
  const Bytes stored = in.mended<Voucher>(kVoucherAt, key(1), [](Voucher& v, std::uint8_t which) {
    if (which == 0) v.network = kNetwork;
    if (which == 1) v.channel = kChannel;
  });
  if (!restored(meter, stored)) return;
  require(meter.snapshot() == stored && meter.reserved() == Nano{0});
  check(meter);
  while (in.more()) {
    act(meter, in.next());
    check(meter);
  }
}

// --- A worker's account with one proxy ---

WorkerMeter worker_meter() {
  return {kNetwork, proxy(), kWorker, kWorkerLimits};
}

SignedPayout payout(Nano owed, std::uint8_t which) {
  PayoutVoucher v{kNetwork, proxy(), kWorker, owed};
  if (which == 1) v.network.bytes[1] ^= 1;
  if (which == 2) v.proxy.bytes[1] ^= 1;
  if (which == 3) v.worker.bytes[1] ^= 1;
  return sign(v, key(which == 4 ? 1 : 2));
}

void check(const WorkerMeter& meter) {
  if (const auto& voucher = meter.voucher()) {
    const PayoutVoucher& v = voucher->value;
    require(v.network == kNetwork && v.proxy == proxy() && v.worker == kWorker);
    require(signed_by(*voucher, proxy().bytes));
  }
  const Nano promised = meter.voucher() ? meter.voucher()->value.owed : Nano{0};
  require(promised <= meter.owed() && meter.arrived() <= meter.owed());
  require(meter.unvouched() <= floor_sub(meter.owed(), promised));
  for (const Worth worth : {Worth::usual, Worth::backing, Worth::any}) {
    const auto cash = meter.cash_out_due(worth);
    require(!cash || cash == meter.voucher());
  }
  require(meter.accepts() || meter.unpaid() <= meter.owed());
  WorkerMeter again = worker_meter();
  require(again.restore(meter.snapshot()).has_value() && again.snapshot() == meter.snapshot());
}

void act(WorkerMeter& meter, const Step& step) {
  const RunId run{{std::uint8_t(step.which % 8)}};
  const Nano owed = meter.owed();
  switch (step.what % 6) {
    case 0: {
      const Nano unpaid = meter.unpaid();
      if (meter.reserve(run, step.amount)) {
        require(saturating_add(unpaid, step.amount) <= kWorkerLimits.max_unpaid);
      }
      return;
    }
    case 1: {
      const bool good = meter.earn(run, step.amount).has_value();
      require(meter.owed() == (good ? saturating_add(owed, step.amount) : owed));
      return;
    }
    case 2: (void)meter.cut(run, step.amount); return;
    case 3: return meter.forgive(step.amount);
    case 4: {
      const SignedPayout v = payout(step.amount, step.which % 5);
      require(meter.accept(v).has_value() == (step.which % 5 == 0));
      require(step.which % 5 != 0 || meter.owed() == std::max(owed, step.amount));
      return;
    }
    default:
      meter.set_contract(step.amount, Nano{step.amount.value / (1 + step.which % 4)},
                         Nano{std::uint64_t{step.which} * 100});
      require(meter.owed() == std::max(owed, step.amount));
  }
}

void worker_account(Input in) {
  WorkerMeter meter = worker_meter();
  meter.set_contract(Nano{7}, Nano{6}, Nano{5});
  constexpr std::size_t kVoucherAt = 4 + 3 * 8 + 1;
  const Bytes stored =
      in.mended<PayoutVoucher>(kVoucherAt, key(2), [](PayoutVoucher& v, std::uint8_t which) {
        if (which == 0) v.network = kNetwork;
        if (which == 1) v.proxy = proxy();
        if (which == 2) v.worker = kWorker;
      });
  if (!restored(meter, stored)) return;
  require(meter.snapshot() == stored);
  check(meter);
  while (in.more()) {
    act(meter, in.next());
    (void)meter.worth_cashing();
    check(meter);
  }
}

// --- What a proxy owes its workers ---

AccountId worker(std::uint8_t number) {
  return AccountId{{std::uint8_t(number % 4)}};
}

/// @return false where there is more in the book than there can be money: its sums end at 2^64
bool check(const PayoutBook& book, const std::vector<AccountId>& workers) {
  Nano unpaid;
  const std::vector<AccountId> waiting = book.waiting();
  for (const AccountId& id : workers) {
    require(book.vouched(id) <= book.owed(id));
    require((book.vouched(id) < book.owed(id)) ==
            (std::find(waiting.begin(), waiting.end(), id) != waiting.end()));
    const auto newest = book.newest(id);
    require(newest.has_value() == (book.vouched(id) != Nano{0}));
    require(!newest || (newest->owed == book.vouched(id) && newest->worker == id));
    const Bytes snapshot = book.snapshot(id);
    if (snapshot.empty()) continue;
    PayoutBook again(kNetwork, proxy());
    require(again.restore(snapshot).has_value() && again.snapshot(id) == snapshot);
    const auto sum = checked_add(unpaid, again.unpaid());
    if (!sum) return false;
    unpaid = *sum;
  }
  require(book.unpaid() == unpaid);
  return true;
}

void act(PayoutBook& book, const Step& step) {
  const AccountId id = worker(step.which);
  const Nano owed = book.owed(id);
  const Nano unpaid = book.unpaid();
  switch (step.what % 4) {
    case 0: {
      ProxyState s;
      s.pool = step.amount;
      s.paid[id] = Nano{step.which * std::uint64_t{100}};
      return book.set_contract(s);
    }
    case 1:
      require(book.owe(id, step.amount).has_value() == checked_add(owed, step.amount).has_value());
      return;
    case 2:
      if (const auto raised = book.raise(id)) {
        require(raised->owed == book.vouched(id) && book.unpaid() > unpaid);
        require(book.unpaid() <= book.backing());
      } else {
        require(book.unpaid() == unpaid);
      }
      return;
    default: {
      PayoutVoucher v{kNetwork, proxy(), id, step.amount};
      if (step.which / 4 % 4 == 1) v.network.bytes[1] ^= 1;
      if (step.which / 4 % 4 == 2) v.proxy.bytes[1] ^= 1;
      const bool good = book.adopt(sign(v, key(step.which / 4 % 4 == 3 ? 1 : 2))).has_value();
      require(good == (step.which / 4 % 4 == 0));
    }
  }
}

void payout_account(Input in) {
  PayoutBook book(kNetwork, proxy());
  require(book.owe(worker(0), Nano{7}).has_value());
  const Bytes before = book.snapshot(worker(0));
  const Bytes& stored = in.stored;
  if (const Status status = book.restore(stored); !status) {
    require(status.error().code() == "bad_snapshot" && book.snapshot(worker(0)) == before);
    require(book.waiting() == std::vector<AccountId>{worker(0)});
    return;
  }
  std::vector<AccountId> workers{worker(0), worker(1), worker(2), worker(3)};
  const AccountId id{*to_array<32>(ByteView(stored).subspan(4, 32))};
  require(book.snapshot(id) == stored);
  if (std::find(workers.begin(), workers.end(), id) == workers.end()) workers.push_back(id);
  while (check(book, workers) && in.more()) {
    act(book, in.next());
    (void)book.unbacked();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  const Input in(ByteView(data + 1, size - 1));
  switch (data[0] % 4) {
    case 0: client_account(in); break;
    case 1: proxy_account(in); break;
    case 2: worker_account(in); break;
    default: payout_account(in);
  }
  return 0;
}
