#include "codec/json.h"

#include <gtest/gtest.h>

#include <random>

namespace cocoon::json {
namespace {

using namespace std::literals;

std::string_view code_of(std::string_view text, Limits limits = {}) {
  auto document = Document::parse(text, limits);
  return document ? "accepted"sv : document.error().code();
}

Document parse(std::string_view text) {
  auto document = Document::parse(text);
  EXPECT_TRUE(document) << text << ": " << document.error().detail();
  return std::move(document).value();
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

TEST(JsonParse, RefusesWhatIsNotOneValue) {
  for (std::string_view text : {""sv,
                                " "sv,
                                "{"sv,
                                "}"sv,
                                "[1"sv,
                                "[1,]"sv,
                                "[,1]"sv,
                                "{\"a\"}"sv,
                                "{\"a\":}"sv,
                                "{\"a\":1,}"sv,
                                "{a:1}"sv,
                                "{'a':1}"sv,
                                "{1:1}"sv,
                                "nul"sv,
                                "nulll"sv,
                                "True"sv,
                                "NaN"sv,
                                "Infinity"sv,
                                "-Infinity"sv,
                                "1 2"sv,
                                "{}{}"sv,
                                "[] ]"sv,
                                "\"a"sv,
                                "\"\\\""sv,
                                "\"\\x41\""sv,
                                "\"\\u12g4\""sv,
                                "\"\n\""sv,
                                "\"\t\""sv,
                                "// c\n1"sv,
                                "1 // c"sv,
                                "/**/1"sv,
                                "\xEF\xBB\xBF{}"sv,
                                "1\0"sv,
                                "\0"sv,
                                "[1\0]"sv,
                                "\"a\0b\""sv,
                                "[1 2]"sv,
                                "[1:2]"sv,
                                "{\"a\",1}"sv,
                                "\v1"sv,
                                "\xC2\xA0"
                                "1"sv}) {
    EXPECT_EQ(code_of(text), "json_invalid") << text;
  }
}

TEST(JsonParse, RefusesMalformedNumbers) {
  for (std::string_view text :
       {"-",     "+1",  "01",    "-01",   "1.", ".1", "1.e3", "1e",  "1e+",  "0x10",
        "1_000", "--1", "1.2.3", "1e5.5", "00", "-a", "1a",   "[-]", "[1.]", "{\"a\":01}"}) {
    EXPECT_EQ(code_of(text), "json_invalid") << text;
  }
}

TEST(JsonParse, RefusesInvalidUtf8) {
  for (std::string_view text :
       {"\"\x80\""sv, "\"\xC0\x80\""sv, "\"\xC1\xBF\""sv, "\"\xE0\x80\x80\""sv,
        "\"\xED\xA0\x80\""sv, "\"\xED\xBF\xBF\""sv, "\"\xF0\x80\x80\x80\""sv,
        "\"\xF4\x90\x80\x80\""sv, "\"\xF5\x80\x80\x80\""sv, "\"\xFF\""sv, "\"\xC2\""sv,
        "\"\xE2\x82\""sv, "{\"\xC2\":1}"sv}) {
    EXPECT_EQ(code_of(text), "json_invalid_unicode") << text;
  }
}

TEST(JsonParse, RefusesLoneSurrogateEscapes) {
  for (std::string_view text : {R"("\ud800")", R"("\ud800x")", R"("\ud800\u0041")", R"("\udc00")",
                                R"("a\udfffb")", R"({"\udc00":1})", R"("\ude00\ud83d")"}) {
    EXPECT_EQ(code_of(text), "json_invalid_unicode") << text;
  }
}

TEST(JsonParse, RefusesDuplicateKeys) {
  for (std::string_view text :
       {R"({"a":1,"a":2})", R"({"a":1,"b":0,"a":1})", R"({"a":1,"\u0061":2})",
        R"([{"x":{"":1,"":2}}])", R"({"n":{},"m":[],"n":{}})"}) {
    EXPECT_EQ(code_of(text), "json_duplicate_key") << text;
  }
}

TEST(JsonParse, SameKeyInDifferentObjectsIsFine) {
  EXPECT_EQ(code_of(R"({"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]})"), "accepted");
}

TEST(JsonParse, KeysThatDifferOnlyAfterNulAreDifferent) {
  EXPECT_EQ(code_of(R"({"a\u0000b":1,"a\u0000c":2,"a":3})"), "accepted");
}

TEST(JsonParse, DuplicateAmongManyKeysIsFound) {
  std::string text = "{";
  for (int i = 0; i < 5000; ++i) text += "\"k" + std::to_string(i) + "\":0,";
  EXPECT_EQ(code_of(text + "\"last\":0}"), "accepted");
  EXPECT_EQ(code_of(text + "\"k2500\":0}"), "json_duplicate_key");
}

TEST(JsonParse, RefusesTooDeepNesting) {
  EXPECT_EQ(code_of(nested(64)), "accepted");
  EXPECT_EQ(code_of(nested(65)), "json_too_deep");
  EXPECT_EQ(code_of("[{\"a\":[0]}]", {.max_depth = 3}), "accepted");
  EXPECT_EQ(code_of("[{\"a\":[0]}]", {.max_depth = 2}), "json_too_deep");
}

TEST(JsonParse, MillionsOfLevelsDoNotExhaustTheStack) {
  const std::string brackets = std::string(1'000'000, '[');
  EXPECT_EQ(code_of(brackets), "json_too_deep");
  EXPECT_EQ(code_of(brackets, {.max_depth = SIZE_MAX, .max_nodes = SIZE_MAX}), "json_invalid");
}

TEST(JsonParse, RefusesTooManyValues) {
  EXPECT_EQ(code_of("[1,2,3]", {.max_nodes = 4}), "accepted");
  EXPECT_EQ(code_of("[1,2,3]", {.max_nodes = 3}), "json_too_many_values");
  EXPECT_EQ(code_of(R"({"a":1})", {.max_nodes = 2}), "json_too_many_values");
}

TEST(JsonParse, MalformedLongNumberIsRefusedInLinearTime) {
  EXPECT_EQ(code_of(std::string(4'000'000, '1') + "."), "json_invalid");
}

TEST(JsonParse, ErrorNamesTheOffsetAndNoContent) {
  const auto document = Document::parse(R"({"secret-key":1,"secret-key":2})");
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().kind(), ErrorKind::invalid_argument);
  EXPECT_NE(document.error().detail().find("byte 16"), std::string::npos)
      << document.error().detail();
  EXPECT_EQ(document.error().detail().find("secret"), std::string::npos);
}

TEST(JsonParse, EveryTruncationIsRefused) {
  const std::string text = R"({"a":[1,-2.5e+3,"x\u00e9\n",{"b":null}],"c":true,"d":"й"})";
  ASSERT_EQ(code_of(text), "accepted");
  for (std::size_t n = 0; n < text.size(); ++n) {
    EXPECT_NE(code_of(std::string_view(text).substr(0, n)), "accepted") << n;
  }
}

TEST(JsonValue, RawIsTheExactSource) {
  const std::string_view text =
      "\n{ \"a\" : [ 1.50 , \"x\\u0041\" ,{}],\t\"b\":-0 , \"c\" : null}  ";
  const Document document = parse(text);
  const Value root = document.root();
  EXPECT_EQ(root.raw(), text.substr(1, text.size() - 3));
  EXPECT_EQ(root.find("a").raw(), "[ 1.50 , \"x\\u0041\" ,{}]");
  std::vector<std::string_view> raws;
  for (Value v : root.find("a").elements()) raws.push_back(v.raw());
  EXPECT_EQ(raws, (std::vector<std::string_view>{"1.50", "\"x\\u0041\"", "{}"}));
  EXPECT_EQ(root.find("b").raw(), "-0");
  EXPECT_EQ(root.find("c").raw(), "null");
  EXPECT_EQ(text.substr(root.find("b").offset(), 2), "-0");
  EXPECT_EQ(root.find("b").end_offset(), root.find("b").offset() + 2);
}

TEST(JsonValue, MembersComeInSourceOrderWithOffsetsOfKeys) {
  const std::string_view text = R"({"b":1,"a":{"z":[0]},"\u0063":[]})";
  const Document document = parse(text);
  std::string seen;
  for (const Member& m : document.root().members()) {
    seen += m.key;
    seen += '=';
    seen += m.value.raw();
    seen += ';';
    EXPECT_EQ(text[m.key_value.offset()], '"');
  }
  EXPECT_EQ(seen, R"(b=1;a={"z":[0]};c=[];)");
}

TEST(JsonValue, KindsAndSizes) {
  const Document document = parse(R"([null,true,1,"s",[1,[2,3]],{"a":1,"b":{}}])");
  std::vector<Kind> kinds;
  std::vector<std::size_t> sizes;
  for (Value v : document.root().elements()) {
    kinds.push_back(v.kind());
    sizes.push_back(v.size());
  }
  EXPECT_EQ(kinds, (std::vector<Kind>{Kind::null, Kind::boolean, Kind::number, Kind::string,
                                      Kind::array, Kind::object}));
  EXPECT_EQ(sizes, (std::vector<std::size_t>{0, 0, 0, 0, 2, 2}));
  EXPECT_EQ(document.root().size(), 6u);
}

TEST(JsonValue, LookupsThatFindNothingChain) {
  const Document document = parse(R"({"a":[1]})");
  const Value missing = document.root().find("b").find("c");
  EXPECT_FALSE(missing);
  EXPECT_EQ(missing.kind(), Kind::absent);
  EXPECT_EQ(missing.raw(), "");
  EXPECT_EQ(missing.as_u64(), std::nullopt);
  EXPECT_EQ(missing.as_string(), std::nullopt);
  EXPECT_EQ(missing.as_bool(), std::nullopt);
  EXPECT_EQ(missing.size(), 0u);
  EXPECT_FALSE(document.root().find("a").find("x"));
  EXPECT_EQ(document.root().elements().begin(), document.root().elements().end());
}

TEST(JsonValue, StringsAreUnescaped) {
  const Document document =
      parse(R"(["","plain й","\"\\\/\b\f\n\r\t","\u0041\u00e9\u20ac\ud83d\ude00","a\u0000b"])");
  std::vector<std::string> strings;
  for (Value v : document.root().elements()) strings.emplace_back(*v.as_string());
  EXPECT_EQ(strings, (std::vector<std::string>{"", "plain й", "\"\\/\b\f\n\r\t", "Aé€😀", "a\0b"s}));
}

