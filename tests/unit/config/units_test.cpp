#include "config/units.h"

#include <gtest/gtest.h>

namespace cocoon::config {
namespace {

TEST(Duration, RefusesWhatHasNoUnitOrNoNumber) {
  for (const char* text :
       {"", "30", "s", "-5s", "+5s", "1.5s", " 5s", "5s ", "5  s", "5 sec", "5S", "0x5s",
        "99999999999999999999s", "9223372036854775808ms", "18446744073709551615d"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Duration, ReadsEveryUnit) {
  EXPECT_EQ(parse_duration("250ms"), Millis(250));
  EXPECT_EQ(parse_duration("30s"), Millis(30'000));
  EXPECT_EQ(parse_duration("5 m"), Millis(300'000));
  EXPECT_EQ(parse_duration("2h"), Millis(7'200'000));
  EXPECT_EQ(parse_duration("1d"), Millis(86'400'000));
  EXPECT_EQ(parse_duration("0s"), Millis(0));
}

TEST(Duration, IsWrittenInItsLargestUnit) {
  EXPECT_EQ(format_duration(Millis(0)), "0ms");
  EXPECT_EQ(format_duration(Millis(1500)), "1500ms");
  EXPECT_EQ(format_duration(Seconds(90)), "90s");
  EXPECT_EQ(format_duration(Seconds(3600)), "1h");
}

TEST(Size, RefusesDecimalUnitsAndOverflow) {
  for (const char* text : {"", "8", "8MB", "8 mib", "MiB", "-1B", "17179869184GiB", "1.5MiB"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

TEST(Size, ReadsEveryUnit) {
  EXPECT_EQ(parse_size("512B"), 512U);
  EXPECT_EQ(parse_size("64KiB"), 65536U);
  EXPECT_EQ(parse_size("8 MiB"), 8U * 1024 * 1024);
  EXPECT_EQ(parse_size("1GiB"), 1024U * 1024 * 1024);
}

TEST(Amount, RefusesWhatIsNotExact) {
  for (const char* text :
       {"", "1", "1 ton", "1TON", " TON", ".5 TON", "5. TON", "-1 TON", "0.0000000001 TON",
        "1e9 TON", "1,5 TON", "0.5.5 TON", "18446744074 TON", "18446744073.709551616 TON"}) {
    EXPECT_FALSE(parse_amount(text)) << text;
  }
}

TEST(Amount, IsExactToTheNanoton) {
  EXPECT_EQ(parse_amount("0.5 TON"), Nano{500'000'000});
  EXPECT_EQ(parse_amount("0.000000001 TON"), Nano{1});
  EXPECT_EQ(parse_amount("12 TON"), Nano{12'000'000'000});
  EXPECT_EQ(parse_amount("18446744073.709551615 TON"), kMaxNano);
}

TEST(Address, RefusesMissingOrImpossibleParts) {
  for (const char* text : {"", ":1", "host", "host:", "host:x", "host:65536", "host:-1", "host: 1",
                           "ho st:1", "[::1:1", "::1:1", "host:1/x", "[]:1", "[zz]:1", "a@b:1"}) {
    EXPECT_FALSE(is_address(text, 0)) << text;
  }
}

TEST(Address, AcceptsNamesAndBothIpVersions) {
  for (const char* text :
       {"localhost:1", "proxy-1.example:7443", "127.0.0.1:65535", "[::1]:7443"}) {
    EXPECT_TRUE(is_address(text, 1)) << text;
  }
}

TEST(Address, PortZeroIsForListenersOnly) {
  EXPECT_TRUE(is_address("127.0.0.1:0", 0));
  EXPECT_FALSE(is_address("127.0.0.1:0", 1));
}

TEST(HttpUrl, RefusesOtherSchemesCredentialsQueriesAndSlashAtTheEnd) {
  for (const char* text : {"", "127.0.0.1:8000", "ftp://a", "http://", "http:///x", "http://a/",
                           "http://a:0", "http://a:x", "http://u:p@a", "http://a?b", "http://a/b?c",
                           "http://a/b#c", "http://a b", "HTTP://a"}) {
    EXPECT_FALSE(is_http_url(text)) << text;
  }
}

TEST(HttpUrl, AcceptsHostPortAndPath) {
  for (const char* text :
       {"http://127.0.0.1:8000", "https://engine.example", "http://[::1]:8000/base/v2"}) {
    EXPECT_TRUE(is_http_url(text)) << text;
  }
}

TEST(EditDistance, CountsSingleEdits) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("listen", "listen"), 0U);
  EXPECT_EQ(edit_distance("lsten", "listen"), 1U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

}  // namespace
}  // namespace cocoon::config
