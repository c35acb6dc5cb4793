#pragma once
/// @file HTTP requests to servers that we were told of: the inference engine, collateral, TON.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/time.h"
#include "cocoon/callback.h"
#include "cocoon/result.h"
#include "io/context.h"

namespace cocoon::io {

/// Whether `url` is http:// or https:// with a host and without user and password.
/// Errors: `invalid_argument` ("bad_url").
Status check_http_url(const std::string& url);

struct HttpField {
  std::string name;  ///< in answers: lower case
  std::string value;
};

/// How long each part of an exchange may take. Zero: no such deadline.
struct HttpDeadlines {
  Millis connect = limits::kConnectDeadline;
  /// From the start to the first byte of the body: some engines send the head at once and the
  /// rest when they have read the prompt.
  Millis first_byte{};
  Millis progress{};  ///< between two pieces of the body; time paused does not count
  Millis total{};
};

enum class HttpMethod : std::uint8_t { get, post };

struct HttpRequest {
  HttpMethod method = HttpMethod::get;
  std::string url;          ///< http:// or https://, without user and password
  std::string unix_socket;  ///< path to connect to instead of the URL's host; may be empty
  std::vector<HttpField> fields;
  std::string body;  ///< of a POST
  HttpDeadlines deadlines;
  std::size_t max_body_bytes = SIZE_MAX;  ///< of the answer
};

struct HttpAnswerHead {
  int status = 0;
  std::vector<HttpField> fields;
  /// The first field of that (lower case) name; empty where there is none.
  std::string_view field(std::string_view name) const;
};

/// What happens to a request. Loop thread only, never inside a call of the owner's; each may
/// destroy the transfer, and start others.
struct HttpEvents {
  /// A connection stands and the request is being sent: from here on the server may act on it.
  Callback<void()> on_sent;
  Callback<void(const HttpAnswerHead&)> on_head;
  /// Valid during the call. Not called while paused.
  Callback<void(ByteView)> on_body;
  /// Last, once. Success: the answer is complete by the server's own account. Codes otherwise:
  /// `unavailable`: "connection_refused", "name_not_found", "unreachable", "tls_failed";
  /// `timeout`: "connect_timeout", "first_byte_timeout", "progress_timeout", "total_timeout";
  /// `upstream`: "closed_before_answer", "broken_off" (ended before the length it had declared),
  /// "connection_reset", "bad_answer" (not HTTP, or lengths that contradict each other),
  /// "head_too_large", "answer_too_large".
  Callback<void(Status)> on_done;
};

/// A request under way. Destroying it cancels: the server sees the connection close at once, and
/// no event follows. Movable.
class HttpTransfer {
 public:
  HttpTransfer();
  HttpTransfer(HttpTransfer&&) noexcept;
  HttpTransfer& operator=(HttpTransfer&&) noexcept;
  ~HttpTransfer();

  /// Stops reading the answer: at most limits::kHttpInboxBytes are held, the rest stays in the
  /// kernel and slows the server down.
  void pause();
  void resume();
  void cancel();

 private:
  friend class HttpClient;
  class Impl;
  explicit HttpTransfer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

struct HttpClientOptions {
  /// Connections in all; further requests wait for one.
  std::size_t max_connections = limits::kHttpClientConnections;
  /// Certificates (PEM) that may vouch for https servers, in place of the system's; empty: the
  /// system's. That servers are verified cannot be turned off.
  std::string ca_file;
};

/// Runs requests over HTTP/1.1 on the loop, with kept connections. It follows no redirect, uses no
/// proxy, sends no cookie, reads no environment variable and no file but the certificates of
/// authorities for https. A POST that may have reached the server is never sent twice. Loop
/// thread only.
///
/// libcurl brings up OpenSSL's default context for the process. Where the host has not done so
/// before, that happens here without reading openssl.cnf or OPENSSL_CONF.
class HttpClient {
 public:
  explicit HttpClient(const Context& context, HttpClientOptions options = {});
  /// Ends every transfer, without events.
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Starts a request. Errors: `invalid_argument` ("bad_url", "bad_field") where the request could
  /// never be sent; everything later comes as on_done.
  Result<HttpTransfer> start(HttpRequest request, HttpEvents events);

 private:
  friend class HttpTransfer::Impl;
  class Impl;
  std::shared_ptr<Impl> impl_;
};

struct HttpAnswer {
  HttpAnswerHead head;
  std::string body;
};

/// Starts a request whose whole answer, at most `request.max_body_bytes`, comes in one piece.
/// @pre max_body_bytes is set to what the caller is ready to hold.
Result<HttpTransfer> fetch(HttpClient& client, HttpRequest request,
                           Callback<void(Result<HttpAnswer>)> on_answer);

}  // namespace cocoon::io
