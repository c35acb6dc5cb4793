#pragma once
/// @file An OpenAI-compatible server that is no model: it answers with text of a given length, at a
/// given pace, with given faults. For quickstart, tests and benchmarks.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "demo_engine/demo_control.h"
#include "demo_engine/demo_request.h"
#include "io/tcp.h"

namespace cocoon::demo {

struct EngineOptions {
  io::Address listen{.host = "127.0.0.1", .port = 0};
  std::vector<std::string> models{"demo/echo"};
  Shape shape;
  Logger log;
};

class DemoEngine {
 public:
  /// Errors: those of io::Listener::open.
  static Result<std::unique_ptr<DemoEngine>> start(const io::Context& context,
                                                   EngineOptions options);
  ~DemoEngine();

  const io::Address& address() const { return listener_->address(); }
  Control& control() { return control_; }

 private:
  class Caller;

  DemoEngine(const io::Context& context, EngineOptions options);
  void accept(io::Connection connection);
  void remove(Caller& caller);
  bool serves(std::string_view model) const;

  io::Context context_;
  EngineOptions options_;
  Control control_;
  std::uint64_t requests_ = 0;
  std::unique_ptr<io::Listener> listener_;
  std::vector<std::unique_ptr<Caller>> callers_;
};

}  // namespace cocoon::demo
