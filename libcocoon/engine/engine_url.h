#pragma once
/// @file Internal to engine/: where the engine is.

#include <string>
#include <string_view>

#include "cocoon/result.h"
#include "io/http_client.h"

namespace cocoon::engine {

/// A parsed EngineOptions::url.
struct EngineUrl {
  std::string shown;        ///< as it was written, for messages
  std::string base;         ///< http URL without a slash at its end
  std::string unix_socket;  ///< path, or empty

  /// Errors: `invalid_argument` ("bad_engine_url").
  static Result<EngineUrl> parse(std::string_view text);

  /// Only this machine reaches it.
  bool is_local() const;
  /// A request for `path` (with its leading slash).
  io::HttpRequest request(io::HttpMethod method, std::string_view path) const;
};

}  // namespace cocoon::engine
