#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "unit/session/pair.h"

namespace cocoon {
namespace {

using namespace session;
using namespace test;

const Bytes kFull(limits::kMaxDataBytes, 7);
constexpr std::size_t kStreamChunks = limits::kStreamCreditBytes / limits::kMaxDataBytes;
constexpr std::size_t kConnectionChunks = limits::kConnectionCreditBytes / limits::kMaxDataBytes;

std::size_t send_all(Connection& connection, StreamId stream) {
  std::size_t sent = 0;
  while (connection.send_data(stream, kFull)) ++sent;
  return sent;
}

template <class T>
std::size_t count(const std::vector<Event>& events) {
  return static_cast<std::size_t>(std::count_if(
      events.begin(), events.end(), [](const Event& e) { return std::holds_alternative<T>(e); }));
}

// --- Hostile peers ---

TEST(Credit, OverrunOfAStreamFails) {
  Pair pair;
  const StreamId id = pair.open();
  pair.to_right();
  for (std::size_t i = 0; i < kStreamChunks; ++i) {
    ASSERT_EQ(deliver(pair.right, frame(wire::Data{.stream = id, .payload = kFull})).size(), 1u);
  }
  const Bytes one = {1};
  const Error error =
      failure_of(deliver(pair.right, frame(wire::Data{.stream = id, .payload = one})));
  EXPECT_EQ(error.code(), "credit_exceeded");
}

TEST(Credit, OverrunOfTheConnectionFails) {
  Pair pair;
  std::vector<StreamId> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(pair.open());
  pair.to_right();
  std::size_t sent = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t n = 0; n < kStreamChunks; ++n, ++sent) {
      ASSERT_EQ(count<StreamData>(
                    deliver(pair.right, frame(wire::Data{.stream = ids[i], .payload = kFull}))),
                1u);
    }
  }
  EXPECT_EQ(sent, kConnectionChunks);
  const Bytes one = {1};
  const Error error =
      failure_of(deliver(pair.right, frame(wire::Data{.stream = ids[4], .payload = one})));
  EXPECT_EQ(error.code(), "credit_exceeded");
}

TEST(Credit, OverrunCountsOnAStreamThatWasReset) {
  Pair pair;
  const StreamId id = pair.open();
  pair.to_right();
  pair.right.reset(id, Error(ErrorKind::busy, "cancelled", ""));
  for (std::size_t i = 0; i < kStreamChunks; ++i) {
    ASSERT_TRUE(deliver(pair.right, frame(wire::Data{.stream = id, .payload = kFull})).empty());
  }
  const Error error =
      failure_of(deliver(pair.right, frame(wire::Data{.stream = id, .payload = kFull})));
  EXPECT_EQ(error.code(), "credit_exceeded");
}

TEST(Credit, OverflowFails) {
  for (const bool whole_connection : {false, true}) {
    Pair pair;
    const StreamId id = whole_connection ? 0 : pair.open();
    const Bytes most = frame(wire::Credit{.stream = id, .bytes = limits::kMaxCreditBytes});
    EXPECT_EQ(failure_of(deliver(pair.left, most)).code(), "credit_overflow");
  }
}

TEST(Credit, UpToTheBoundIsTaken) {
  Pair pair;
  const StreamId id = pair.open();
  const std::uint32_t more = limits::kMaxCreditBytes - limits::kStreamCreditBytes;
  EXPECT_TRUE(deliver(pair.left, frame(wire::Credit{.stream = id, .bytes = more})).empty());
  EXPECT_EQ(failure_of(deliver(pair.left, frame(wire::Credit{.stream = id, .bytes = 1}))).code(),
            "credit_overflow");
}

TEST(Credit, ForAStreamThatIsOverIsIgnored) {
  Pair pair;
  const StreamId id = pair.accepted_stream();
  pair.left.send_end({.stream = id});
  pair.to_right();
  pair.right.send_end({.stream = id});
  pair.to_left();
  EXPECT_TRUE(deliver(pair.left, frame(wire::Credit{.stream = id, .bytes = 5})).empty());
  EXPECT_EQ(pair.left.state(), ConnectionState::open);
}

// --- Honest peers ---

