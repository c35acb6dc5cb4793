#include "tee/qgs_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"

namespace cocoon::tee {
namespace {

using ::testing::HasSubstr;

/// A whole answer with the two sizes that it names and what follows them.
struct AnswerSpec {
  std::uint16_t major = 1;
  std::uint32_t type = 1;
  std::int32_t size_error = 0;
  std::uint32_t error = 0;
  std::uint32_t id_size = 2;
  std::uint32_t quote_size = 3;
  std::string rest = "idabc";
};

Bytes answer(const AnswerSpec& spec) {
  const auto size = static_cast<std::uint32_t>(24 + spec.rest.size()) +
                    static_cast<std::uint32_t>(spec.size_error);
  ByteWriter out;
  out.u16le(spec.major).u16le(7).u32le(spec.type).u32le(size).u32le(spec.error);
  out.u32le(spec.id_size).u32le(spec.quote_size).bytes(as_bytes(spec.rest));
  return out.take();
}

void expect_malformed(const AnswerSpec& spec, const std::string& why) {
  const auto quote = parse_quote_answer(answer(spec));
  ASSERT_FALSE(quote) << why;
  EXPECT_EQ(quote.error().code(), "qgs_answer_malformed");
  EXPECT_THAT(quote.error().detail(), HasSubstr(why));
}

TEST(QgsAnswer, IsRefusedAtEveryLengthButItsOwn) {
  const Bytes whole = answer({});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto quote = parse_quote_answer(ByteView(whole).first(size));
    ASSERT_FALSE(quote) << size;
    EXPECT_EQ(quote.error().code(), "qgs_answer_malformed") << size;
  }
  Bytes longer = whole;
  longer.push_back(0);
  EXPECT_FALSE(parse_quote_answer(longer));
}

TEST(QgsAnswer, IsRefusedWhereItsFieldsAreWrong) {
  expect_malformed({.major = 2}, "version 2, expected 1");
  expect_malformed({.type = 3}, "type 3, expected 1");
  expect_malformed({.type = 0}, "type 0, expected 1");
  expect_malformed({.size_error = 1}, "names a size of 30 bytes and has 29");
  expect_malformed({.id_size = 3}, "do not add up");
  expect_malformed({.id_size = 1}, "do not add up");
  expect_malformed({.id_size = 0xFFFFFFFF, .quote_size = 6}, "do not add up");
  expect_malformed({.quote_size = 0xFFFFFFFF}, "do not add up");
  expect_malformed({.id_size = 5, .quote_size = 0}, "the quote is empty");
}

TEST(QgsAnswer, ALargeQuoteIsRefused) {
  const std::string rest(limits::kMaxQuoteBytes + 1, 'q');
  const auto quote = parse_quote_answer(
      answer({.id_size = 0, .quote_size = static_cast<std::uint32_t>(rest.size()), .rest = rest}));
  ASSERT_FALSE(quote);
  EXPECT_EQ(quote.error().code(), "quote_too_large");
}

TEST(QgsAnswer, EveryErrorOfIntelsIsExplained) {
  const std::pair<std::uint32_t, std::string> kErrors[] = {
      {0x12001, "PCCS"},           {0x12002, "memory"},          {0x12003, "TDREPORT"},
      {0x12004, "version of its"}, {0x12005, "type of message"}, {0x12006, "wrong size"},
      {0x12007, "wrong code"},     {0x12008, "does not know"},   {0xFFFFFFFF, "does not know"},
  };
  for (const auto& [error, words] : kErrors) {
    const auto quote = parse_quote_answer(answer({.error = error}));
    ASSERT_FALSE(quote) << error;
    EXPECT_EQ(quote.error().code(), "qgs_refused");
    EXPECT_THAT(quote.error().detail(), HasSubstr(words)) << error;
  }
}

TEST(QgsAnswer, AnErrorNeedsNoBody) {
  ByteWriter out;
  out.u16le(1).u16le(0).u32le(1).u32le(16).u32le(0x12001);
  const auto quote = parse_quote_answer(out.take());
  ASSERT_FALSE(quote);
  EXPECT_EQ(quote.error().code(), "qgs_refused");
}

TEST(QgsAnswer, GivesTheQuoteBehindTheKeyId) {
  const auto quote = parse_quote_answer(answer({}));
  ASSERT_TRUE(quote) << quote.error().detail();
  EXPECT_EQ(as_text(*quote), "abc");
}

TEST(QgsQuestion, HasIntelsLayout) {
  const Bytes report = {0xAA, 0xBB, 0xCC};
  const Bytes expected = {0,    0,    0,   27,              // length, big-endian
                          1,    0,    0,   0,               // version 1.0
                          0,    0,    0,   0,               // a question for a quote
                          27,   0,    0,   0,               // length, little-endian
                          0,    0,    0,   0,               // no error
                          3,    0,    0,   0,  0, 0, 0, 0,  // size of the report, and of no key ids
                          0xAA, 0xBB, 0xCC};
  EXPECT_EQ(encode_quote_question(report), expected);
}

}  // namespace
}  // namespace cocoon::tee
