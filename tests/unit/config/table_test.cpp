#include "config/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cocoon::config {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// The options that the tests read, one of each kind.
struct Options {
  std::string name = "default";
  std::string listen;
  std::string own;
  std::string state_dir;
  std::string url;
  std::vector<std::string> words;
  std::vector<std::string> keys;
  std::vector<std::string> peers;
  Millis drain{1};
  std::size_t size = 1;
  std::uint64_t amount = 1;
  std::uint32_t count = 1;
  int level = 0;
  std::vector<int> levels;
  std::uint32_t inner = 0;
};

Status read(std::string_view text, Options& out, const std::string& file = "dir/test.toml") {
  COCOON_TRY(const Value document, parse_document(text, file));
  Reader reader(file, document);
  Table& root = reader.root();
  root.text("name", out.name);
  root.address("listen", out.listen, 0);
  root.listen_address("own", out.own);
  root.path("state_dir", out.state_dir);
  root.http_url("url", out.url);
  root.texts("words", out.words);
  root.secrets("keys", out.keys);
  root.addresses("peers", out.peers);
  root.duration("drain", out.drain, {Seconds(1), Seconds(3600)});
  root.size("size", out.size, {1024, 8 * 1024 * 1024});
  root.amount("amount", out.amount);
  root.integer("count", out.count, {1, 100});
  root.choice<int>("level", out.level, {{"low", 1}, {"high", 2}});
  root.choices<int>("levels", out.levels, {{"low", 1}, {"high", 2}});
  Table& section = root.table("section");
  section.require("inner", "a number");
  section.integer("inner", out.inner, {0, 10});
  return reader.finish();
}

Error error_of(std::string_view text) {
  Options options;
  Status status = read(text, options);
  if (status) {
    ADD_FAILURE() << "accepted: " << text;
    return Error(ErrorKind::internal, "none", "");
  }
  EXPECT_EQ(status.error().kind(), ErrorKind::invalid_argument);
  return status.error();
}

void expect_error(std::string_view text, std::string_view code, const std::string& detail) {
  const Error error = error_of(text);
  EXPECT_EQ(error.code(), code) << text;
  EXPECT_THAT(error.detail(), HasSubstr(detail));
}

TEST(Document, SyntaxErrorNamesFileLineAndColumn) {
  const Error error = error_of("name = \"a\"\ncount = = 3\n");
  EXPECT_EQ(error.code(), "config_syntax");
  EXPECT_THAT(error.detail(), StartsWith("dir/test.toml:2:9: not valid TOML: "));
}

TEST(Document, RefusesWhatTomlForbids) {
  for (const char* text :
       {"name = \"a\"\nname = \"b\"", "name = ", "[section", "name = 'a", "x = 1 y = 2", "= 1",
        "name = \"\xff\xfe\"", "count = 99999999999999999999", "[section]\n[section]"}) {
    EXPECT_EQ(error_of(text).code(), "config_syntax") << text;
  }
}

TEST(Document, ATableNamedByNoLetterIsAnErrorNotACrash) {
  for (const char* header : {"[`", "[[`]]", "[ \\", "[\x7f"}) {
    const Error error = error_of("name = \"a\"\n" + std::string(header) + " a\n");
    EXPECT_EQ(error.code(), "config_syntax") << header;
    EXPECT_THAT(error.detail(), StartsWith("dir/test.toml:2:")) << header;
  }
}

TEST(Document, LettersBeyondAsciiAreNoWhiteSpace) {
  EXPECT_THAT(error_of("name = \"a\"\ncount = 197\u00e2").detail(), StartsWith("dir/test.toml:2:"));
  expect_error("name = \"\"\"\\\n\u00e2\u0100\"\"\"\ncount = \"\"", "config_type", "count");
}

