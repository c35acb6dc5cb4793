#include "scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attest/evidence.h"
#include "handshakes.h"
#include "io/clock.h"
#include "need.h"
#include "visits.h"

namespace cocoon::bench {
namespace {

/// Longer than anything takes that goes well on a busy machine.
constexpr Seconds kPatience{600};
/// From the start of an engine until its client knows.
constexpr Millis kSettled{1000};
/// Clients come and go; a proxy that is full refuses.
constexpr std::size_t kSpareConnections = 16;
/// Above this a proxy that everybody has left gives half of its memory back; a smaller one may find
/// that not worth it.
constexpr std::uint64_t kWorthGivingBack = 64 << 20;

double seconds_since(MonoTime from) {
  return std::chrono::duration<double>(io::now().mono - from).count();
}

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1,
                         static_cast<std::size_t>(q * static_cast<double>(values.size())))];
}

/// Quote and claims, as the certificate carries them.
double evidence_bytes(ByteView certificate) {
  const attest::Evidence evidence =
      need(attest::parse_certificate_evidence(certificate), "evidence");
  return static_cast<double>(
      attest::build_evidence_extension(evidence.quote, evidence.claims_bytes).size());
}

void add_cpu(Report& report, const CpuTime& used, double connections) {
  for (const auto& [name, seconds] : used.threads) {
    if (seconds > 0) report.add("cpu_us_each " + name, seconds * 1e6 / connections);
  }
  report.add("cpu_us_each", used.total() * 1e6 / connections);
}

}  // namespace

Scenario::Scenario(Sizes sizes, std::string folder, std::string proxy_program)
    : sizes_(sizes),
      program_(std::move(proxy_program)),
      world_(std::move(folder)),
      engines_(world_, ledger_) {}

void Scenario::expect(bool holds, const std::string& what) {
  if (holds) return;
  good_ = false;
  fmt::print(stderr, "NOT AS IT SHOULD BE: {}\n", what);
}

bool Scenario::run() {
  set_up();
  connect_workers("workers, new evidence");
  if (!good_) return false;
  wait_for_directory();
  rest_and_weigh("workers at rest");
  for (auto& worker : workers_) worker->cut();
  rest_and_weigh("workers gone");
  visit();
  connect_workers("workers, known evidence");
  watch_idle("workers idle");
  connect_clients();
  if (!good_) return false;  // what follows counts on everybody
  watch_idle("all idle");
  ask();
  rest_and_weigh("after requests");
  cut_a_third();
  leave();
  return good_;
}

void Scenario::set_up() {
  const MonoTime from = io::now().mono;
  world_.found_network(std::max(sizes_.workers, sizes_.clients) + kSpareConnections);
  proxy_ = std::make_unique<ProxyProcess>(program_, world_.path("."));
  world_.join(proxy_->address());
  worker_papers_ = world_.make_workers(sizes_.workers);
  client_papers_ = world_.make_clients(sizes_.clients);
  for (const Papers& papers : worker_papers_) {
    workers_.push_back(std::make_unique<Worker>(world_, engines_, papers, ready_workers_));
  }
  for (const Papers& papers : client_papers_) {
    clients_.push_back(std::make_unique<Client>(world_, ledger_, papers, ready_clients_));
  }
  report_.begin("set-up");
  report_.add("seconds", seconds_since(from));
  report_.add("workers", static_cast<double>(sizes_.workers));
  report_.add("clients", static_cast<double>(sizes_.clients));
  const Bytes& shown = worker_papers_[0].certificate;
  report_.add("certificate_bytes", static_cast<double>(shown.size()));
  report_.add("evidence_bytes", evidence_bytes(shown));
  constexpr std::size_t kRounds = 500;
  const HandshakeCost floor = measure_handshakes(worker_papers_[0], worker_papers_[1], kRounds);
  report_.add("handshake_openssl_us", floor.openssl_us);
  report_.add("handshake_endpoint_us", floor.endpoint_us);
  report_.add("endpoint_heap_bytes", endpoint_heap(worker_papers_[0], worker_papers_[1], kRounds));
  // One client watches the directory from the beginning.
  clients_[0]->connect();
  expect(world_.run_until([this] { return ready_clients_ == 1; }, kPatience),
         "one client connects");
  world_.run_for(sizes_.rest);
  founded_ = proxy_->memory();
  report_.add("proxy_private_bytes", static_cast<double>(founded_.private_bytes));
}

