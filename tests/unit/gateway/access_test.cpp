#include "gateway/access.h"

#include <gtest/gtest.h>

#include "unit/gateway/fixture.h"

namespace cocoon::gateway {
namespace {

Response answer_to(TestGateway& gateway, std::string_view request) {
  const ConnectionId caller = gateway.open();
  gateway.send(caller, request);
  return Response(gateway.received(caller));
}

std::string with_host(std::string_view host) {
  return "GET /healthz HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n";
}

AccessRules rules(std::vector<std::string> hosts, std::vector<std::string> origins = {}) {
  AccessRules made;
  made.hosts = std::move(hosts);
  made.origins = std::move(origins);
  return made;
}

AccessRules with_key() {
  AccessRules made;
  made.key_accepted = [](std::string_view key) { return key == "secret-1"; };
  return made;
}

TEST(Access, RefusesEveryForeignHost) {
  for (const char* host :
       {"evil.example", "evil.example:10000", "localhost.evil.example", "127.0.0.1.evil.example",
        "127.0.0.1x", "127.1", "127.0.0", "127.0.0.0000", "128.0.0.1", "[::2]", "[::1].evil",
        "xlocalhost", "0.0.0.0", "10.0.0.5:80"}) {
    TestGateway gateway;
    const Response response = answer_to(gateway, with_host(host));
    EXPECT_EQ(response.status, 403) << host;
    EXPECT_TRUE(response.has("\"code\":\"host_not_allowed\"")) << host;
    EXPECT_TRUE(gateway.pages.empty()) << host;
  }
}

TEST(Access, RefusesARequestWithoutHost) {
  for (const char* version : {"1.0", "1.1"}) {
    TestGateway gateway;
    const ConnectionId caller = gateway.open();
    gateway.send(caller, "GET /healthz HTTP/" + std::string(version) + "\r\n\r\n");
    EXPECT_GE(Response(gateway.received(caller)).status, 400) << version;
    EXPECT_TRUE(gateway.closed(caller)) << version;
    EXPECT_TRUE(gateway.pages.empty()) << version;
  }
}

TEST(Access, TakesLoopbackNamesWithAndWithoutPort) {
  for (const char* host :
       {"localhost", "LocalHost:1", "127.0.0.1", "127.8.9.255:10000", "[::1]", "[::1]:10000"}) {
    TestGateway gateway;
    gateway.send(gateway.open(), with_host(host));
    EXPECT_EQ(gateway.pages.size(), 1u) << host;
  }
}

TEST(Access, AConfiguredHostStandsForAnyPortUnlessItNamesOne) {
  TestGateway any(rules({"Gateway.example"}));
  any.send(any.open(), with_host("gateway.example"));
  any.send(any.open(), with_host("gateway.example:8080"));
  EXPECT_EQ(any.pages.size(), 2u);
  TestGateway one(rules({"gateway.example:8080"}));
  one.send(one.open(), with_host("gateway.example:8080"));
  EXPECT_EQ(one.pages.size(), 1u);
  EXPECT_EQ(answer_to(one, with_host("gateway.example:8081")).status, 403);
  EXPECT_EQ(answer_to(one, with_host("gateway.example")).status, 403);
}

TEST(Access, AWebPageIsRefusedUnlessItsOriginIsListed) {
  for (const char* origin : {"https://evil.example", "null", "http://localhost:10000",
                             "https://app.example.evil", "https://APP.example"}) {
    TestGateway gateway(rules({}, {"https://app.example"}));
    const std::string header = "Origin: " + std::string(origin) + "\r\n";
    const Response response = answer_to(gateway, post("/v1/chat/completions", kChat, header));
    EXPECT_EQ(response.status, 403) << origin;
    EXPECT_TRUE(response.has("origin_not_allowed")) << origin;
    EXPECT_EQ(response.header("Access-Control-Allow-Origin"), "(absent)");
    EXPECT_TRUE(gateway.submits.empty()) << origin;
    EXPECT_EQ(answer_to(gateway, get("/v1/models", header)).status, 403) << origin;
  }
}

TEST(Access, AListedOriginMayAskAndReadTheAnswer) {
  TestGateway gateway(rules({}, {"https://app.example"}));
  const ConnectionId caller = gateway.open();
  gateway.send(caller, post("/v1/chat/completions", kChat, "Origin: https://app.example\r\n"));
  const Submit submit = gateway.submitted();
  gateway.head(submit.request);
  gateway.done(submit.request);
  const Response response(gateway.received(caller));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.header("Access-Control-Allow-Origin"), "https://app.example");
  EXPECT_EQ(response.header("Vary"), "Origin");
}

TEST(Access, APreflightIsAnsweredForListedOriginsOnly) {
  TestGateway gateway(rules({}, {"https://app.example"}));
  auto preflight = [](std::string_view origin, std::string_view headers) {
    return "OPTIONS /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n" + std::string(origin) +
           "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: " +
           std::string(headers) + "\r\n\r\n";
  };
  const Response good = answer_to(
      gateway, preflight("Origin: https://app.example\r\n", "authorization,content-type,x-a_b"));
  EXPECT_EQ(good.status, 204);
  EXPECT_EQ(good.header("Access-Control-Allow-Origin"), "https://app.example");
  EXPECT_EQ(good.header("Access-Control-Allow-Headers"), "authorization,content-type,x-a_b");
  EXPECT_EQ(good.body, "");

  EXPECT_EQ(answer_to(gateway, preflight("Origin: https://evil.example\r\n", "a")).status, 403);
  EXPECT_EQ(answer_to(gateway, preflight("", "a")).status, 405);
  const Response odd = answer_to(gateway, preflight("Origin: https://app.example\r\n", "a;b\"c"));
  EXPECT_EQ(odd.header("Access-Control-Allow-Headers"), "(absent)");
}

TEST(Access, WhereKeysAreConfiguredOneIsNeeded) {
  for (const char* header :
       {"", "Authorization: Bearer wrong\r\n", "Authorization: Bearer \r\n",
        "Authorization: Bearer\r\n", "Authorization: Basic secret-1\r\n",
        "Authorization: secret-1\r\n", "Authorization: Bearer secret-1x\r\n"}) {
    TestGateway gateway(with_key());
    const Response response = answer_to(gateway, post("/v1/chat/completions", kChat, header));
    EXPECT_EQ(response.status, 401) << header;
    EXPECT_TRUE(response.has("\"code\":\"invalid_api_key\"")) << header;
    EXPECT_EQ(response.header("WWW-Authenticate"), "Bearer");
    EXPECT_TRUE(gateway.submits.empty()) << header;
  }
}

TEST(Access, ARightKeyOpensEverythingAndHealthNeedsNone) {
  TestGateway gateway(with_key());
  const std::string key = "Authorization: bearer secret-1\r\n";
  gateway.send(gateway.open(), post("/v1/chat/completions", kChat, key));
  EXPECT_EQ(gateway.submits.size(), 1u);
  gateway.send(gateway.open(), get("/healthz"));
  EXPECT_EQ(gateway.pages.size(), 1u);
  EXPECT_EQ(answer_to(gateway, get("/metrics")).status, 401);
  EXPECT_EQ(answer_to(gateway, get("/v1/cocoon/evidence")).status, 401);
  EXPECT_EQ(answer_to(gateway, get("/v1/models")).status, 401);
}

TEST(Access, RefusesBodiesThatAreNotPlainJson) {
  const std::string body(kChat);
  for (const char* headers :
       {"", "Content-Type: text/plain\r\n", "Content-Type: application/x-www-form-urlencoded\r\n",
        "Content-Type: multipart/form-data\r\n", "Content-Type: application/jsonx\r\n",
        "Content-Type: text/plain; application/json\r\n",
        "Content-Type: application/json\r\nContent-Encoding: gzip\r\n"}) {
    TestGateway gateway;
    const Response response = answer_to(
        gateway, "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n" +
                     std::string(headers) + "Content-Length: " + std::to_string(body.size()) +
                     "\r\n\r\n" + body);
    EXPECT_EQ(response.status, 415) << headers;
    EXPECT_TRUE(gateway.submits.empty()) << headers;
  }
}

TEST(Access, TakesJsonWithParameters) {
  TestGateway gateway;
  const std::string body(kChat);
  gateway.send(gateway.open(),
               "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
               "Content-Type: Application/JSON; charset=utf-8\r\nContent-Length: " +
                   std::to_string(body.size()) + "\r\n\r\n" + body);
  EXPECT_EQ(gateway.submits.size(), 1u);
}

}  // namespace
}  // namespace cocoon::gateway
