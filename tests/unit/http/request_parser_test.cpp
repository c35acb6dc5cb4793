#include "http/request_parser.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "http/openai_error.h"

namespace cocoon::http {
namespace {

using namespace std::literals;
using Event = RequestParser::Event;

struct Request {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  friend bool operator==(const Request&, const Request&) = default;
};

struct Outcome {
  std::vector<Request> requests;
  std::string code;  ///< of the error that ended it; empty where none did
  bool idle = false;
};

/// Reads all of `bytes`, given in the pieces that end at `cuts`.
Outcome read(std::string_view bytes, const std::vector<std::size_t>& cuts = {},
             std::size_t max_body = 1000) {
  RequestParser parser(max_body);
  Outcome out;
  Request request;
  std::size_t at = 0;
  auto feed = [&](std::size_t end) {
    const std::string piece(bytes.substr(at, end - at));
    at = end;
    std::string_view input = piece;
    while (true) {
      switch (parser.next(input)) {
        case Event::need_more: EXPECT_TRUE(input.empty()); return true;
        case Event::head: {
          const RequestHead& head = parser.head();
          request = {std::string(head.method), std::string(head.target), {}, {}};
          for (const Header& h : head.headers) request.headers.emplace_back(h.name, h.value);
          break;
        }
        case Event::body: request.body += parser.body(); break;
        case Event::complete: out.requests.push_back(request); break;
        case Event::error:
          out.code = parser.error().code();
          EXPECT_EQ(parser.next(input), Event::error);
          return false;
      }
    }
  };
  for (const std::size_t cut : cuts) {
    if (!feed(cut)) return out;
  }
  feed(bytes.size());
  out.idle = parser.idle();
  return out;
}

std::string get(std::string_view headers) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(headers) + "\r\n";
}
std::string post(std::string_view headers, std::string_view body = "") {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(headers) + "\r\n" + std::string(body);
}

// --- Smuggling ---

TEST(RequestSmuggling, LengthGivenInTwoWays) {
  for (const auto& headers :
       {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 3\r\nContent-Length: 3\r\n", "Content-Length: 3\r\ncontent-length: 4\r\n",
        "Content-Length: 3,3\r\n", "Content-Length: 3, 3\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"}) {
    EXPECT_EQ(read(post(headers, "0\r\n\r\n")).code, "http_smuggling") << headers;
  }
}

TEST(RequestSmuggling, ContentLengthIsOneDecimalNumber) {
  for (const auto& value :
       {"", "-1", "+3", "0x3", "3a", "3 3", "1e1", "3.0", "18446744073709551616", "\"3\"", ";3"}) {
    const auto outcome = read(post("Content-Length: "s + value + "\r\n", "abc"));
    EXPECT_EQ(outcome.code, "http_smuggling") << value;
    EXPECT_TRUE(outcome.requests.empty()) << value;
  }
}

TEST(RequestSmuggling, TransferEncodingIsChunkedOrNothing) {
  for (const auto& value :
       {"xchunked", "chunkedx", "chunked, chunked", "gzip, chunked", "chunked, gzip", "identity",
        "gzip", "chunked;q=1", "\"chunked\"", "cow", "", "chun ked", ",chunked"}) {
    const auto outcome = read(post("Transfer-Encoding: "s + value + "\r\n", "0\r\n\r\n"));
    EXPECT_TRUE(outcome.code == "transfer_coding_unknown" || outcome.code == "http_smuggling")
        << value << outcome.code;
    EXPECT_TRUE(outcome.requests.empty()) << value;
  }
}

TEST(RequestSmuggling, TransferEncodingIsUnknownToHttp10) {
  EXPECT_EQ(read("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").code,
            "http_smuggling");
}

TEST(RequestSmuggling, NamesEndAtTheColonAndBeginTheLine) {
  for (const auto& line :
       {"Transfer-Encoding : chunked", "Transfer-Encoding\t: chunked",
        " Transfer-Encoding: chunked", "\tfolded", " folded", "Content Length: 3", ": empty",
        "no colon", "X\x7f: a", "X(: a", "X@: a", "\xc3\xa9: a", "X[]: a", "X\"Y\": a"}) {
    const auto outcome = read(post("X-First: a\r\n"s + line + "\r\n", "0\r\n\r\n"));
    EXPECT_TRUE(outcome.code == "http_smuggling" || outcome.code == "http_malformed")
        << line << ' ' << outcome.code;
    EXPECT_TRUE(outcome.requests.empty()) << line;
  }
}

TEST(RequestSmuggling, LineEndsAreCrLf) {
  for (const auto& bytes :
       {"GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\n",
        "GET / HTTP/1.1\rHost: a\r\r", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
        "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"}) {
    const auto outcome = read(bytes);
    EXPECT_EQ(outcome.code, "http_malformed") << bytes;
    EXPECT_TRUE(outcome.requests.empty()) << bytes;
  }
}

TEST(RequestSmuggling, ControlCharactersAreRefused) {
  for (int c = 0; c < 256; ++c) {
    if ((c >= 0x20 && c != 0x7f) || c == '\t' || c == '\r' || c == '\n') continue;
    const std::string value(1, static_cast<char>(c));
    EXPECT_EQ(read(get("X: a" + value + "b\r\n")).code, "http_malformed") << c;
    EXPECT_EQ(read("GET /" + value + " HTTP/1.1\r\nHost: a\r\n\r\n").code, "http_malformed") << c;
  }
}

TEST(RequestSmuggling, SingleHeadersComeOnce) {
  for (const auto& name : {"Host", "Content-Type", "Authorization", "Origin", "Expect",
                           "Content-Length", "Transfer-Encoding"}) {
    const std::string value = name == "Expect"s              ? "100-continue"
                              : name == "Content-Length"s    ? "0"
                              : name == "Transfer-Encoding"s ? "chunked"
                                                             : "a";
    const std::string line = name + ": "s + value + "\r\n";
    const std::string host = name == "Host"s ? "" : "Host: a\r\n";
    EXPECT_EQ(read("POST / HTTP/1.1\r\n" + host + line + line + "\r\n").code, "http_smuggling")
        << name;
    EXPECT_EQ(read("POST / HTTP/1.1\r\n" + host + line + "\r\n").code, "") << name;
  }
}

TEST(RequestSmuggling, ChunkFramingIsExact) {
  for (const auto& body : {"3\nabc\r\n0\r\n\r\n"sv,
                           "3\r\nabc\n0\r\n\r\n"sv,
                           "3\r\nabcX\r\n0\r\n\r\n"sv,
                           "3\r\nabc0\r\n\r\n"sv,
                           "3\rXabc\r\n0\r\n\r\n"sv,
                           "3 \r\nabc\r\n0\r\n\r\n"sv,
                           " 3\r\nabc\r\n0\r\n\r\n"sv,
                           "0x3\r\nabc\r\n0\r\n\r\n"sv,
                           "+3\r\nabc\r\n0\r\n\r\n"sv,
                           "-3\r\nabc\r\n0\r\n\r\n"sv,
                           "3_\r\nabc\r\n0\r\n\r\n"sv,
                           "\r\nabc\r\n0\r\n\r\n"sv,
                           ";x\r\nabc\r\n0\r\n\r\n"sv,
                           "3;x\nabc\r\n0\r\n\r\n"sv,
                           "3;\0\r\nabc\r\n0\r\n\r\n"sv,
                           "g\r\n"sv,
                           "3\r\nabc\r\n0\r\nX: y\r\n\r\n"sv,
                           "3\r\nabc\r\n0\r\n\n"sv,
                           "3\r\nabc\r\n0\r\n\rX"sv,
                           "3\r\nabc\rX0\r\n\r\n"sv,
                           "00000000000000003\r\nabc\r\n0\r\n\r\n"sv}) {
    const auto outcome = read(post("Transfer-Encoding: chunked\r\n", body));
    EXPECT_EQ(outcome.code, "http_malformed") << body;
    EXPECT_TRUE(outcome.requests.empty()) << body;
  }
}

// --- Other refusals ---

TEST(RequestParser, RefusesMalformedRequestLines) {
  for (const auto& line :
       {"GET /", "GET  / HTTP/1.1", "GET / HTTP/1.1 ", " GET / HTTP/1.1", "GET /  HTTP/1.1",
        "/ HTTP/1.1", "GET\t/\tHTTP/1.1", "GET /a b HTTP/1.1", "GET a HTTP/1.1",
        "GET http://a/ HTTP/1.1", "OPTIONS * HTTP/1.1", "CONNECT a:1 HTTP/1.1", "GET /# HTTP/1.1",
        "GET /\xc3\xa9 HTTP/1.1", "G(T / HTTP/1.1", "FROB / HTTP/1.1", "get / HTTP/1.1"}) {
    EXPECT_EQ(read(line + "\r\nHost: a\r\n\r\n"s).code, "http_malformed") << line;
  }
}

TEST(RequestParser, RefusesOtherVersions) {
  for (const auto& version : {"HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "HTTP/1", "http/1.1", "HTTP/1.1x",
                              "HTTP/1.10", "HTTPS/1.1"}) {
    EXPECT_EQ(read("GET / "s + version + "\r\nHost: a\r\n\r\n").code, "http_version_unsupported")
        << version;
  }
}

TEST(RequestParser, RefusesMissingAndImpossibleHosts) {
  for (const auto& line : {"", "Host:\r\n", "Host: \r\n", "Host: a b\r\n", "Host: a/b\r\n",
                           "Host: a@b\r\n", "Host: a,b\r\n", "Host: \xff\r\n", "X-Host: a\r\n"}) {
    EXPECT_EQ(read("GET / HTTP/1.1\r\n"s + line + "\r\n").code, "http_host_invalid") << line;
  }
}

TEST(RequestParser, RefusesWhatIsTooLarge) {
  EXPECT_EQ(read("GET /" + std::string(8192, 'a')).code, "request_line_too_long");
  EXPECT_EQ(read(get("X: " + std::string(32768, 'a'))).code, "header_too_large");
  std::string many;
  for (int i = 0; i < 100; ++i) many += "X: a\r\n";
  EXPECT_EQ(read(get(many)).code, "header_too_large");
  EXPECT_EQ(read(get(many.substr(6))).code, "");
}

TEST(RequestParser, EndlessHeadIsRefusedAtTheLimit) {
  RequestParser parser;
  std::string head = "GET / HTTP/1.1\r\n";
  while (head.size() < limits::kMaxHttpHeaderBytes) head += "X: a\r\n";
  std::string_view input = std::string_view(head).substr(0, limits::kMaxHttpHeaderBytes);
  EXPECT_EQ(parser.next(input), Event::need_more);
  input = "X";
  EXPECT_EQ(parser.next(input), Event::error);
}

TEST(RequestParser, RefusesBodiesBeyondTheLimit) {
  EXPECT_EQ(read(post("Content-Length: 11\r\n"), {}, 10).code, "body_too_large");
  EXPECT_EQ(read(post("Content-Length: 1844674407370955160\r\n"), {}, 10).code, "body_too_large");
  EXPECT_EQ(read(post("Transfer-Encoding: chunked\r\n", "b\r\n"), {}, 10).code, "body_too_large");
  EXPECT_EQ(read(post("Transfer-Encoding: chunked\r\n", "ffffffffffffffff\r\n"), {}, 10).code,
            "body_too_large");
  EXPECT_EQ(read(post("Transfer-Encoding: chunked\r\n", "6\r\nabcdef\r\n5\r\n"), {}, 10).code,
            "body_too_large");
  EXPECT_EQ(
      read(post("Transfer-Encoding: chunked\r\n", "6\r\nabcdef\r\n4\r\nabcd\r\n0\r\n\r\n"), {}, 10)
          .code,
      "");
  EXPECT_EQ(read(post("Content-Length: 10\r\n", "0123456789"), {}, 10).code, "");
}

TEST(RequestParser, EndlessChunkExtensionsAreRefused) {
  std::string body;
  for (int i = 0; i < 200; ++i) body += "1;abcdefgh\r\nx\r\n";
  EXPECT_EQ(read(post("Transfer-Encoding: chunked\r\n", body)).code, "http_malformed");
}

TEST(RequestParser, RefusesUnknownExpectations) {
  EXPECT_EQ(read(post("Expect: 200-ok\r\nContent-Length: 1\r\n", "a")).code, "expectation_unknown");
}

TEST(RequestParser, ErrorsHaveTheStatusOfTheirCode) {
  const std::pair<const char*, int> expected[] = {
      {"http_malformed", 400},      {"http_smuggling", 400},
      {"http_host_invalid", 400},   {"http_version_unsupported", 505},
      {"expectation_unknown", 417}, {"transfer_coding_unknown", 501}};
  for (const auto& [code, status] : expected)
    EXPECT_EQ(http_status(ErrorKind::invalid_argument, code), status) << code;
  EXPECT_EQ(http_status(ErrorKind::too_large, "body_too_large"), 413);
  EXPECT_EQ(http_status(ErrorKind::too_large, "header_too_large"), 431);
  EXPECT_EQ(http_status(ErrorKind::too_large, "request_line_too_long"), 414);
}

// --- What is accepted ---

TEST(RequestParser, ReadsHeadAndBody) {
  const auto outcome = read(
      "POST /v1/chat/completions?a=b&c HTTP/1.1\r\nHOST: "
      "localhost:10000\r\nContent-Type:application/json\r\n"
      "X-Empty:\r\nX-Space: \t a b \t \r\ncontent-LENGTH: 4\r\n\r\n{\r\n}");
  ASSERT_EQ(outcome.code, "");
  const Request expected = {"POST",
                            "/v1/chat/completions?a=b&c",
                            {{"HOST", "localhost:10000"},
                             {"Content-Type", "application/json"},
                             {"X-Empty", ""},
                             {"X-Space", "a b"},
                             {"content-LENGTH", "4"}},
                            "{\r\n}"};
  ASSERT_EQ(outcome.requests.size(), 1u);
  EXPECT_EQ(outcome.requests[0], expected);
}

RequestHead head_of(std::string_view bytes) {
  auto head = parse_request_head(bytes);
  EXPECT_TRUE(head) << bytes;
  return head ? std::move(head).value() : RequestHead{};
}

TEST(RequestHead, PathAndQueryAreTakenApart) {
  const std::string with = "GET /a/b?c?d HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(head_of(with).path, "/a/b");
  EXPECT_EQ(head_of(with).query, "c?d");
  const std::string without = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(head_of(without).path, "/a");
  EXPECT_EQ(head_of(without).query, "");
}

TEST(RequestHead, HeadersAreFoundInAnyCase) {
  const std::string bytes = get("Content-TYPE: x\r\n");
  EXPECT_EQ(head_of(bytes).header("content-type"), "x");
  EXPECT_EQ(head_of(bytes).header("content-typ"), std::nullopt);
}

TEST(RequestHead, KeepAliveByVersionAndConnection) {
  const auto keep = [](std::string_view version, std::string_view connection) {
    const std::string bytes =
        "GET / " + std::string(version) + "\r\nHost: a\r\n" + std::string(connection) + "\r\n";
    return head_of(bytes).keep_alive;
  };
  EXPECT_TRUE(keep("HTTP/1.1", ""));
  EXPECT_FALSE(keep("HTTP/1.1", "Connection: close\r\n"));
  EXPECT_FALSE(keep("HTTP/1.1", "Connection: x, CLOSE\r\n"));
  EXPECT_FALSE(keep("HTTP/1.0", ""));
  EXPECT_TRUE(keep("HTTP/1.0", "Connection: keep-alive\r\n"));
}

TEST(RequestHead, ExpectContinueOnlyWhereABodyComes) {
  const auto expects = [](std::string_view headers) {
    return head_of(post(headers)).expect_continue;
  };
  EXPECT_TRUE(expects("Expect: 100-Continue\r\nContent-Length: 5\r\n"));
  EXPECT_TRUE(expects("Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n"));
  EXPECT_FALSE(expects("Expect: 100-continue\r\n"));
  EXPECT_FALSE(expects("Content-Length: 5\r\n"));
}

TEST(RequestParser, OffersOfOtherProtocolsAreIgnored) {
  const auto outcome =
      read(get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n") + get(""));
  EXPECT_EQ(outcome.code, "");
  EXPECT_EQ(outcome.requests.size(), 2u);
}

TEST(RequestParser, EmptyLinesBeforeARequestAreIgnored) {
  const auto outcome = read("\r\n\r\n" + get("") + "\r\n" + get(""));
  EXPECT_EQ(outcome.code, "");
  EXPECT_EQ(outcome.requests.size(), 2u);
}

const std::string kPipeline =
    post("Content-Length: 3\r\n", "abc") + get("X: y\r\n") +
    post("Transfer-Encoding: chunked\r\n", "3;x=y\r\nabc\r\n00a\r\n0123456789\r\n0\r\n\r\n") +
    post("Content-Length: 0\r\n") + post("Transfer-Encoding: Chunked\r\n", "000\r\n\r\n") + get("");

TEST(RequestParser, PipelinedRequestsAreReadOneByOne) {
  const auto outcome = read(kPipeline);
  EXPECT_EQ(outcome.code, "");
  ASSERT_EQ(outcome.requests.size(), 6u);
  EXPECT_EQ(outcome.requests[0].body, "abc");
  EXPECT_EQ(outcome.requests[2].body, "abc0123456789");
  EXPECT_EQ(outcome.requests[4].body, "");
  EXPECT_TRUE(outcome.idle);
}

TEST(RequestParser, NothingOfTheNextRequestIsConsumedAtTheEnd) {
  for (const auto& first : {get(""), post("Content-Length: 3\r\n", "abc"),
                            post("Transfer-Encoding: chunked\r\n", "0\r\n\r\n")}) {
    RequestParser parser;
    const std::string bytes = first + "NEXT";
    std::string_view input = bytes;
    Event event = parser.next(input);
    while (event == Event::head || event == Event::body) event = parser.next(input);
    ASSERT_EQ(event, Event::complete);
    EXPECT_EQ(input, "NEXT");
    EXPECT_TRUE(parser.idle());
    EXPECT_EQ(parser.head().header("host"), "a");
  }
}

TEST(RequestParser, EverySplitInTwoGivesTheSame) {
  const auto whole = read(kPipeline);
  for (std::size_t cut = 0; cut <= kPipeline.size(); ++cut) {
    EXPECT_EQ(read(kPipeline, {cut}).requests, whole.requests) << cut;
  }
}

TEST(RequestParser, ByteByByteGivesTheSame) {
  std::vector<std::size_t> cuts;
  for (std::size_t cut = 1; cut < kPipeline.size(); ++cut) cuts.push_back(cut);
  EXPECT_EQ(read(kPipeline, cuts).requests, read(kPipeline).requests);
}

TEST(RequestParser, ErrorsDoNotDependOnFragments) {
  const std::string bad[] = {get("A : b\r\n"), post("Content-Length: 3,3\r\n"),
                             post("Transfer-Encoding: chunked\r\n", "3\r\nabcX"),
                             "GET / HTTP/1.1\nHost: a\n\n"};
  for (const std::string& bytes : bad) {
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      EXPECT_EQ(read(bytes, {cut}).code, read(bytes).code) << bytes << cut;
    }
  }
}

TEST(RequestParser, TruncatedRequestsAreNeverComplete) {
  const std::string bytes = post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n");
  for (std::size_t n = 1; n < bytes.size(); ++n) {
    const auto outcome = read(std::string_view(bytes).substr(0, n));
    EXPECT_EQ(outcome.code, "");
    EXPECT_TRUE(outcome.requests.empty()) << n;
    EXPECT_FALSE(outcome.idle) << n;
  }
}

TEST(RequestParser, SaysWhetherItIsIdleOrInABody) {
  RequestParser parser;
  EXPECT_TRUE(parser.idle());
  EXPECT_FALSE(parser.in_body());
  std::string_view input = "P";
  parser.next(input);
  EXPECT_FALSE(parser.idle());
  const std::string rest = post("Content-Length: 1\r\n").substr(1);
  input = rest;
  ASSERT_EQ(parser.next(input), Event::head);
  EXPECT_TRUE(parser.in_body());
  input = "a";
  ASSERT_EQ(parser.next(input), Event::body);
  ASSERT_EQ(parser.next(input), Event::complete);
  EXPECT_TRUE(parser.idle());
  EXPECT_FALSE(parser.in_body());
}

TEST(RequestProperty, MutatedRequestsAreReadAlikeHoweverTheyAreCut) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  constexpr std::string_view kBytes = "\r\n\r\n :;,0a\t\0x/"sv;
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = kPipeline;
    for (int n = 0; n < 2; ++n) {
      const std::size_t at = random() % bytes.size();
      switch (random() % 3) {
        case 0: bytes[at] = kBytes[random() % kBytes.size()]; break;
        case 1: bytes.erase(at, 1 + random() % 3); break;
        default: bytes.insert(at, 1, kBytes[random() % kBytes.size()]); break;
      }
    }
    std::vector<std::size_t> cuts;
    for (std::size_t at = 0; at < bytes.size(); at += 1 + random() % 20) cuts.push_back(at);
    const auto whole = read(bytes);
    const auto split = read(bytes, cuts);
    ASSERT_EQ(split.requests, whole.requests);
    ASSERT_EQ(split.code, whole.code);
  }
}

}  // namespace
}  // namespace cocoon::http
