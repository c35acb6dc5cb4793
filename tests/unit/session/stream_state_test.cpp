#include "session/stream_state.h"

#include <gtest/gtest.h>

#include <map>
#include <tuple>

namespace cocoon {
namespace {

using namespace session;
using S = StreamState;
using E = StreamEvent;

constexpr S kStates[] = {S::open,      S::local_ended,     S::remote_ended,
                         S::resetting, S::resetting_ended, S::closed};
constexpr E kEvents[] = {E::send_accepted,    E::send_data,    E::send_end,    E::send_reset,
                         E::receive_accepted, E::receive_data, E::receive_end, E::receive_reset};

/// All that is allowed; docs/protocol.md "Streams" has the same table.
const std::map<std::tuple<S, E>, S> kAllowed = {
    {{S::open, E::send_accepted}, S::open},
    {{S::open, E::send_data}, S::open},
    {{S::open, E::send_end}, S::local_ended},
    {{S::open, E::send_reset}, S::resetting},
    {{S::open, E::receive_accepted}, S::open},
    {{S::open, E::receive_data}, S::open},
    {{S::open, E::receive_end}, S::remote_ended},
    {{S::open, E::receive_reset}, S::closed},
    {{S::local_ended, E::send_reset}, S::resetting_ended},
    {{S::local_ended, E::receive_accepted}, S::local_ended},
    {{S::local_ended, E::receive_data}, S::local_ended},
    {{S::local_ended, E::receive_end}, S::closed},
    {{S::local_ended, E::receive_reset}, S::closed},
    {{S::remote_ended, E::send_accepted}, S::remote_ended},
    {{S::remote_ended, E::send_data}, S::remote_ended},
    {{S::remote_ended, E::send_end}, S::closed},
    {{S::remote_ended, E::send_reset}, S::resetting},
    {{S::remote_ended, E::receive_reset}, S::closed},
    {{S::resetting, E::receive_accepted}, S::resetting},
    {{S::resetting, E::receive_data}, S::resetting},
    {{S::resetting, E::receive_end}, S::resetting},
    {{S::resetting, E::receive_reset}, S::closed},
    {{S::resetting_ended, E::receive_accepted}, S::resetting_ended},
    {{S::resetting_ended, E::receive_data}, S::resetting_ended},
    {{S::resetting_ended, E::receive_end}, S::closed},
    {{S::resetting_ended, E::receive_reset}, S::closed},
};

TEST(StreamState, HasExactlyTheDocumentedTransitions) {
  for (const S state : kStates) {
    for (const E event : kEvents) {
      const auto allowed = kAllowed.find({state, event});
      const std::optional<S> expected =
          allowed == kAllowed.end() ? std::nullopt : std::optional<S>(allowed->second);
      EXPECT_EQ(next(state, event), expected) << to_string(state) << " " << to_string(event);
    }
  }
}

TEST(StreamState, NothingLeavesClosed) {
  for (const E event : kEvents) EXPECT_FALSE(next(S::closed, event)) << to_string(event);
}

}  // namespace
}  // namespace cocoon
