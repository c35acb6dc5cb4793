// modules: http
// covers: libcocoon/http/request_parser.cpp libcocoon/http/request_head.cpp
/// @file Requests read in pieces are those read whole, and every accepted head has one meaning. The
/// first byte of the input is the size of the pieces.

#include <algorithm>
#include <string>

#include "base/bytes.h"
#include "fuzz/require.h"
#include "http/request_parser.h"

namespace {

using cocoon::fuzz::require;
using cocoon::http::RequestHead;
using cocoon::http::RequestParser;

constexpr std::size_t kMaxBody = 4096;

void check(const RequestHead& head) {
  require(head.target.front() == '/' && head.target.substr(0, head.path.size()) == head.path);
  require(!(head.chunked && head.header("content-length")));
  require(!head.chunked || head.header("transfer-encoding"));
  require(head.content_length <= kMaxBody && head.header("host"));
  for (const auto& header : head.headers) {
    require(!header.name.empty() && header.name.find_first_of(" \t\r\n:") == std::string::npos);
    require(header.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  }
}

/// Everything that a reader of the requests would see, as text.
std::string read(std::string_view bytes, std::size_t piece) {
  RequestParser parser(kMaxBody);
  std::string seen;
  std::size_t body = 0;
  while (!bytes.empty()) {
    const std::string part(bytes.substr(0, piece));
    bytes.remove_prefix(part.size());
    std::string_view input = part;
    for (bool more = true; more;) {
      switch (parser.next(input)) {
        case RequestParser::Event::need_more:
          require(input.empty());
          more = false;
          break;
        case RequestParser::Event::head: {
          const RequestHead& head = parser.head();
          check(head);
          body = 0;
          seen.append(head.method).append(head.target).append(1, '\n');
          for (const auto& header : head.headers) {
            seen.append(header.name).append(1, ':').append(header.value).append(1, '\n');
          }
          break;
        }
        case RequestParser::Event::body:
          body += parser.body().size();
          require(!parser.body().empty() && body <= kMaxBody);
          seen += parser.body();
          break;
        case RequestParser::Event::complete: seen += "\nend\n"; break;
        case RequestParser::Event::error: return seen.append(parser.error().code());
      }
    }
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes = cocoon::as_text({data + 1, size - 1});
  require(read(bytes, data[0] % 64 + 1u) == read(bytes, bytes.size() + 1));
  return 0;
}
