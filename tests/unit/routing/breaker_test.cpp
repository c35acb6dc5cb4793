#include "routing/breaker.h"

#include <gtest/gtest.h>

#include "unit/routing/fixture.h"

namespace cocoon::routing {
namespace {

Breaker opened() {
  Breaker breaker;
  for (int i = 0; i < 3; ++i) apply(breaker, BreakerEvent::failure, at(0).mono);
  return breaker;
}

TEST(Breaker, OpensAtTheThirdFailureInARow) {
  Breaker breaker;
  apply(breaker, BreakerEvent::failure, at(0).mono);
  apply(breaker, BreakerEvent::failure, at(0).mono);
  EXPECT_EQ(breaker.state, BreakerState::closed);
  apply(breaker, BreakerEvent::failure, at(0).mono);
  EXPECT_EQ(breaker.state, BreakerState::open);
  EXPECT_EQ(breaker.open_until, at(1).mono);
}

TEST(Breaker, ASuccessBetweenFailuresKeepsItClosed) {
  Breaker breaker;
  for (int i = 0; i < 10; ++i) {
    apply(breaker, BreakerEvent::failure, at(0).mono);
    apply(breaker, BreakerEvent::failure, at(0).mono);
    apply(breaker, BreakerEvent::success, at(0).mono);
  }
  EXPECT_EQ(breaker.state, BreakerState::closed);
}

TEST(Breaker, StaysOpenUntilItsTimeIsUpWhateverEarlierRequestsSay) {
  Breaker breaker = opened();
  apply(breaker, BreakerEvent::success, at(0.5).mono);
  apply(breaker, BreakerEvent::failure, at(0.5).mono);
  apply(breaker, BreakerEvent::time_up, at(0.9).mono);
  EXPECT_EQ(breaker.state, BreakerState::open);
  EXPECT_EQ(breaker.open_until, at(1).mono);
  apply(breaker, BreakerEvent::time_up, at(1).mono);
  EXPECT_EQ(breaker.state, BreakerState::half_open);
}

TEST(Breaker, AFailedProbeDoublesThePauseUpToAMinute) {
  Breaker breaker = opened();
  double now = 1;
  for (const double pause : {2, 4, 8, 16, 32, 60, 60}) {
    apply(breaker, BreakerEvent::time_up, at(now).mono);
    ASSERT_EQ(breaker.state, BreakerState::half_open) << now;
    apply(breaker, BreakerEvent::failure, at(now).mono);
    EXPECT_EQ(breaker.open_until, at(now + pause).mono);
    now += pause;
  }
}

TEST(Breaker, ASuccessfulProbeClosesItAndForgetsTheFailures) {
  Breaker breaker = opened();
  apply(breaker, BreakerEvent::time_up, at(1).mono);
  apply(breaker, BreakerEvent::success, at(1).mono);
  EXPECT_EQ(breaker.state, BreakerState::closed);
  EXPECT_EQ(breaker.consecutive_failures, 0u);
  EXPECT_EQ(breaker.openings, 0u);
}

TEST(Breaker, TellsWhatChanged) {
  Breaker breaker;
  EXPECT_EQ(apply(breaker, BreakerEvent::failure, at(0).mono), BreakerChange::none);
  EXPECT_EQ(apply(breaker, BreakerEvent::failure, at(0).mono), BreakerChange::none);
  EXPECT_EQ(apply(breaker, BreakerEvent::failure, at(0).mono), BreakerChange::opened);
  EXPECT_EQ(apply(breaker, BreakerEvent::failure, at(0).mono), BreakerChange::none);
  EXPECT_EQ(apply(breaker, BreakerEvent::time_up, at(1).mono), BreakerChange::none);
  EXPECT_EQ(apply(breaker, BreakerEvent::failure, at(1).mono), BreakerChange::reopened);
  EXPECT_EQ(apply(breaker, BreakerEvent::time_up, at(3).mono), BreakerChange::none);
  EXPECT_EQ(apply(breaker, BreakerEvent::success, at(3).mono), BreakerChange::closed);
  EXPECT_EQ(apply(breaker, BreakerEvent::success, at(3).mono), BreakerChange::none);
}

TEST(Breaker, TimeDoesNothingToAClosedOrHalfOpenOne) {
  Breaker closed;
  apply(closed, BreakerEvent::time_up, at(9).mono);
  EXPECT_EQ(closed.state, BreakerState::closed);
  Breaker half = opened();
  apply(half, BreakerEvent::time_up, at(1).mono);
  apply(half, BreakerEvent::time_up, at(9).mono);
  EXPECT_EQ(half.state, BreakerState::half_open);
}

}  // namespace
}  // namespace cocoon::routing