TEST(JsonValue, StringsWithoutEscapesPointIntoTheText) {
  const std::string_view text = R"(["abc"])";
  const Document document = parse(text);
  EXPECT_EQ((*document.root().elements().begin()).as_string()->data(), text.data() + 2);
}

TEST(JsonValue, IntegersAreExact) {
  const Document document = parse(
      "[18446744073709551615,18446744073709551616,9223372036854775807,-9223372036854775808,-"
      "9223372036854775809,-1,1.0,"
      "1e3,0]");
  std::vector<std::optional<std::uint64_t>> u;
  std::vector<std::optional<std::int64_t>> i;
  for (Value v : document.root().elements()) {
    u.push_back(v.as_u64());
    i.push_back(v.as_i64());
  }
  const auto none = std::nullopt;
  EXPECT_EQ(u, (decltype(u){UINT64_MAX, none, INT64_MAX, none, none, none, none, none, 0}));
  EXPECT_EQ(i, (decltype(i){none, none, INT64_MAX, INT64_MIN, none, -1, none, none, 0}));
}

TEST(JsonValue, HugeNumbersPassButDoNotRead) {
  const std::string digits = "1" + std::string(400, '0');
  const std::string text = "[1e400,-1e99999999999," + digits + ",1e-400,0.1e1]";
  const Document document = parse(text);
  const Value first = *document.root().elements().begin();
  EXPECT_EQ(first.raw(), "1e400");
  EXPECT_EQ(first.as_u64(), std::nullopt);
  EXPECT_EQ(first.as_double(), std::nullopt);
  EXPECT_EQ(document.root().size(), 5u);
  EXPECT_EQ(document.root().raw(), text);
}