TEST(Credit, AStreamStopsAtItsCreditAndGoesOnWhenItComesBack) {
  Pair pair;
  const StreamId id = pair.open();
  EXPECT_EQ(send_all(pair.left, id), kStreamChunks);
  EXPECT_EQ(pair.left.sendable(id), 0u);
  EXPECT_EQ(count<StreamData>(pair.to_right()), kStreamChunks);
  EXPECT_TRUE(pair.right.output().empty()) << "credit comes with consumption, not before";
  pair.right.consumed(id, limits::kStreamCreditBytes / 2 - 1);
  EXPECT_TRUE(pair.right.output().empty()) << "credit comes in batches";
  pair.right.consumed(id, 1);
  const auto events = pair.to_left();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(std::get<StreamWritable>(events[0]).stream, id);
  EXPECT_EQ(send_all(pair.left, id), kStreamChunks / 2);
}

TEST(Credit, AStreamThatIsNotBlockedIsNotToldOfCredit) {
  Pair pair;
  const StreamId id = pair.open();
  for (std::size_t i = 0; i < kStreamChunks / 2; ++i) pair.left.send_data(id, kFull);
  pair.to_right();
  pair.right.consumed(id, limits::kStreamCreditBytes / 2);
  EXPECT_TRUE(pair.to_left().empty());
}

TEST(Credit, WhatWasNeverReceivedCannotBeConsumed) {
  Pair pair;
  const StreamId id = pair.open();
  pair.to_right();
  pair.right.consumed(id, 100 * limits::kConnectionCreditBytes);
  pair.right.buffered(id, 100 * limits::kConnectionCreditBytes);
  EXPECT_TRUE(pair.right.output().empty());
}

TEST(Credit, BufferedBodiesOfSomeStreamsDoNotStopTheOthers) {
  Pair pair;
  for (int i = 0; i < 20; ++i) {
    const StreamId id = pair.open();
    ASSERT_EQ(send_all(pair.left, id), kStreamChunks) << "stream " << i;
    pair.to_right();
    pair.right.buffered(id, limits::kStreamCreditBytes);
    pair.to_left();
  }
}

TEST(Credit, BufferedBytesAreGivenBackToTheConnectionOnce) {
  Pair pair;
  const StreamId id = pair.open();
  for (int round = 0; round < 50; ++round) {
    const std::size_t sent = send_all(pair.left, id);
    ASSERT_GT(sent, 0u);
    pair.to_right();
    pair.right.buffered(id, sent * limits::kMaxDataBytes);
    pair.right.consumed(id, sent * limits::kMaxDataBytes);
    for (const Event& event : pair.to_left()) {
      ASSERT_FALSE(std::holds_alternative<ConnectionFailed>(event));
    }
  }
  // Had the connection got more back than was sent, other streams could now send over 1 MiB.
  std::size_t total = send_all(pair.left, id);
  for (int i = 0; i < 10; ++i) total += send_all(pair.left, pair.open());
  EXPECT_LE(total, kConnectionChunks);
}

TEST(Credit, AResetGivesTheConnectionBackWhatTheStreamHeld) {
  Pair pair;
  for (int i = 0; i < 20; ++i) {
    const StreamId id = pair.open();
    ASSERT_EQ(send_all(pair.left, id), kStreamChunks) << "stream " << i;
    pair.to_right();
    pair.right.reset(id, Error(ErrorKind::busy, "cancelled", ""));
    pair.to_left();
    pair.to_right();
  }
}

TEST(Credit, WaitingStreamsTakeTurns) {
  Pair pair;
  std::vector<StreamId> ids;
  for (int i = 0; i < 6; ++i) ids.push_back(pair.open());
  std::size_t used = 0;
  for (const StreamId id : ids) {
    for (std::size_t n = 0; n < kConnectionChunks / 6; ++n) used += pair.left.send_data(id, kFull);
  }
  while (used < kConnectionChunks) used += pair.left.send_data(ids[0], kFull);
  for (const StreamId id : ids) ASSERT_FALSE(pair.left.send_data(id, kFull));
  // Half of the connection's window comes back at once; every stream must get its share of it.
  std::map<StreamId, int> sent;
  Bytes credit = frame(wire::Credit{.stream = 0, .bytes = 12 * limits::kMaxDataBytes});
  pair.left.feed(credit, second(2));
  while (const auto event = pair.left.next_event()) {
    const StreamId id = std::get<StreamWritable>(*event).stream;
    while (pair.left.send_data(id, kFull)) ++sent[id];
  }
  for (const StreamId id : ids) EXPECT_EQ(sent[id], 2) << "stream " << id;
}

