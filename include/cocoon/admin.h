#pragma once
/// @file AdminServer: /healthz and /metrics of a role, for its operator alone.

#include <memory>
#include <string>
#include <vector>

#include "cocoon/callback.h"
#include "cocoon/export.h"
#include "cocoon/log.h"
#include "cocoon/loop.h"
#include "cocoon/metrics.h"
#include "cocoon/result.h"

COCOON_ABI_BEGIN

/// What /healthz answers: 200 with "ok", or 503 with why not, in words for the operator.
struct Health {
  bool ok = false;
  std::string reason;
};

/// A page of JSON besides /healthz and /metrics.
struct AdminPage {
  std::string path;  ///< "/v1/cocoon/market"
  Callback<std::string()> json;
};

/// A small HTTP server on a loopback address. Thread: that of `loop`.
class COCOON_API AdminServer {
 public:
  /// Binds and serves at once. @param listen "127.0.0.1:port" (only loopback addresses are
  /// accepted: the pages are not authenticated); port 0 takes a free one.
  static Result<AdminServer> create(Loop loop, const std::string& listen,
                                    std::shared_ptr<Metrics> metrics,
                                    Callback<Health()> health, LogSink log,
                                    std::vector<AdminPage> pages = {});
  AdminServer(AdminServer&&) noexcept;
  AdminServer& operator=(AdminServer&&) noexcept;
  /// Closes; calls `health` and the pages no more.
  ~AdminServer();

  /// The bound "address:port".
  std::string address() const;

 private:
  struct COCOON_HIDDEN Impl;
  COCOON_HIDDEN explicit AdminServer(std::shared_ptr<Impl>);
  std::shared_ptr<Impl> impl_;
};

COCOON_ABI_END
