#include "gateway/route.h"

#include <gtest/gtest.h>

#include "unit/gateway/fixture.h"

namespace cocoon::gateway {
namespace {

std::string_view refusal(std::string_view method, std::string_view path) {
  http::RequestHead head;
  head.method = method;
  head.path = path;
  auto route = find_route(head);
  return route ? "found" : route.error().code();
}

TEST(Route, UnknownPathsAreNotFound) {
  for (const char* path :
       {"/", "/v1", "/v1/", "/v1/models/", "/v1/chat/completions/", "/v2/models", "/V1/models",
        "/v1/models/%zz", "/v1/models/a%2", "//v1/models", "/chat/completions", "/v1/files"}) {
    EXPECT_EQ(refusal("GET", path), "path_not_found") << path;
    EXPECT_EQ(refusal("POST", path), "path_not_found") << path;
  }
}

TEST(Route, OtherMethodsOfAKnownPathAreNotAllowed) {
  for (const char* method : {"GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE", "post"}) {
    EXPECT_EQ(refusal(method, "/v1/chat/completions"), "method_not_allowed") << method;
  }
  for (const char* path : {"/v1/models", "/v1/models/x", "/healthz", "/metrics"}) {
    EXPECT_EQ(refusal("POST", path), "method_not_allowed") << path;
    EXPECT_EQ(refusal("HEAD", path), "found") << path;
  }
}

TEST(Route, AModelIdIsPercentDecodedAndMayHoldSlashes) {
  http::RequestHead head;
  head.method = "GET";
  head.path = "/v1/models/org/name%40c0ffee%3Aab";
  auto route = find_route(head);
  ASSERT_TRUE(route);
  EXPECT_EQ(route->kind, RouteKind::model);
  EXPECT_EQ(route->model_id, "org/name@c0ffee:ab");
}

TEST(Route, ErrorsAreOpenAiErrorsAndSayWhatIsAllowed) {
  TestGateway gateway;
  const ConnectionId caller = gateway.open();
  gateway.send(caller, get("/v1/chat/completions"));
  const Response wrong_method(gateway.received(caller));
  EXPECT_EQ(wrong_method.status, 405);
  EXPECT_EQ(wrong_method.header("Allow"), "POST");
  EXPECT_TRUE(wrong_method.has(R"("type":"invalid_request_error")"));
  EXPECT_FALSE(gateway.closed(caller));
  gateway.send(caller, get("/nothing"));
  const Response nothing(gateway.received(caller));
  EXPECT_EQ(nothing.status, 404);
  EXPECT_TRUE(nothing.has(R"("code":"path_not_found")"));
}

}  // namespace
}  // namespace cocoon::gateway