TEST(Credit, AStreamThatDiesWaitingLeavesTheQueue) {
  Pair pair;
  std::vector<StreamId> ids;
  for (int i = 0; i < 6; ++i) ids.push_back(pair.open());
  for (int i = 0; i < 4; ++i) send_all(pair.left, ids[i]);
  ASSERT_FALSE(pair.left.send_data(ids[4], kFull));
  ASSERT_FALSE(pair.left.send_data(ids[5], kFull));
  pair.left.reset(ids[4], Error(ErrorKind::cancelled, "cancelled", ""));
  const auto events =
      deliver(pair.left, frame(wire::Credit{.stream = 0, .bytes = limits::kMaxDataBytes}));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(std::get<StreamWritable>(events[0]).stream, ids[5]);
}

// --- Property: random schedules between two connections ---

/// One end with the streams it plays, doing random things, and remembering what it said and heard.
class Player {
 public:
  Player(Connection& connection, bool opens, unsigned seed)
      : connection_(connection), opens_(opens), random_(seed) {}

  void act(bool winding_down) {
    if (opens_ && !winding_down && streams_.size() < 40 && random_() % 4 == 0) {
      const auto id = connection_.open(Pair::kBytes, {ByteView(Pair::kBytes)}, 0, 0);
      if (id) streams_[*id].may_send = true;
    }
    for (auto& [id, stream] : streams_) act_on(id, stream, winding_down);
  }

  void hear(const Event& event) {
    if (const auto* opened = std::get_if<StreamOpened>(&event)) {
      streams_[opened->open.stream].answers = true;
    } else if (const auto* accepted = std::get_if<StreamAccepted>(&event)) {
      EXPECT_TRUE(connection_.is_open(accepted->accepted.stream));
    } else if (const auto* data = std::get_if<StreamData>(&event)) {
      Stream& stream = streams_[data->data.stream];
      append(stream.heard, data->data.payload);
      stream.held += data->data.payload.size();
      EXPECT_LE(stream.held, limits::kStreamCreditBytes);
    } else if (const auto* ended = std::get_if<StreamEnded>(&event)) {
      streams_[ended->end.stream].heard_end = true;
    } else if (const auto* reset = std::get_if<StreamReset>(&event)) {
      streams_[reset->reset.stream].was_reset = true;
    } else if (const auto* writable = std::get_if<StreamWritable>(&event)) {
      Stream& stream = streams_[writable->stream];
      EXPECT_TRUE(stream.blocked) << "stream " << writable->stream;
      EXPECT_TRUE(send(writable->stream, stream)) << "a writable stream takes what was refused";
    } else {
      ADD_FAILURE() << "unexpected event " << event.index();
    }
  }

  struct Stream {
    bool may_send = false;
    bool answers = false;
    bool ended = false;
    bool heard_end = false;
    bool was_reset = false;
    bool blocked = false;
    Bytes refused;
    Bytes said;
    Bytes heard;
    std::size_t held = 0;
    std::size_t prepaid = 0;
  };
  std::map<StreamId, Stream>& streams() { return streams_; }

 private:
  bool send(StreamId id, Stream& stream) {
    if (stream.refused.empty()) {
      stream.refused.assign(1 + random_() % (random_() % 3 == 0 ? limits::kMaxDataBytes : 700),
                            static_cast<std::uint8_t>(random_()));
    }
    if (!connection_.send_data(id, stream.refused)) {
      stream.blocked = connection_.is_open(id);
      return false;
    }
    append(stream.said, stream.refused);
    stream.refused.clear();
    stream.blocked = false;
    return true;
  }