TEST(Document, DeepNestingIsAnErrorNotACrash) {
  EXPECT_EQ(error_of("name = " + std::string(100'000, '[')).code(), "config_syntax");
}

TEST(Table, UnknownKeyIsNamedWithItsPlaceAndTheOneThatWasMeant) {
  EXPECT_EQ(error_of("count = 3\n\n  lsten = \"a:1\"\n").detail(),
            "dir/test.toml:3:3: unknown key \"lsten\" at the top of the file; did you mean "
            "\"listen\"?");
  EXPECT_EQ(error_of("count = 3\n\n  lsten = \"a:1\"\n").code(), "config_unknown_key");
}

TEST(Table, UnknownKeyThatResemblesNothingGetsTheList) {
  expect_error("[section]\ninner = 1\nzzzzzzzz = 1\n", "config_unknown_key",
               ":3:1: unknown key \"zzzzzzzz\" in [section]; there are: inner");
}

TEST(Table, UnknownTableIsAnUnknownKey) {
  expect_error("[sectoin]\ninner = 1\n", "config_unknown_key",
               ":1:2: unknown key \"sectoin\" at the top of the file; did you mean \"section\"?");
}

TEST(Table, UnknownKeyWithControlCharactersIsShownHarmless) {
  EXPECT_THAT(error_of("\"a\\u001b[2J\" = 1").detail(), HasSubstr("unknown key \"a?[2J\""));
}

TEST(Table, MissingKeyIsReportedAtItsTable) {
  expect_error("count = 3\n[section]\n", "config_missing_key",
               "test.toml:2:2: \"inner\" is missing in [section]: a number");
}

TEST(Table, AbsentTableKeepsDefaultsAndRequiresNothing) {
  Options options;
  ASSERT_TRUE(read("", options));
  EXPECT_EQ(options.name, "default");
  EXPECT_EQ(options.count, 1U);
}

TEST(Table, WrongTypesAreErrorsThatShowWhatWasFound) {
  const std::pair<const char*, const char*> cases[] = {
      {"name = 3", "found 3"},
      {"listen = 7443", "expected \"host:port\""},
      {"state_dir = true", "found true"},
      {"url = [1]", "found a list"},
      {"words = \"one\"", "expected a list in brackets"},
      {"words = [1]", "found 1"},
      {"peers = [{}]", "found a table"},
      {"drain = 30", "expected a duration such as \"30s\" or \"5m\", from 1s to 1h, found 30"},
      {"size = 8", "from 1KiB to 8MiB, found 8"},
      {"amount = 0.5", "found a number with a fraction"},
      {"count = \"3\"", "expected a whole number from 1 to 100, found \"3\""},
      {"count = 1.0", "found a number with a fraction"},
      {"count = 1979-05-27", "found a date or time"},
      {"level = 1", "expected one of \"low\", \"high\", found 1"},
      {"levels = \"low\"", "expected a list in brackets"},
      {"section = 3", "expected a table, begun with [section], found 3"},
  };
  for (const auto& [text, found] : cases) expect_error(text, "config_type", found);
}

TEST(Table, ValuesOutOfRangeAreErrors) {
  for (const char* text : {"count = 0", "count = 101", "count = -1", "count = 9223372036854775807",
                           "drain = \"999ms\"", "drain = \"3601s\"", "size = \"1023B\"",
                           "size = \"9MiB\"", "amount = 0", "amount = -5", "amount = \"0 TON\""}) {
    EXPECT_EQ(error_of(text).code(), "config_range") << text;
  }
}

TEST(Table, IllFormedValuesAreErrors) {
  for (const char* text :
       {"name = \"\"", "name = \"a\\nb\"", "listen = \"host\"", "peers = [\"a:0\"]",
        "url = \"http://a/\"", "drain = \"30\"", "size = \"8MB\"", "amount = \"1 BTC\"",
        "level = \"medium\"", "levels = [\"low\", \"medium\"]", "keys = [\"\"]"}) {
    EXPECT_EQ(error_of(text).code(), "config_value") << text;
  }
}

TEST(Table, FaultPointsAtTheItemOfAList) {
  expect_error("words = [\n  \"a\",\n  5,\n]", "config_type", "test.toml:3:3: \"words\"");
}

TEST(Table, LongValuesAreCutInMessages) {
  const Error error = error_of("listen = \"" + std::string(500, 'x') + "\"");
  EXPECT_LT(error.detail().size(), 200U);
}

TEST(Table, SecretsAreNeverShown) {
  for (const char* text : {"keys = \"sk-hush\"", "keys = [\"sk-hush\\n\"]"}) {
    EXPECT_THAT(error_of(text).detail(), Not(HasSubstr("hush"))) << text;
  }
}

TEST(Reader, ReportsEveryFaultOnALineInTheOrderOfTheFile) {
  const Error error = error_of("bogus = 1\ncount = 0\nname = 4\n");
  EXPECT_EQ(error.code(), "config_unknown_key");
  EXPECT_THAT(error.detail(), ::testing::MatchesRegex("dir/test.toml:1:1: unknown[^\n]*\n"
                                                      "dir/test.toml:2:9: .count.[^\n]*\n"
                                                      "dir/test.toml:3:8: .name.[^\n]*"));
}

TEST(Reader, ReportsNoMoreFaultsThanAnybodyReads) {
  std::string text;
  for (int i = 0; i < 150; ++i) text += "bogus" + std::to_string(i) + " = 1\n";
  EXPECT_THAT(error_of(text).detail(), ::testing::EndsWith("\ndir/test.toml: and 50 more faults"));
}

TEST(Table, ListensAtAnAddressOfThisMachine) {
  for (const char* text : {"127.0.0.1:0", "0.0.0.0:7443", "[::]:1", "localhost:80"}) {
    Options options;
    EXPECT_TRUE(read("own = \"" + std::string(text) + "\"", options)) << text;
    EXPECT_EQ(options.own, text);
  }
  for (const char* text : {"myhost:10000", "127.evil.example:1", "1.2.3:4", "1.2.3.256:4",
                           "1.2.3.4.5:6", "1.2..4:5", "[1::2::3]:4"}) {
    expect_error("own = \"" + std::string(text) + "\"", "config_value",
                 "expected a numeric address of this machine");
  }
}

TEST(Table, ReadsEveryKind) {
  Options options;
  const Status status = read(R"(
name = "n"
listen = "127.0.0.1:0"
state_dir = "state"
url = "http://127.0.0.1:8000"
words = ["a", "b"]
keys = ["k"]
peers = ["p.example:7443"]
drain = "5m"
size = "4MiB"
amount = "0.25 TON"
count = 0x10
level = "high"
levels = ["high", "low"]
section.inner = 7
)",
                             options);
  ASSERT_TRUE(status) << status.error().detail();
  EXPECT_EQ(options.name, "n");
  EXPECT_EQ(options.listen, "127.0.0.1:0");
  EXPECT_EQ(options.state_dir, "dir/state");
  EXPECT_EQ(options.url, "http://127.0.0.1:8000");
  EXPECT_EQ(options.words, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(options.keys, std::vector<std::string>{"k"});
  EXPECT_EQ(options.peers, std::vector<std::string>{"p.example:7443"});
  EXPECT_EQ(options.drain, Seconds(300));
  EXPECT_EQ(options.size, 4U * 1024 * 1024);
  EXPECT_EQ(options.amount, 250'000'000U);
  EXPECT_EQ(options.count, 16U);
  EXPECT_EQ(options.level, 2);
  EXPECT_EQ(options.levels, (std::vector<int>{2, 1}));
  EXPECT_EQ(options.inner, 7U);
}

TEST(Table, AmountMayBeAnIntegerOfNanotons) {
  Options options;
  ASSERT_TRUE(read("amount = 5", options));
  EXPECT_EQ(options.amount, 5U);
}

TEST(Table, AbsolutePathsStayAsTheyAre) {
  Options options;
  ASSERT_TRUE(read("state_dir = \"/var/lib/x\"", options));
  EXPECT_EQ(options.state_dir, "/var/lib/x");
}

TEST(Table, RelativePathsStartAtTheFolderOfTheFile) {
  Options options;
  ASSERT_TRUE(read("state_dir = \"../x\"", options, "/etc/cocoon/client.toml"));
  EXPECT_EQ(options.state_dir, "/etc/x");
  ASSERT_TRUE(read("state_dir = \"x\"", options, "client.toml"));
  EXPECT_EQ(options.state_dir, "x");
}

}  // namespace
}  // namespace cocoon::config
