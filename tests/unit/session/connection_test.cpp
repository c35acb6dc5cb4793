#include "session/connection.h"

#include <gtest/gtest.h>

#include "unit/session/pair.h"

namespace cocoon {
namespace {

using namespace session;
using namespace test;

// --- Opening ---

Error acceptor_failure(const Bytes& bytes) {
  Connection connection(Side::acceptor, second(0));
  const Error error = failure_of(deliver(connection, bytes));
  EXPECT_EQ(connection.state(), ConnectionState::closed);
  // The peer is told why.
  const wire::Message said = last_message(connection.output());
  EXPECT_TRUE(std::get<wire::GoAway>(said).fatal);
  EXPECT_EQ(std::get<wire::GoAway>(said).reason, error.code());
  return error;
}

TEST(Opening, AnythingBeforeHelloFails) {
  EXPECT_EQ(acceptor_failure(frame(wire::Ping{1})).code(), "hello_expected");
  EXPECT_EQ(acceptor_failure(frame(wire::HelloAck{.version = 1, .role = wire::Role::proxy})).code(),
            "hello_expected");
  EXPECT_EQ(acceptor_failure(frame(wire::Extension{200})).code(), "hello_expected");
  EXPECT_EQ(acceptor_failure(frame(wire::GoAway{.reason = "r", .fatal = true})).code(),
            "hello_expected");
}

TEST(Opening, RubbishFails) {
  EXPECT_EQ(acceptor_failure({0, 0, 0, 1, 0xc1}).code(), "bad_frame");
  EXPECT_EQ(acceptor_failure({0, 0, 0, 0}).code(), "empty_frame");
  EXPECT_EQ(acceptor_failure({0xff, 0xff, 0xff, 0xff}).code(), "frame_too_large");
  EXPECT_EQ(acceptor_failure({'G', 'E', 'T', ' '}).code(), "frame_too_large");
}

TEST(Opening, VersionsWithoutOverlapFail) {
  wire::Hello ours = hello();
  ours.lowest_version = 2;
  ours.highest_version = 9;
  const Error error = acceptor_failure(frame(ours));
  EXPECT_EQ(error.code(), "version_unsupported");
  EXPECT_NE(error.detail().find("2 to 9"), std::string::npos);
}

TEST(Opening, TheHighestCommonVersionIsChosen) {
  Connection connection(Side::acceptor, second(0));
  wire::Hello theirs = hello();
  theirs.lowest_version = 0;
  theirs.highest_version = 500;
  deliver(connection, frame(theirs));
  EXPECT_EQ(connection.version(), wire::kHighestVersion);
  connection.accept_hello(hello_ack());
  EXPECT_EQ(std::get<wire::HelloAck>(last_message(connection.output())).version,
            wire::kHighestVersion);
}

TEST(Opening, AVersionOutsideTheOfferFails) {
  for (const std::uint64_t version : {0u, 2u}) {
    Connection connection(Side::initiator, second(0));
    connection.start(hello());
    wire::HelloAck ack = hello_ack();
    ack.version = version;
    EXPECT_EQ(failure_of(deliver(connection, frame(ack))).code(), "version_outside_offer");
  }
}

TEST(Opening, AnAcceptorThatSpeaksBeforeItsAckFails) {
  Connection connection(Side::initiator, second(0));
  connection.start(hello());
  EXPECT_EQ(failure_of(deliver(connection, frame(wire::ModelsRequest{1}))).code(),
            "hello_expected");
}

TEST(Opening, AnInitiatorThatDoesNotWaitForTheAckFails) {
  Connection connection(Side::acceptor, second(0));
  deliver(connection, frame(hello()));
  ASSERT_EQ(connection.state(), ConnectionState::awaiting_decision);
  EXPECT_EQ(failure_of(deliver(connection, frame(wire::ModelsRequest{1}))).code(),
            "hello_expected");
}

TEST(Opening, ASecondHelloFails) {
  Pair pair;
  EXPECT_EQ(failure_of(deliver(pair.right, frame(hello()))).code(), "unexpected_hello");
  Pair other;
  EXPECT_EQ(failure_of(deliver(other.left, frame(hello_ack()))).code(), "unexpected_hello");
}

TEST(Opening, ARefusalReachesTheInitiator) {
  Connection left(Side::initiator, second(0));
  Connection right(Side::acceptor, second(0));
  left.start(hello());
  deliver(right, take_output(left));
  right.fail(Error(ErrorKind::unauthorized, "wrong_network", "another network."));
  const Error error = failure_of(deliver(left, take_output(right)));
  EXPECT_EQ(error.kind(), ErrorKind::unauthorized);
  EXPECT_EQ(error.code(), "wrong_network");
  EXPECT_EQ(error.detail(), "another network.");
}

TEST(Opening, AnAcceptorThatThinksItOverStillAnswersPings) {
  Connection right(Side::acceptor, second(0));
  deliver(right, frame(hello()));
  deliver(right, frame(wire::Ping{9}));
  EXPECT_EQ(std::get<wire::Pong>(last_message(right.output())).value, 9u);
}

TEST(Opening, BothSidesLearnWhoTheOtherIs) {
  Connection left(Side::initiator, second(0));
  Connection right(Side::acceptor, second(0));
  left.start(hello());
  const Bytes said = take_output(left);
  const auto events = deliver(right, said);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(std::get<HelloReceived>(events[0]).hello.software, "test");
  right.accept_hello(hello_ack());
  const Bytes answered = take_output(right);
  const auto acked = deliver(left, answered);
  ASSERT_EQ(acked.size(), 1u);
  EXPECT_EQ(std::get<HelloAcked>(acked[0]).ack.role, wire::Role::proxy);
  EXPECT_EQ(left.state(), ConnectionState::open);
  EXPECT_EQ(right.state(), ConnectionState::open);
}

// --- Streams ---

Error right_failure(Pair& pair, const Bytes& bytes) {
  return failure_of(deliver(pair.right, bytes));
}

wire::Open open_frame(StreamId stream) {
  return {.stream = stream, .header = Pair::kBytes, .wraps = {ByteView(Pair::kBytes)}};
}

TEST(Streams, ANumberOfTheWrongSideFails) {
  Pair pair;
  EXPECT_EQ(right_failure(pair, frame(open_frame(2))).code(), "stream_id_wrong_side");
}

TEST(Streams, ANumberThatDoesNotRiseFails) {
  Pair pair;
  deliver(pair.right, frame(open_frame(5)));
  EXPECT_EQ(right_failure(pair, frame(open_frame(3))).code(), "stream_id_reused");
  Pair other;
  deliver(other.right, frame(open_frame(5)));
  EXPECT_EQ(right_failure(other, frame(open_frame(5))).code(), "stream_id_reused");
}

TEST(Streams, MoreThanAllowedFail) {
  wire::HelloAck ack = hello_ack();
  ack.max_streams = 2;
  Pair pair(hello(), ack);
  deliver(pair.right, frame(open_frame(1)));
  deliver(pair.right, frame(open_frame(3)));
  EXPECT_EQ(right_failure(pair, frame(open_frame(5))).code(), "too_many_streams");
}

TEST(Streams, APeerThatMayOpenNoneFails) {
  wire::Hello ours = hello();
  ours.max_streams = 0;
  Pair pair(ours, hello_ack());
  EXPECT_EQ(failure_of(deliver(pair.left, frame(open_frame(2)))).code(), "too_many_streams");
}

TEST(Streams, AtThePeersLimitOpenSaysBusy) {
  wire::HelloAck ack = hello_ack();
  ack.max_streams = 1;
  Pair pair(hello(), ack);
  pair.open();
  const auto second_stream = pair.left.open(Pair::kBytes, {ByteView(Pair::kBytes)}, 0, 0);
  ASSERT_FALSE(second_stream);
  EXPECT_EQ(second_stream.error().kind(), ErrorKind::busy);
  EXPECT_EQ(second_stream.error().code(), "too_many_streams");
}

TEST(Streams, FramesForAStreamNeverOpenedFail) {
  const Bytes payload = {1};
  for (const Bytes& bytes :
       {frame(wire::Data{.stream = 1, .payload = payload}), frame(wire::End{.stream = 1}),
        frame(wire::Reset{.stream = 1, .code = "c"}), frame(wire::Credit{.stream = 1, .bytes = 1}),
        frame(wire::Accepted{.stream = 2}), frame(wire::Data{.stream = 2, .payload = payload})}) {
    Pair pair;
    EXPECT_EQ(right_failure(pair, bytes).code(), "stream_unknown");
  }
}

TEST(Streams, DataAfterEndFails) {
  Pair pair;
  const Bytes payload = {1};
  deliver(pair.right, frame(open_frame(1)));
  deliver(pair.right, frame(wire::End{.stream = 1}));
  EXPECT_EQ(right_failure(pair, frame(wire::Data{.stream = 1, .payload = payload})).code(),
            "stream_closed");
}

TEST(Streams, DataOnAClosedStreamFails) {
  Pair pair;
  const StreamId id = pair.accepted_stream();
  pair.left.send_end({.stream = id});
  pair.to_right();
  pair.right.send_end({.stream = id});
  const Bytes payload = {1};
  EXPECT_EQ(right_failure(pair, frame(wire::Data{.stream = id, .payload = payload})).code(),
            "stream_closed");
}

TEST(Streams, AnswersBeforeAcceptedFail) {
  const Bytes payload = {1};
  Pair pair;
  StreamId id = pair.open();
  EXPECT_EQ(
      failure_of(deliver(pair.left, frame(wire::Data{.stream = id, .payload = payload}))).code(),
      "data_before_accepted");
  Pair other;
  id = other.open();
  EXPECT_EQ(failure_of(deliver(other.left, frame(wire::End{.stream = id}))).code(),
            "data_before_accepted");
}

TEST(Streams, AcceptedTwiceOrByTheOpenerFails) {
  Pair pair;
  const StreamId id = pair.accepted_stream();
  EXPECT_EQ(failure_of(deliver(pair.left, frame(wire::Accepted{.stream = id}))).code(),
            "frame_unexpected");
  EXPECT_EQ(right_failure(pair, frame(wire::Accepted{.stream = id})).code(), "frame_unexpected");
}

TEST(Streams, AnswersCannotBeSentBeforeAccepted) {
  Pair pair;
  const StreamId id = pair.open();
  pair.to_right();
  EXPECT_FALSE(pair.right.send_data(id, Pair::kBytes));
  EXPECT_FALSE(pair.right.send_end({.stream = id}));
  EXPECT_EQ(pair.right.sendable(id), 0u);
  EXPECT_TRUE(pair.right.output().empty());
}

TEST(Streams, NothingCanBeSentAfterEnd) {
  Pair pair;
  const StreamId id = pair.open();
  EXPECT_TRUE(pair.left.send_end({.stream = id}));
  EXPECT_FALSE(pair.left.send_end({.stream = id}));
  EXPECT_FALSE(pair.left.send_data(id, Pair::kBytes));
  EXPECT_EQ(pair.left.sendable(id), 0u);
}

TEST(Streams, PayloadsOutOfBoundsAreNotSent) {
  Pair pair;
  const StreamId id = pair.open();
  EXPECT_FALSE(pair.left.send_data(id, {}));
  EXPECT_FALSE(pair.left.send_data(id, Bytes(limits::kMaxDataBytes + 1)));
}

TEST(Streams, ARequestAndItsAnswerArriveInFull) {
  Pair pair;
  const StreamId id = pair.open();
  pair.left.send_data(id, Pair::kBytes);
  pair.left.send_end({.stream = id});
  auto events = pair.to_right();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(std::get<StreamOpened>(events[0]).open.time_left_ms, 1000u);
  EXPECT_TRUE(equal_public(std::get<StreamData>(events[1]).data.payload, Pair::kBytes));
  EXPECT_EQ(std::get<StreamEnded>(events[2]).end.stream, id);

  pair.right.send_accepted(id, 1, 7);
  const wire::UsageMark mark{.prompt = 5, .completion = 2};
  EXPECT_TRUE(pair.right.send_data(id, Pair::kBytes, mark));
  pair.right.send_end({.stream = id, .receipt = Pair::kBytes, .cost = Nano{3}});
  events = pair.to_left();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(std::get<StreamAccepted>(events[0]).accepted.candidate, 1);
  EXPECT_EQ(std::get<StreamAccepted>(events[0]).accepted.prompt_tokens, 7u);
  EXPECT_EQ(std::get<StreamData>(events[1]).data.mark, mark);
  EXPECT_EQ(std::get<StreamEnded>(events[2]).end.cost, Nano{3});
  EXPECT_EQ(pair.left.stream_count(), 0u);
  EXPECT_EQ(pair.right.stream_count(), 0u);
}

// --- Resets ---

TEST(Resets, ReachThePeerAndAreConfirmed) {
  Pair pair;
  const StreamId id = pair.accepted_stream();
  EXPECT_TRUE(
      pair.right.reset(id, Error(ErrorKind::busy, "no_capacity", "full."), 1500, Nano{2}, Nano{9}));
  EXPECT_FALSE(pair.right.is_open(id));
  EXPECT_FALSE(pair.right.reset(id, Error(ErrorKind::busy, "no_capacity", "full.")));
  const auto events = pair.to_left();
  ASSERT_EQ(events.size(), 1u);
  const wire::Reset& reset = std::get<StreamReset>(events[0]).reset;
  EXPECT_EQ(reset.retry_after_ms, 1500u);
  EXPECT_EQ(reset.cost, Nano{2});
  EXPECT_EQ(reset.charged_total, Nano{9});
  EXPECT_EQ(pair.left.stream_count(), 0u);
  EXPECT_EQ(pair.right.stream_count(), 1u);
  EXPECT_TRUE(pair.to_right().empty());
  EXPECT_EQ(pair.right.stream_count(), 0u);
}

TEST(Resets, WhatCrossesThemIsIgnored) {
  Pair pair;
  const StreamId id = pair.accepted_stream();
  pair.left.send_data(id, Pair::kBytes);
  pair.left.send_end({.stream = id});
  pair.right.reset(id, Error(ErrorKind::timeout, "cancelled", ""));
  EXPECT_TRUE(pair.to_right().empty());
  EXPECT_EQ(pair.to_left().size(), 1u);
  EXPECT_TRUE(pair.to_right().empty());
  EXPECT_EQ(pair.left.stream_count() + pair.right.stream_count(), 0u);
}

TEST(Resets, OfBothSidesCrossAndTheOpenerHearsTheCharge) {
  Pair pair;
  const StreamId id = pair.accepted_stream();
  pair.left.reset(id, Error(ErrorKind::cancelled, "cancelled", ""));
  pair.right.reset(id, Error(ErrorKind::timeout, "request_expired", ""), 0, Nano{3});
  EXPECT_TRUE(pair.to_right().empty());
  const auto events = pair.to_left();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(std::get<StreamReset>(events[0]).reset.cost, Nano{3});
  EXPECT_EQ(pair.left.stream_count() + pair.right.stream_count(), 0u);
  EXPECT_TRUE(pair.left.output().empty());
  EXPECT_TRUE(pair.right.output().empty());
}

TEST(Resets, AfterEndCrossThePeersEndAndTheOpenerHearsTheCharge) {
  Pair pair;
  const StreamId id = pair.accepted_stream();
  pair.left.send_end({.stream = id});
  pair.to_right();
  pair.right.send_end({.stream = id, .receipt = Pair::kBytes, .cost = Nano{3}});
  ASSERT_EQ(pair.right.stream_count(), 0u);
  pair.left.reset(id, Error(ErrorKind::cancelled, "cancelled", ""));
  EXPECT_TRUE(pair.to_right().empty());
  const auto events = pair.to_left();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(std::get<StreamEnded>(events[0]).end.cost, Nano{3});
  EXPECT_TRUE(equal_public(std::get<StreamEnded>(events[0]).end.receipt, Pair::kBytes));
  EXPECT_EQ(pair.left.stream_count() + pair.right.stream_count(), 0u);
}

TEST(Resets, DataThatCrossesThemReachesNobody) {
  Pair pair;
  const StreamId id = pair.accepted_stream();
  EXPECT_TRUE(pair.right.send_data(id, Pair::kBytes));
  pair.left.reset(id, Error(ErrorKind::cancelled, "cancelled", ""));
  EXPECT_EQ(pair.to_right().size(), 1u);
  EXPECT_TRUE(pair.to_left().empty()) << "nor does the confirmation";
  EXPECT_EQ(pair.left.stream_count() + pair.right.stream_count(), 0u);
}

TEST(Resets, FreeTheirPlaceOnlyOnceConfirmed) {
  wire::HelloAck ack = hello_ack();
  ack.max_streams = 1;
  Pair pair(hello(), ack);
  const StreamId id = pair.open();
  pair.left.reset(id, Error(ErrorKind::cancelled, "cancelled", ""));
  EXPECT_FALSE(pair.left.open(Pair::kBytes, {ByteView(Pair::kBytes)}, 0, 0));
  pair.to_right();
  pair.to_left();
  EXPECT_TRUE(pair.left.open(Pair::kBytes, {ByteView(Pair::kBytes)}, 0, 0));
}

// --- Going away ---

TEST(GoingAway, StopsNewStreamsAndLetsTheOldOnesFinish) {
  Pair pair;
  const StreamId id = pair.accepted_stream();
  const StreamId crossing = pair.open();
  pair.right.go_away("shutting_down", "The node restarts.");
  EXPECT_TRUE(pair.to_right().empty()) << "a stream that crosses is not offered to the owner";
  const auto events = pair.to_left();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(std::get<PeerGoingAway>(events[0]).reason, "shutting_down");
  EXPECT_EQ(std::get<StreamReset>(events[1]).reset.stream, crossing);
  EXPECT_EQ(std::get<StreamReset>(events[1]).reset.code, "going_away");
  const auto more = pair.left.open(Pair::kBytes, {ByteView(Pair::kBytes)}, 0, 0);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code(), "going_away");
  EXPECT_TRUE(pair.left.send_data(id, Pair::kBytes));
  EXPECT_EQ(pair.to_right().size(), 1u);
}

TEST(GoingAway, AFailureIsTheLastWord) {
  Pair pair;
  pair.open();
  pair.left.fail(Error(ErrorKind::attestation, "cancelled", "the image was removed."));
  EXPECT_EQ(pair.left.state(), ConnectionState::closed);
  EXPECT_FALSE(pair.left.next_event());
  const Error error = failure_of(pair.to_right());
  EXPECT_EQ(error.kind(), ErrorKind::attestation);
  EXPECT_TRUE(pair.right.output().empty());
  EXPECT_TRUE(deliver(pair.right, frame(wire::Ping{1})).empty());
  EXPECT_FALSE(pair.right.open(Pair::kBytes, {ByteView(Pair::kBytes)}, 0, 0));
}

TEST(GoingAway, NothingAfterAFailureIsParsed) {
  Pair pair;
  Bytes bytes = frame(open_frame(2));
  append(bytes, frame(open_frame(1)));
  EXPECT_EQ(deliver(pair.right, bytes).size(), 1u);
}

// --- Control messages ---

TEST(ControlMessages, ReachTheOwner) {
  Pair pair;
  pair.left.send(wire::ModelsRequest{5});
  const auto events = pair.to_right();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(std::get<wire::ModelsRequest>(std::get<Control>(events[0]).message).id, 5u);
}

TEST(ControlMessages, ThatAreNoneAreNotSent) {
  Pair pair;
  pair.left.send(wire::Credit{.stream = 0, .bytes = 5});
  pair.left.send(hello());
  EXPECT_TRUE(pair.left.output().empty());
}

TEST(ControlMessages, ExtensionsAreSkipped) {
  Pair pair;
  EXPECT_TRUE(deliver(pair.right, frame(wire::Extension{128})).empty());
  EXPECT_EQ(pair.right.state(), ConnectionState::open);
}

// --- Liveness ---

TEST(Liveness, ASilentPeerIsPingedAndThenGivenUp) {
  Pair pair;  // last heard at second 1
  EXPECT_EQ(pair.left.next_deadline(), second(16));
  pair.left.on_time(second(15));
  EXPECT_TRUE(pair.left.output().empty());
  pair.left.on_time(second(16));
  EXPECT_TRUE(std::holds_alternative<wire::Ping>(last_message(pair.left.output())));
  EXPECT_EQ(pair.left.next_deadline(), second(46));
  pair.left.output().clear();
  pair.left.on_time(second(45));
  EXPECT_TRUE(pair.left.output().empty());
  pair.left.on_time(second(46));
  const auto event = pair.left.next_event();
  ASSERT_TRUE(event);
  EXPECT_EQ(std::get<ConnectionFailed>(*event).error.code(), "peer_silent");
  EXPECT_EQ(pair.left.next_deadline(), kNever);
}

TEST(Liveness, APeerThatFallsSilentHoldsNoMemory) {
  Pair pair;
  pair.left.output().reserve(limits::kMaxDataBytes);
  pair.left.on_time(second(16));
  EXPECT_LT(pair.left.output().capacity(), 64u);
}

TEST(Liveness, APongKeepsThePeerAlive) {
  Pair pair;
  pair.left.on_time(second(16));
  pair.to_right(second(16));
  pair.to_left(second(17));
  EXPECT_EQ(pair.left.next_deadline(), second(32));
}

TEST(Liveness, APeerThatDoesNotIntroduceItselfIsGivenUp) {
  Connection right(Side::acceptor, second(0));
  Connection left(Side::initiator, second(0));
  left.start(hello());
  for (Connection* connection : {&left, &right}) {
    EXPECT_EQ(connection->next_deadline(), second(limits::kHelloDeadline.count()));
    connection->on_time(second(limits::kHelloDeadline.count()));
    const auto event = connection->next_event();
    ASSERT_TRUE(event);
    EXPECT_EQ(std::get<ConnectionFailed>(*event).error.code(), "hello_timeout");
  }
}

TEST(Liveness, APeerThatNeverReadsStopsOurReading) {
  Pair pair;
  Bytes pings;
  while (pings.size() < 60'000) append(pings, frame(wire::Ping{UINT64_MAX}));
  while (pair.right.wants_input()) {
    deliver(pair.right, pings);
    ASSERT_LE(pair.right.pending_output_bytes(), limits::kMaxPendingOutputBytes + pings.size());
  }
  take_output(pair.right);
  EXPECT_TRUE(pair.right.wants_input());
}

}  // namespace
}  // namespace cocoon