  void act_on(StreamId id, Stream& stream, bool winding_down) {
    if (!connection_.is_open(id)) return;
    if (stream.answers && !stream.may_send && (winding_down || random_() % 3 == 0)) {
      stream.may_send = connection_.send_accepted(id, 0, 0);
      EXPECT_TRUE(stream.may_send);
    }
    // Consumption: sometimes not at all, so that windows fill up.
    if (winding_down || random_() % 3 == 0) {
      const std::size_t size = winding_down ? stream.held : random_() % (stream.held + 1);
      if (random_() % 2 == 0) connection_.buffered(id, random_() % (stream.held + 1));
      connection_.consumed(id, size);
      stream.held -= size;
    }
    if (!stream.may_send || stream.ended) return;
    if (!winding_down && !stream.blocked) {
      for (auto n = random_() % 6; n > 0 && send(id, stream); --n) {
      }
    }
    if (random_() % 200 == 0) {
      connection_.reset(id, Error(ErrorKind::cancelled, "cancelled", "random."));
      stream.was_reset = true;
    } else if ((winding_down || random_() % 40 == 0) && !stream.blocked) {
      EXPECT_TRUE(connection_.send_end({.stream = id}));
      stream.ended = true;
    }
  }

  Connection& connection_;
  bool opens_;
  std::mt19937 random_;
  std::map<StreamId, Stream> streams_;
};

/// A direction of the wire: bytes arrive in pieces of any size, some time later.
class Wire {
 public:
  explicit Wire(unsigned seed) : random_(seed) {}
  void move(Connection& from, Connection& to, Player& listener, bool all) {
    append(line_, take_output(from));
    while (!line_.empty() && (all || random_() % 3 != 0)) {
      const std::size_t size =
          std::min<std::size_t>(line_.size(), 1 + random_() % (1u << (random_() % 17)));
      const Bytes piece(line_.begin(), line_.begin() + static_cast<std::ptrdiff_t>(size));
      line_.erase(line_.begin(), line_.begin() + static_cast<std::ptrdiff_t>(size));
      to.feed(piece, second(1));
      while (const auto event = to.next_event()) listener.hear(*event);
    }
  }
  bool empty() const { return line_.empty(); }

 private:
  std::mt19937 random_;
  Bytes line_;
};

class RandomSchedule : public ::testing::TestWithParam<unsigned> {};

TEST_P(RandomSchedule, DeliversEverythingInOrderAndComesToRest) {
  const unsigned seed = GetParam();
  SCOPED_TRACE(seed);
  Pair pair;
  Player left(pair.left, seed % 3 != 1, seed);
  Player right(pair.right, seed % 3 != 0, seed + 1000);
  Wire to_right(seed + 2000);
  Wire to_left(seed + 3000);
  for (int step = 0; step < 400; ++step) {
    const bool winding_down = step >= 150;
    left.act(winding_down);
    right.act(winding_down);
    to_right.move(pair.left, pair.right, right, winding_down);
    to_left.move(pair.right, pair.left, left, winding_down);
    ASSERT_EQ(pair.left.state(), ConnectionState::open) << "step " << step;
    ASSERT_EQ(pair.right.state(), ConnectionState::open) << "step " << step;
  }
  EXPECT_EQ(pair.left.stream_count(), 0u);
  EXPECT_EQ(pair.right.stream_count(), 0u);
  ASSERT_EQ(left.streams().size(), right.streams().size());
  for (auto& [id, stream] : left.streams()) {
    Player::Stream& other = right.streams()[id];
    const bool reset = stream.was_reset || other.was_reset;
    for (const auto& [said, heard] :
         {std::pair(&stream.said, &other.heard), std::pair(&other.said, &stream.heard)}) {
      ASSERT_LE(heard->size(), said->size());
      EXPECT_TRUE(std::equal(heard->begin(), heard->end(), said->begin())) << "stream " << id;
      EXPECT_TRUE(reset || heard->size() == said->size()) << "stream " << id;
    }
    EXPECT_TRUE(reset || (stream.heard_end && other.heard_end)) << "stream " << id;
  }
  // No credit was lost or made: what is not on its way back in a batch can be used again.
  for (Connection* connection : {&pair.left, &pair.right}) {
    std::size_t total = 0;
    for (int i = 0; i < 5; ++i) {
      const auto id = connection->open(Pair::kBytes, {ByteView(Pair::kBytes)}, 0, 0);
      ASSERT_TRUE(id);
      total += send_all(*connection, *id);
    }
    EXPECT_GE(total, kConnectionChunks / 2);
    EXPECT_LE(total, kConnectionChunks);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomSchedule, ::testing::Range(0u, 30u));

}  // namespace
}  // namespace cocoon
