#pragma once
/// @file Errors as an OpenAI client library expects them (gateway.md "Errors").

#include <cstdint>
#include <string>
#include <string_view>

#include "cocoon/result.h"

namespace cocoon::http {

/// The status that makes a client library act rightly on an error of `kind` and `code`.
int http_status(ErrorKind kind, std::string_view code);

/// `{"error":{"message","type","param","code"}}`.
/// @param param the request field at fault; where empty, the one that the error's code is about, or
///        null
std::string error_body(const Error& error, std::string_view param = {});

/// What the head of an error answer says about trying again.
struct RetryAdvice {
  /// Seconds for `Retry-After`; 0: leave it out.
  std::uint32_t retry_after_s = 0;
  /// Say `x-should-retry: false`: the openai package would send a request again, and pay again.
  bool forbid_retry = false;
};

/// @param charged whether the request has cost anything
/// @param suggested_s what the network asked for; 0: nothing
RetryAdvice retry_advice(const Error& error, bool charged, std::uint32_t suggested_s);

/// error_body() as a server-sent event: how an error is told once the first byte has been sent. The
/// stream then ends, without `[DONE]`.
std::string error_event(const Error& error);

}  // namespace cocoon::http