template <class Member>
void Scenario::connect(std::vector<std::unique_ptr<Member>>& members, const std::size_t& ready,
                       const std::string& phase) {
  const CpuTime before = proxy_->cpu();
  const MonoTime from = io::now().mono;
  const std::size_t before_ready = ready;
  std::size_t begun = ready;
  auto next = members.begin();
  const bool all = world_.run_until(
      [&] {
        while (next != members.end() && begun < ready + sizes_.window) {
          if (!(*next)->is_ready()) {
            (*next)->connect();
            ++begun;
          }
          ++next;
        }
        return ready == members.size();
      },
      kPatience);
  const double seconds = seconds_since(from);
  expect(all, fmt::format("{}: {} of {} are connected after {:.0f} s", phase, ready, members.size(),
                          seconds));
  const auto count = static_cast<double>(ready - before_ready);
  report_.begin(phase);
  report_.add("connections", count);
  report_.add("seconds", seconds);
  report_.add("per_second", count / seconds);
  add_cpu(report_, proxy_->cpu() - before, count);
  fmt::print(stderr, "{}: {} in {:.1f} s\n", phase, count, seconds);
}

void Scenario::connect_workers(const std::string& phase) {
  connect(workers_, ready_workers_, phase);
}

void Scenario::connect_clients() {
  connect(clients_, ready_clients_, "clients");
}

/// Until the first client sees so many workers. @return whether it does within `patience`.
bool Scenario::wait_until_seen(std::size_t workers, Seconds patience) {
  Client& watcher = *clients_[0];
  MonoTime asked{};
  return world_.run_until(
      [&] {
        if (io::now().mono - asked > Millis{20}) {
          asked = io::now().mono;
          watcher.ask_models();
        }
        return watcher.workers_seen() == workers;
      },
      patience);
}

void Scenario::wait_for_directory() {
  const MonoTime from = io::now().mono;
  const bool seen = wait_until_seen(workers_.size(), kPatience);
  expect(seen, fmt::format("a client sees {} of {} workers", clients_[0]->workers_seen(),
                           workers_.size()));
  report_.add("seconds_until_a_client_sees_all", seconds_since(from));
}

void Scenario::weigh() {
  const Memory memory = proxy_->memory();
  const auto grown =
      static_cast<double>(memory.private_bytes) - static_cast<double>(founded_.private_bytes);
  const std::size_t connections = ready_workers_ + ready_clients_;
  report_.add("connections", static_cast<double>(connections));
  report_.add("proxy_private_bytes", static_cast<double>(memory.private_bytes));
  report_.add("proxy_resident_bytes", static_cast<double>(memory.resident_bytes));
  report_.add("grown_bytes", grown);
  if (connections > 0) report_.add("bytes_each", grown / static_cast<double>(connections));
  report_.add("descriptors", static_cast<double>(proxy_->descriptors()));
}

void Scenario::rest_and_weigh(const std::string& phase) {
  world_.run_for(sizes_.rest);
  report_.begin(phase);
  weigh();
}

/// Long enough, and the proxy has pinged everybody and gives back what it does not need.
void Scenario::watch_idle(const std::string& phase) {
  world_.run_for(sizes_.rest);
  const CpuTime before = proxy_->cpu();
  const MonoTime from = io::now().mono;
  world_.run_for(Seconds{sizes_.idle_seconds});
  const double minutes = seconds_since(from) / 60;
  const CpuTime used = proxy_->cpu() - before;
  report_.begin(phase);
  for (const auto& [name, seconds] : used.threads) {
    if (seconds > 0) report_.add("cpu_s_per_minute " + name, seconds / minutes);
  }
  report_.add("cpu_s_per_minute", used.total() / minutes);
  weigh();
  expect(ready_workers_ == workers_.size(), "idle workers stay");
}

/// TLS and a remembered verdict, and nothing of what follows them.
void Scenario::visit() {
  const CpuTime before = proxy_->cpu();
  const MonoTime from = io::now().mono;
  Visits visits(world_, worker_papers_, sizes_.window);
  expect(visits.run(kPatience), "the proxy admits every connection with a worker's certificate");
  const auto count = static_cast<double>(visits.done());
  report_.begin("TLS and a known verdict only");
  report_.add("connections", count);
  report_.add("per_second", count / seconds_since(from));
  add_cpu(report_, proxy_->cpu() - before, count);
}

