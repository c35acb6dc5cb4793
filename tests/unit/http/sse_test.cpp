#include "http/sse.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace cocoon::http {
namespace {

struct Seen {
  std::string raw;
  std::string data;
  std::string type;
  bool has_data = false;
};

Seen copy(const SseEvent& event) {
  return {std::string(event.raw), std::string(event.data), std::string(event.type), event.has_data};
}

/// All events of `stream`, given in the pieces that end at `cuts`.
std::vector<Seen> parse_events(std::string_view stream, const std::vector<std::size_t>& cuts = {}) {
  SseParser parser;
  std::vector<Seen> seen;
  std::size_t at = 0;
  auto feed = [&](std::size_t end) {
    // A copy of its own: reading beyond the piece is then an error that sanitizers see.
    const std::string piece(stream.substr(at, end - at));
    at = end;
    parser.push(piece);
    while (true) {
      auto event = parser.next();
      if (!event || !*event) break;
      seen.push_back(copy(**event));
    }
  };
  for (const std::size_t cut : cuts) feed(cut);
  feed(stream.size());
  if (auto rest = parser.finish()) seen.push_back(copy(*rest));
  return seen;
}

std::string joined_raw(const std::vector<Seen>& events) {
  std::string out;
  for (const Seen& event : events) out += event.raw;
  return out;
}

/// The data of the events that have some.
std::vector<std::string> datas(const std::vector<Seen>& events) {
  std::vector<std::string> out;
  for (const Seen& event : events) {
    if (event.has_data) out.push_back(event.data);
  }
  return out;
}

const std::vector<std::string> kStreams = {
    "data: a\n\ndata: b\n\n",
    "data: a\r\n\r\ndata: b\r\n\r\n",
    "data: a\r\rdata: b\r\r",
    ": ping\n\ndata: {\"x\":1}\n\n: ping\r\n\r\ndata: [DONE]\n\n",
    "event: delta\r\ndata: one\r\ndata: two\r\n\r\nevent: end\ndata\n\n",
    "\n\n\r\ndata: a\n\n\n\ndata: b\n\n",
    "\xef\xbb\xbf"
    "data: a\n\nid: 7\nretry: 10\ndata:b\ndata:  c\n\n",
    "data: a\n\rdata: b\r\n\ndata: c\n\r\ndata: d\r\n\r",
    "data: unfinished",
    "data: a\n\ndata: unfinished\n",
};

TEST(SseParser, EverySplitInTwoGivesTheSameDataAndAllBytes) {
  for (const std::string& stream : kStreams) {
    const auto whole = parse_events(stream);
    EXPECT_EQ(joined_raw(whole), stream);
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
      const auto split = parse_events(stream, {cut});
      EXPECT_EQ(datas(split), datas(whole)) << stream << " cut at " << cut;
      EXPECT_EQ(joined_raw(split), stream) << stream << " cut at " << cut;
    }
  }
}

TEST(SseParser, ByteByByteGivesTheSameDataAndAllBytes) {
  for (const std::string& stream : kStreams) {
    std::vector<std::size_t> cuts;
    for (std::size_t cut = 1; cut < stream.size(); ++cut) cuts.push_back(cut);
    const auto split = parse_events(stream, cuts);
    EXPECT_EQ(datas(split), datas(parse_events(stream))) << stream;
    EXPECT_EQ(joined_raw(split), stream);
  }
}

TEST(SseParser, LineEndsOfEveryKind) {
  for (const char* stream : {"data: a\n\ndata: b\n\n", "data: a\r\n\r\ndata: b\r\n\r\n",
                             "data: a\r\rdata: b\r\r", "data: a\n\rdata: b\r\n\n"}) {
    EXPECT_EQ(datas(parse_events(stream)), (std::vector<std::string>{"a", "b"})) << stream;
  }
}

TEST(SseParser, RawOfCrlfEventHoldsItsWholeEnd) {
  const auto events = parse_events("data: a\r\n\r\ndata: b\r\n\r\n");
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].raw, "data: a\r\n\r\n");
  EXPECT_EQ(events[1].raw, "data: b\r\n\r\n");
}

TEST(SseParser, AnEventThatEndsInCrIsNotHeldBack) {
  SseParser parser;
  parser.push("data: a\r\n\r");
  auto event = parser.next();
  ASSERT_TRUE(event && *event);
  EXPECT_EQ((*event)->data, "a");
}

TEST(SseParser, DataLinesAreJoinedByLf) {
  const auto events = parse_events("data: a\ndata:\ndata: b\r\n\r\n");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].data, "a\n\nb");
}

TEST(SseParser, OnlyOneSpaceIsTakenOff) {
  EXPECT_EQ(parse_events("data:  a\n\n")[0].data, " a");
  EXPECT_EQ(parse_events("data:a\n\n")[0].data, "a");
  EXPECT_EQ(parse_events("data:\ta\n\n")[0].data, "\ta");
}

TEST(SseParser, FieldsThatAreNotDataAreNotData) {
  for (const char* stream :
       {": data: x\n\n", "xdata: x\n\n", "Data: x\n\n", " data: x\n\n", "id: x\n\n"}) {
    const auto events = parse_events(stream);
    ASSERT_EQ(events.size(), 1u) << stream;
    EXPECT_FALSE(events[0].has_data) << stream;
    EXPECT_EQ(events[0].data, "") << stream;
  }
}

TEST(SseParser, EmptyDataIsData) {
  for (const char* stream : {"data\n\n", "data:\n\n", "data: \n\n"}) {
    EXPECT_TRUE(parse_events(stream)[0].has_data) << stream;
    EXPECT_EQ(parse_events(stream)[0].data, "") << stream;
  }
}

