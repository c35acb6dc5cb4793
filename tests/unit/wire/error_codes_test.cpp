#include "wire/error_codes.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace cocoon {
namespace {

using namespace wire;

TEST(PeerError, AnUnknownCodeMovesIntoTheDetail) {
  const Error error = peer_error(5, "from_the_future", "try later.");
  EXPECT_EQ(error.kind(), ErrorKind::busy);
  EXPECT_EQ(error.code(), "peer_error");
  EXPECT_EQ(error.detail(), "from_the_future: try later.");
}

TEST(PeerError, APeersBugIsNotOurs) {
  EXPECT_EQ(peer_error(13, "bad_frame", "").kind(), ErrorKind::upstream);
  EXPECT_EQ(peer_error(200, "bad_frame", "").kind(), ErrorKind::upstream);
}

TEST(PeerError, TextIsBoundedAndUtf8) {
  const Error error = peer_error(0, "\xff\xfe", std::string(100000, '\xff'));
  EXPECT_EQ(error.detail(), "??: " + std::string(limits::kMaxDetailBytes, '?'));
}

TEST(PeerError, AKnownCodeOutlivesTheFrame) {
  std::string frame = "going_away";
  const Error error = to_error(Reset{.stream = 1, .kind = 6, .code = frame, .detail = "d"});
  frame.assign(frame.size(), 'x');
  EXPECT_EQ(error.code(), "going_away");
  EXPECT_EQ(error.kind(), ErrorKind::unavailable);
}

TEST(PeerError, WhatAWorkersEngineDidKeepsItsCode) {
  for (const std::string_view code :
       {"engine_bad_answer", "engine_broke_off", "engine_closed", "engine_deadline", "engine_down",
        "engine_failed", "engine_not_streaming", "engine_over_limit", "engine_redirected",
        "engine_silent", "engine_slow", "engine_stalled"}) {
    EXPECT_EQ(known_code(code), code);
  }
}

TEST(PeerError, WhatTheRegistryForbidsKeepsItsCode) {
  for (const std::string_view code : {"proxy_not_registered", "too_many_inputs"}) {
    EXPECT_EQ(known_code(code), code);
  }
}

TEST(PeerError, AResetSaysTheErrorThatItWasMadeOf) {
  const Error error(ErrorKind::timeout, "request_expired", "too late.");
  const Reset reset = to_reset(9, error);
  EXPECT_EQ(reset.stream, 9u);
  const Error back = to_error(reset);
  EXPECT_EQ(back.kind(), error.kind());
  EXPECT_EQ(back.code(), error.code());
  EXPECT_EQ(back.detail(), error.detail());
}

}  // namespace
}  // namespace cocoon