void Scenario::tally(const Ledger& before) {
  report_.add("submitted", static_cast<double>(ledger_.submitted - before.submitted));
  report_.add("answered", static_cast<double>(ledger_.answered - before.answered));
  for (const auto& [code, count] : ledger_.failures) {
    const auto old = before.failures.find(code);
    const std::size_t was = old == before.failures.end() ? 0 : old->second;
    if (count > was) report_.add("failed " + code, static_cast<double>(count - was));
  }
  report_.add("ended_twice", static_cast<double>(ledger_.ended_twice));
  report_.add("engines_ran_twice", static_cast<double>(ledger_.ran_twice()));
  expect(ledger_.ended() == ledger_.submitted, "every request ends");
  expect(ledger_.ended_twice == 0, "no request ends twice");
}

void Scenario::ask() {
  const Ledger before = ledger_;
  const std::size_t total = clients_.size() * sizes_.requests;
  const CpuTime cpu = proxy_->cpu();
  const MonoTime from = io::now().mono;
  std::size_t sent = 0;
  world_.run_until(
      [&] {
        const auto due = static_cast<std::size_t>(seconds_since(from) * sizes_.rate);
        for (; sent < std::min(total, due); ++sent) {
          clients_[sent % clients_.size()]->submit(fmt::format("r{}", names_++));
        }
        return sent == total && ledger_.ended() == ledger_.submitted;
      },
      kPatience);
  const double seconds = seconds_since(from);
  report_.begin("requests");
  report_.add("seconds", seconds);
  report_.add("per_second", static_cast<double>(total) / seconds);
  add_cpu(report_, proxy_->cpu() - cpu, static_cast<double>(total));
  report_.add("latency_p50_ms", quantile(ledger_.latencies_ms, 0.5));
  report_.add("latency_p99_ms", quantile(ledger_.latencies_ms, 0.99));
  report_.add("latency_max_ms", quantile(ledger_.latencies_ms, 1));
  tally(before);
  expect(ledger_.answered - before.answered == total,
         "all requests of a calm network are answered");
  expect(ledger_.ran_twice() == 0, "no engine runs a request of a calm network twice");
}

/// While every client has a request that takes seconds, a third of the workers vanishes.
void Scenario::cut_a_third() {
  constexpr Answer kSlow{40, Millis{250}};
  engines_.answer = kSlow;
  const Ledger before = ledger_;
  const CpuTime cpu = proxy_->cpu();
  for (auto& client : clients_) client->submit(fmt::format("r{}", names_++));
  const std::size_t all = ledger_.submitted - before.submitted;
  // Engines run for most of them.
  world_.run_until(
      [&] { return ledger_.executions.size() - before.executions.size() >= all * 9 / 10; },
      Seconds{60});
  world_.run_for(kSettled);
  std::size_t cut = 0;
  for (std::size_t i = 0; i < workers_.size(); i += 3, ++cut) workers_[i]->cut();
  const MonoTime from = io::now().mono;
  const std::size_t stay = workers_.size() - cut;
  const bool seen = wait_until_seen(stay, Seconds{60});
  const double noticed = seconds_since(from);
  engines_.answer.gap = Millis{0};
  world_.run_until([&] { return ledger_.ended() == ledger_.submitted; }, Seconds{180});
  report_.begin("a third of the workers cut");
  report_.add("workers_cut", static_cast<double>(cut));
  report_.add("seconds_until_a_client_sees_it", noticed);
  report_.add("seconds_until_all_ended", seconds_since(from));
  report_.add("cpu_s", (proxy_->cpu() - cpu).total());
  tally(before);
  expect(seen, "a client sees that the workers are gone");
  expect(ready_clients_ == clients_.size() && ready_workers_ == stay, "nobody else is lost");
}

void Scenario::leave() {
  const std::uint64_t full = proxy_->memory().private_bytes;
  for (auto& client : clients_) client->cut();
  for (auto& worker : workers_) worker->cut();
  world_.run_for(sizes_.rest);
  // It looks after its heap every half minute.
  const bool given_back =
      full < kWorthGivingBack ||
      world_.run_until([&] { return proxy_->memory().private_bytes < full / 2; }, Seconds{60});
  expect(given_back, "the proxy gives back the memory of those who have left");
  report_.begin("all gone");
  weigh();
  // A TLS goodbye that nobody takes is given up after some seconds.
  expect(proxy_->runs(), "the proxy still runs");
}

}  // namespace cocoon::bench
