#include "cocoon/admin.h"

#include <algorithm>
#include <map>

#include "base/log.h"
#include "config/units.h"
#include "http/request_parser.h"
#include "http/response_writer.h"
#include "io/context.h"
#include "io/tcp.h"

namespace cocoon::inline v0 {
namespace {

/// Operators' pages are asked for by a scraper and a person; more at once is a mistake.
constexpr std::size_t kMaxAdminConnections = 32;
constexpr std::size_t kMaxAdminBodyBytes = 1024;
constexpr Millis kAdminFarewell{1000};

bool is_loopback(const io::Address& address) {
  return address.is_unix() || config::is_loopback_host(address.host);
}

}  // namespace

struct AdminServer::Impl {
  Impl(const Loop& loop, std::shared_ptr<Metrics> m, Callback<Health()> h, LogSink sink,
       std::vector<AdminPage> more)
      : context(loop),
        metrics(std::move(m)),
        health(std::move(h)),
        log(std::move(sink), "admin"),
        pages(std::move(more)) {}

  struct Caller {
    io::Connection connection;
    http::RequestParser parser{kMaxAdminBodyBytes};
  };

  void accept(io::Connection connection) {
    if (callers.size() >= kMaxAdminConnections) return;
    const std::uint64_t id = ++last_caller;
    Caller& caller = callers[id];
    caller.connection = std::move(connection);
    io::ConnectionEvents events;
    events.on_bytes = [this, id](ByteView bytes) { on_bytes(id, as_text(bytes)); };
    events.on_closed = [this, id](Error) { callers.erase(id); };
    caller.connection.start(std::move(events));
  }

  void on_bytes(std::uint64_t id, std::string_view bytes) {
    const auto at = callers.find(id);
    if (at == callers.end()) return;
    Caller& caller = at->second;
    std::string out;
    bool close = false;
    while (!close) {
      // Not "while there are bytes": a request without a body is complete when they are used up.
      const auto event = caller.parser.next(bytes);
      if (event == http::RequestParser::Event::need_more) break;
      if (event == http::RequestParser::Event::error) {
        http::ResponseWriter().fixed(out, 400, {}, caller.parser.error().detail() + "\n");
        close = true;
      } else if (event == http::RequestParser::Event::complete) {
        close = !answer(caller.parser.head(), out);
      }
    }
    caller.connection.write(as_bytes(out));
    if (!close) return;
    caller.connection.finish(kAdminFarewell);
    callers.erase(at);
  }

  /// Appends the answer. False: the connection ends behind it.
  bool answer(const http::RequestHead& head, std::string& out) {
    const http::ResponseWriter writer(head, false);
    if (head.method != "GET" && head.method != "HEAD") {
      writer.fixed(out, 405, {}, "only GET\n");
    } else if (head.path == "/metrics") {
      const http::Header type{"Content-Type", "text/plain; version=0.0.4"};
      writer.fixed(out, 200, {&type, 1}, metrics ? metrics->prometheus_text() : "");
    } else if (head.path == "/healthz") {
      const Health now = health();
      writer.fixed(out, now.ok ? 200 : 503, {}, now.ok ? "ok\n" : now.reason + "\n");
    } else if (AdminPage* page = find_page(head.path)) {
      const http::Header type{"Content-Type", "application/json"};
      writer.fixed(out, 200, {&type, 1}, page->json());
    } else {
      writer.fixed(out, 404, {}, "there are " + paths() + "\n");
    }
    return writer.keeps_alive();
  }

  AdminPage* find_page(std::string_view path) {
    const auto at = std::find_if(pages.begin(), pages.end(),
                                 [&](const AdminPage& page) { return page.path == path; });
    return at == pages.end() ? nullptr : &*at;
  }

  std::string paths() const {
    std::string text = "/healthz, /metrics";
    for (const AdminPage& page : pages) text += ", " + page.path;
    return text;
  }

  io::Context context;
  std::shared_ptr<Metrics> metrics;
  Callback<Health()> health;
  Logger log;
  std::vector<AdminPage> pages;
  std::optional<io::Listener> listener;
  std::map<std::uint64_t, Caller> callers;
  std::uint64_t last_caller = 0;
};

AdminServer::AdminServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
AdminServer::AdminServer(AdminServer&&) noexcept = default;
AdminServer& AdminServer::operator=(AdminServer&&) noexcept = default;
AdminServer::~AdminServer() = default;

Result<AdminServer> AdminServer::create(Loop loop, const std::string& listen,
                                        std::shared_ptr<Metrics> metrics, Callback<Health()> health,
                                        LogSink log, std::vector<AdminPage> pages) {
  COCOON_TRY(const io::Address address, io::Address::parse(listen));
  if (!is_loopback(address)) {
    return Error(ErrorKind::invalid_argument, "admin_not_loopback",
                 "admin_listen must be a loopback address: its pages are for this machine only");
  }
  auto impl = std::make_shared<Impl>(loop, std::move(metrics), std::move(health), std::move(log),
                                     std::move(pages));
  io::ListenOptions options;
  options.log = impl->log;
  COCOON_TRY(auto listener,
             io::Listener::open(impl->context, address, options,
                                [raw = impl.get()](auto c) { raw->accept(std::move(c)); }));
  impl->listener.emplace(std::move(listener));
  return AdminServer(std::move(impl));
}

std::string AdminServer::address() const {
  return impl_->listener->address().text();
}

}  // namespace cocoon::inline v0
