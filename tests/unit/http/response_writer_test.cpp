#include "http/response_writer.h"

#include <gtest/gtest.h>

namespace cocoon::http {
namespace {

RequestHead request(std::string_view bytes) {
  return parse_request_head(bytes).value();
}

const RequestHead kModern = request("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
const RequestHead kOld = request("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
const RequestHead kHead = request("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
const Header kType[] = {{"Content-Type", "text/plain"}};

std::string fixed(const ResponseWriter& writer, int status, std::string_view body) {
  std::string out;
  writer.fixed(out, status, kType, body);
  return out;
}

std::string stream(const ResponseWriter& writer) {
  std::string out;
  writer.begin_stream(out, 200, kType);
  writer.chunk(out, "0123456789abcdef");
  writer.chunk(out, "");
  writer.chunk(out, "x\r\n");
  writer.end_stream(out);
  return out;
}

TEST(ResponseWriter, HeaderValuesCannotEndTheirLine) {
  const Header hostile[] = {{"Content-Type", "a\r\nX: b\n\x7f"}};
  std::string out;
  ResponseWriter(kModern, false).fixed(out, 200, hostile, "");
  EXPECT_EQ(out, "HTTP/1.1 200 OK\r\nContent-Type: a  X: b  \r\nContent-Length: 0\r\n\r\n");
}

TEST(ResponseWriter, FixedBody) {
  EXPECT_EQ(fixed(ResponseWriter(kModern, false), 200, "hello"),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello");
}

TEST(ResponseWriter, ClosesWhereTheServerWantsTo) {
  const ResponseWriter writer(kModern, true);
  EXPECT_FALSE(writer.keeps_alive());
  EXPECT_EQ(fixed(writer, 503, "x"),
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: "
            "1\r\nConnection: close\r\n\r\nx");
}

TEST(ResponseWriter, AfterAnUnreadableRequestTheConnectionCloses) {
  EXPECT_FALSE(ResponseWriter().keeps_alive());
  EXPECT_NE(fixed(ResponseWriter(), 400, "x").find("Connection: close\r\n"), std::string::npos);
}

TEST(ResponseWriter, StreamIsOneChunkPerPiece) {
  EXPECT_EQ(stream(ResponseWriter(kModern, false)),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
            "10\r\n0123456789abcdef\r\n3\r\nx\r\n\r\n0\r\n\r\n");
}

TEST(ResponseWriter, StreamToHttp10EndsWithTheConnection) {
  const ResponseWriter writer(kOld, false);
  EXPECT_FALSE(writer.keeps_alive());
  EXPECT_EQ(stream(writer),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: "
            "close\r\n\r\n0123456789abcdefx\r\n");
}

TEST(ResponseWriter, HeadHasNoBody) {
  EXPECT_EQ(fixed(ResponseWriter(kHead, false), 200, "hello"),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(stream(ResponseWriter(kHead, false)),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST(ResponseWriter, NoContentHasNoLength) {
  std::string out;
  ResponseWriter(kModern, false).fixed(out, 204, {}, "ignored");
  EXPECT_EQ(out, "HTTP/1.1 204 No Content\r\n\r\n");
}

TEST(ResponseWriter, Continue) {
  std::string out;
  ResponseWriter::informational_continue(out);
  EXPECT_EQ(out, "HTTP/1.1 100 Continue\r\n\r\n");
}

TEST(ResponseWriter, UnknownStatusHasAReason) {
  EXPECT_EQ(reason_phrase(599), "Unknown");
}

}  // namespace
}  // namespace cocoon::http
