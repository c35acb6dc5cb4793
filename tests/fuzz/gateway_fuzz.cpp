// modules: gateway
// covers: libcocoon/gateway/gateway_core.cpp libcocoon/gateway/answer.cpp
// covers: libcocoon/gateway/access.cpp libcocoon/gateway/route.cpp
// covers: libcocoon/gateway/sse_filter.cpp libcocoon/gateway/model_list.cpp
// covers: libcocoon/codec/percent.cpp
/// @file A gateway with hostile callers and a hostile network. The input is a script: an operation,
/// which connection or request it is for, a length and that many bytes, again and again. Whatever
/// is done, every submission ends exactly once, a closed connection stays closed, and what a caller
/// gets begins as a response does.

#include <map>
#include <set>

#include "base/bytes.h"
#include "fuzz/require.h"
#include "gateway/gateway_core.h"

namespace {

using namespace cocoon;
using namespace cocoon::gateway;
using fuzz::require;

class Zeros final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& b : out) b = 0;
  }
};

GatewayCoreOptions options() {
  GatewayCoreOptions made;
  made.access.hosts = {"a.example", "b.example:1"};
  made.access.origins = {"https://o"};
  made.access.key_accepted = [](std::string_view key) { return key != "no"; };
  made.max_request_bytes = 4096;
  return made;
}

/// Whoever drives the core, and checks it.
class Owner {
 public:
  void step(std::uint8_t operation, std::uint8_t which, std::string_view bytes) {
    const ConnectionId connection = pick(open_, which);
    // One that runs, or one that may have ended.
    RequestId request = which % 8 < 6 ? pick(running_, which) : which;
    if (asked_.contains(request)) request = 0;
    switch (operation % 12) {
      case 0:
        if (open_.size() < 8) {
          open_.insert(++last_);
          core_.on_accept(last_, now_);
        }
        break;
      case 1:
      case 2:
      case 3: core_.on_bytes(connection, bytes, now_); break;
      case 4:
        core_.on_closed(connection, now_);
        open_.erase(connection);
        break;
      case 5: core_.on_pressure(connection, which % 2 == 0, now_); break;
      case 6:
        core_.on_answer_head(request, AnswerHead{which % 3 == 0 ? which * 4 : 200,
                                                 which % 2 == 0 ? "text/event-stream" : bytes});
        break;
      case 7: core_.on_answer_bytes(request, bytes, now_); break;
      case 8: finish(request, which, bytes); break;
      case 9: answer_asked(which, bytes); break;
      case 10:
        now_.mono += Seconds(which);
        core_.on_time(now_);
        require(core_.next_deadline() > now_.mono);
        break;
      default:
        if (which == 255) core_.drain(now_);
        break;
    }
    carry_out();
  }

  /// All callers leave: nothing may be left behind.
  void end() {
    for (const ConnectionId id : std::set<ConnectionId>(open_)) core_.on_closed(id, now_);
    open_.clear();
    carry_out();
    require(running_.empty());
    require(core_.connections() == 0);
    require(core_.next_deadline() == kNever);
  }

 private:
  template <class Id>
  static Id pick(const std::set<Id>& from, std::uint8_t which) {
    if (from.empty()) return 0;
    return *std::next(from.begin(), which % from.size());
  }

  void answer_asked(std::uint8_t which, std::string_view bytes) {
    if (asked_.empty()) return;
    const auto [request, models] = *std::next(asked_.begin(), which % asked_.size());
    asked_.erase(request);
    if (!models) {
      core_.on_page(request, 200, "text/plain", bytes, now_);
    } else if (which % 4 == 3) {
      core_.on_models(request, Error(ErrorKind::unavailable, "code", std::string(bytes)), now_);
    } else {
      core_.on_models(request, std::vector<ModelInfo>{{std::string(bytes), 1, 2, 3, 4, 5}}, now_);
    }
  }

  void finish(RequestId request, std::uint8_t which, std::string_view bytes) {
    RequestOutcome outcome;
    if (which % 2 == 0) {
      outcome.status = Error(static_cast<ErrorKind>(which / 2 % 14), "code", std::string(bytes));
    }
    outcome.charged = which % 3 == 0;
    outcome.retry_after_s = which;
    outcome.worker = bytes;
    running_.erase(request);
    core_.on_answer_done(request, outcome, now_);
  }

  void carry_out() {
    for (Effect& effect : core_.take_effects()) {
      if (const auto* submit = std::get_if<Submit>(&effect)) {
        require(running_.insert(submit->request).second);
        require(!submit->content.model.empty() && submit->content.body.size() <= 4096);
      } else if (const auto* cancel = std::get_if<Cancel>(&effect)) {
        require(running_.erase(cancel->request) == 1);
      } else if (const auto* models = std::get_if<AskModels>(&effect)) {
        require(asked_.emplace(models->request, true).second);
      } else if (const auto* page = std::get_if<AskPage>(&effect)) {
        require(asked_.emplace(page->request, false).second);
      } else if (const auto* pause = std::get_if<Pause>(&effect)) {
        require(running_.count(pause->request) == 1);
      } else if (const auto* close = std::get_if<Close>(&effect)) {
        require(open_.erase(close->connection) == 1);
        receive(close->connection, close->last);
      }
    }
    for (const ConnectionId id : core_.take_writable()) {
      if (std::string* output = core_.output(id)) {
        receive(id, *output);
        output->clear();
      }
    }
  }

  void receive(ConnectionId id, std::string_view bytes) {
    if (bytes.empty() || !begun_.insert(id).second) return;
    require(bytes.starts_with("HTTP/1.1 "));
  }

  Zeros random_;
  GatewayCore core_{options(), random_};
  Now now_{MonoTime(Seconds(1)), UnixTime(Seconds(1'700'000'000))};
  ConnectionId last_ = 0;
  std::set<ConnectionId> open_;
  std::set<RequestId> running_;
  std::map<RequestId, bool> asked_;  // for a page, or (true) for the models
  std::set<ConnectionId> begun_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in(ByteView(data, size));
  Owner owner;
  owner.step(0, 0, {});
  while (in.remaining() >= 3) {
    const std::uint8_t operation = in.u8();
    const std::uint8_t which = in.u8();
    // Long pieces are written as several: two bytes of length would mostly be out of range.
    const std::size_t length = in.u8();
    owner.step(operation, which, as_text(in.take(std::min(length, in.remaining()))));
  }
  owner.end();
  return 0;
}