TEST(JsonValue, WrongKindsReadAsNothing) {
  const Document document = parse(R"(["1",1,true,null])");
  auto it = document.root().elements().begin();
  EXPECT_EQ((*it).as_u64(), std::nullopt);
  EXPECT_EQ((*++it).as_string(), std::nullopt);
  EXPECT_EQ((*++it).as_i64(), std::nullopt);
  EXPECT_EQ((*++it).as_bool(), std::nullopt);
}

TEST(JsonValue, SurvivesMoveOfTheDocument) {
  Document first = parse(R"({"a":"x\ny"})");
  const Value a = first.root().find("a");
  const Document second = std::move(first);
  EXPECT_EQ(*a.as_string(), "x\ny");
}

TEST(JsonWriter, WritesNestedValuesWithCommas) {
  Writer w;
  w.begin_object()
      .key("a")
      .u64(UINT64_MAX)
      .key("b")
      .begin_array()
      .i64(INT64_MIN)
      .boolean(true)
      .null();
  w.begin_object().end_object().begin_array().end_array().string("x").end_array();
  w.key("c\n").raw("1.50").end_object();
  EXPECT_EQ(
      w.take(),
      R"({"a":18446744073709551615,"b":[-9223372036854775808,true,null,{},[],"x"],"c\n":1.50})");
  EXPECT_EQ(w.text(), "");
}

TEST(JsonWriter, EscapesWhatMustBeEscaped) {
  EXPECT_EQ(escape("a\"b\\c\n\r\t\x01\x1f/\x7f"sv), "\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u001f/\x7f\"");
  EXPECT_EQ(escape("\0"sv), "\"\\u0000\"");
  EXPECT_EQ(escape("й€😀"), "\"й€😀\"");
}

TEST(JsonWriter, InvalidUtf8BecomesReplacementCharacters) {
  EXPECT_EQ(escape("a\x80z"), "\"a\xef\xbf\xbdz\"");
  EXPECT_EQ(escape("\xED\xA0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
  EXPECT_EQ(escape("\xE2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
}

TEST(JsonWriter, AnyBytesRoundTripAsValidJson) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 500; ++round) {
    std::string bytes(random() % 40, '\0');
    for (char& c : bytes)
      c = static_cast<char>(random() % 3 == 0 ? random() % 256 : random() % 128);
    const std::string text = escape(bytes);
    auto document = Document::parse(text);
    ASSERT_TRUE(document) << text;
    const bool ascii = std::all_of(bytes.begin(), bytes.end(),
                                   [](char c) { return static_cast<unsigned char>(c) < 128; });
    if (ascii) {
      EXPECT_EQ(*document.value().root().as_string(), bytes);
    }
  }
}

}  // namespace
}  // namespace cocoon::json