TEST(SseParser, TypeOfTheEvent) {
  EXPECT_EQ(parse_events("event: response.completed\ndata: {}\n\n")[0].type, "response.completed");
}

TEST(SseParser, WhatIsLeftAtTheEndIsGivenOnce) {
  SseParser parser;
  parser.push("data: a\n\ndata: [DONE]");
  ASSERT_TRUE(*parser.next());
  ASSERT_FALSE(*parser.next());
  const auto rest = parser.finish();
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->data, "[DONE]");
  EXPECT_EQ(rest->raw, "data: [DONE]");
  EXPECT_FALSE(parser.finish());
}

TEST(SseParser, NothingIsLeftAfterACompleteEvent) {
  SseParser parser;
  for (const char* piece : {"data: a\n", "\n"}) {
    parser.push(piece);
    while (*parser.next()) {
    }
  }
  EXPECT_FALSE(parser.finish());
}

TEST(SseParser, EventWithinOnePushIsNotCopied) {
  const std::string stream = "data: a\n\ndata: b\n\n";
  SseParser parser;
  parser.push(stream);
  EXPECT_EQ((*parser.next())->raw.data(), stream.data());
  EXPECT_EQ((*parser.next())->data.data(), stream.data() + 15);
}

TEST(SseParser, TooLargeEventFailsForGood) {
  for (const bool in_pieces : {false, true}) {
    SseParser parser(16);
    const std::string stream = "data: 12345678\n\n";
    ASSERT_EQ(stream.size(), 16u);
    parser.push(stream);
    ASSERT_TRUE(*parser.next());
    const std::string longer = "data: 123456789\n\ndata: a\n\n";
    if (in_pieces) {
      for (const char& c : longer) {
        parser.push({&c, 1});
        auto event = parser.next();
        if (!event) break;
      }
    } else {
      parser.push(longer);
    }
    const auto event = parser.next();
    ASSERT_FALSE(event);
    EXPECT_EQ(event.error().code(), "sse_event_too_large");
    parser.push("data: b\n\n");
    EXPECT_FALSE(parser.next());
    EXPECT_FALSE(parser.finish());
  }
}

TEST(SseParser, ATooLargeEventMayBeSkipped) {
  const std::string stream =
      "data: a\n\ndata: 123456789\ndata: 1\r\n\r\ndata: b\n\ndata: 1234567890123456";
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    SseParser parser(16, OversizedEvent::is_skipped);
    std::string seen;
    const auto note = [&seen](const SseEvent& event) {
      seen += event.skipped ? "-" : event.data;
      EXPECT_NE(event.skipped, event.has_data);
    };
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      const std::string part = stream.substr(at, piece);
      parser.push(part);
      for (auto event = parser.next(); event && *event; event = parser.next()) note(**event);
    }
    if (const auto rest = parser.finish()) note(*rest);
    EXPECT_FALSE(parser.finish());
    EXPECT_EQ(seen, "a-b-") << "in pieces of " << piece;
  }
}

/// Line ends are looked for in windows of 256 bytes. (Where each search goes on to the end of the
/// event, this takes a minute.)
TEST(SseParser, LinesOfAnyLengthAndEndAreLines) {
  for (const std::string end : {"\n", "\r", "\r\n"}) {
    std::string stream;
    std::string data;
    for (const std::size_t length : {0, 1, 249, 250, 251, 255, 256, 257, 511, 512, 513, 5000}) {
      stream += "data: " + std::string(length, 'x') + end;
      data += (data.empty() && length == 0 ? "" : "\n") + std::string(length, 'x');
    }
    for (int i = 0; i < 1'000'000; ++i) stream += "a" + end;
    const auto events = parse_events(stream + end);
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].data, data);
  }
}

TEST(SseParser, EndlessBlankLinesAreBounded) {
  SseParser parser(100);
  const std::string blanks(101, '\n');
  parser.push(blanks);
  EXPECT_FALSE(parser.next());
}

TEST(SseWriter, WhatIsWrittenIsRead) {
  for (const std::string data : {"", "a", "a\nb", "a\n", "\n", "{\"x\":\"y\"}", "a\n\nb"}) {
    std::string out;
    append_sse_data(out, data);
    const auto events = parse_events(out);
    ASSERT_EQ(events.size(), 1u) << data;
    EXPECT_EQ(events[0].data, data);
    EXPECT_EQ(events[0].raw, out);
  }
}

TEST(SseWriter, CarriageReturnsCannotEndAnEvent) {
  std::string out;
  append_sse_data(out, "a\r\rb\r\nc");
  EXPECT_EQ(out, "data: a\ndata: \ndata: b\ndata: c\n\n");
}

TEST(SseProperty, RandomStreamsAreTheSameHoweverTheyAreCut) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  constexpr std::string_view kAlphabet = "\n\n\r\r:d at";
  for (int round = 0; round < 3000; ++round) {
    std::string stream;
    for (std::size_t n = random() % 40; n > 0; --n) {
      if (random() % 4 == 0) stream += "data: ";
      stream += kAlphabet[random() % kAlphabet.size()];
    }
    std::vector<std::size_t> cuts;
    for (std::size_t at = 0; at < stream.size(); at += random() % 7) cuts.push_back(at);
    const auto split = parse_events(stream, cuts);
    ASSERT_EQ(joined_raw(split), stream);
    ASSERT_EQ(datas(split), datas(parse_events(stream))) << stream;
  }
}

}  // namespace
}  // namespace cocoon::http
