#include "billing/amount.h"

#include <gtest/gtest.h>

namespace cocoon::billing {
namespace {

TEST(Amount, WhatIsNoAmountIsRefused) {
  for (const char* text :
       {"", "1", "1.5", "TON", ".TON", "1. TON", "1.5.5 TON", "-1 TON", "+1 TON", "1,5 TON",
        "0.00000000. TON", "1.5  TON", "1.5 ton", "1.5 nano", "1.0000000001 TON", "18446744074 TON",
        "18446744073709551616 nano", "1e9 nano", " 1 TON", "1 TON "}) {
    auto parsed = parse_amount(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), "bad_amount") << text;
  }
}

TEST(Amount, TonHasNineExactDecimals) {
  EXPECT_EQ(parse_amount("1.5 TON")->value, 1'500'000'000u);
  EXPECT_EQ(parse_amount("0.000000001TON")->value, 1u);
  EXPECT_EQ(parse_amount("0 TON")->value, 0u);
  EXPECT_EQ(parse_amount(".5 TON")->value, 500'000'000u);
  EXPECT_EQ(parse_amount("18446744073.709551615 TON")->value, UINT64_MAX);
}

TEST(Amount, NanoIsWhole) {
  EXPECT_EQ(parse_amount("1500000000 nano")->value, 1'500'000'000u);
}

TEST(Amount, FormattingIsShortExactAndReadBack) {
  for (std::uint64_t value : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1'500'000'000},
                              std::uint64_t{20'000'000'000}, UINT64_MAX}) {
    EXPECT_EQ(parse_amount(format_amount(Nano{value}))->value, value);
  }
  EXPECT_EQ(format_amount(Nano{1'500'000'000}), "1.5 TON");
  EXPECT_EQ(format_amount(Nano{20'000'000'000}), "20 TON");
  EXPECT_EQ(format_amount(Nano{1}), "0.000000001 TON");
}

}  // namespace
}  // namespace cocoon::billing
