#include "http/openai_request.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "base/limits.h"
#include "codec/json.h"
#include "unit/http/endpoints.h"

namespace cocoon::http {
namespace {

using test::kChat;
using test::kEmbed;
using test::kResponses;
using test::kText;

std::string_view code_of(Endpoint endpoint, std::string_view body) {
  const auto facts = inspect_request(endpoint, body);
  if (!facts) {
    EXPECT_EQ(facts.error().kind(), ErrorKind::invalid_argument) << body;
    return facts.error().code();
  }
  const Status allowed = check_allowed(facts.value());
  return allowed ? "allowed" : allowed.error().code();
}

RequestFacts facts_of(Endpoint endpoint, std::string_view body) {
  auto facts = inspect_request(endpoint, body);
  EXPECT_TRUE(facts) << body << (facts ? "" : facts.error().detail());
  return facts ? std::move(facts).value() : RequestFacts{};
}

/// A chat request with further members.
std::string chat(std::string_view members) {
  return R"({"model":"m","messages":[{"role":"user","content":"hi"}])" +
         std::string(members.empty() ? "" : ",") + std::string(members) + "}";
}
/// A chat request with one content part.
std::string chat_part(std::string_view part) {
  return R"({"model":"m","messages":[{"role":"user","content":[)" + std::string(part) + "]}]}";
}
/// A Responses request with one input item.
std::string response_item(std::string_view item) {
  return R"({"model":"m","input":[)" + std::string(item) + "]}";
}

// --- Refusals ---

TEST(InspectRequest, RefusesWhatIsNoJsonObject) {
  for (const char* body : {"[]", "\"model\"", "1", "null", "[{\"model\":\"m\"}]"}) {
    EXPECT_EQ(code_of(kChat, body), "body_not_object") << body;
  }
  EXPECT_EQ(code_of(kChat, ""), "json_invalid");
  EXPECT_EQ(code_of(kChat, "{\"model\":\"m\"} x"), "json_invalid");
}

TEST(InspectRequest, RefusesDuplicateKeysAtAnyDepth) {
  EXPECT_EQ(code_of(kChat, R"({"model":"a","model":"b"})"), "json_duplicate_key");
  EXPECT_EQ(code_of(kChat, R"({"model":"a","n":1,"\u006e":2})"), "json_duplicate_key");
  EXPECT_EQ(code_of(kChat, R"({"model":"a","messages":[{"content":"a","content":"b"}]})"),
            "json_duplicate_key");
}

TEST(InspectRequest, RefusesMissingModels) {
  for (const char* body : {"{}", R"({"model":null})", R"({"model":""})", R"({"model":1})",
                           R"({"model":["m"]})", R"({"Model":"m"})"}) {
    EXPECT_EQ(code_of(kChat, body), "model_missing") << body;
  }
}

TEST(InspectRequest, RefusesLongModels) {
  const auto body = [](std::size_t n) { return R"({"model":")" + std::string(n, 'm') + "\"}"; };
  EXPECT_EQ(code_of(kChat, body(limits::kMaxModelIdBytes)), "allowed");
  EXPECT_EQ(code_of(kChat, body(limits::kMaxModelIdBytes + 1)), "model_too_long");
}

TEST(InspectRequest, RefusesLimitsThatEnginesReadDifferently) {
  for (const char* name : {"max_tokens", "max_completion_tokens", "max_output_tokens", "n_predict",
                           "max_new_tokens"}) {
    for (const char* value :
         {"-1", "1.0", "1e1", "\"10\"", "[1]", "{}", "true", "18446744073709551616", "-0"}) {
      EXPECT_EQ(code_of(kChat, chat(std::string("\"") + name + "\":" + value)), "bad_max_tokens")
          << name << value;
    }
  }
}

TEST(InspectRequest, RefusesImpossibleN) {
  for (const char* name : {"n", "best_of"}) {
    for (const char* value :
         {"0", "-1", "129", "1.5", "\"2\"", "1e2", "true", "99999999999999999999"}) {
      EXPECT_EQ(code_of(kChat, chat(std::string("\"") + name + "\":" + value)), "bad_n")
          << name << value;
    }
  }
}

TEST(InspectRequest, RefusesFlagsThatAreNotBooleans) {
  for (const char* value : {"1", "0", "\"true\"", "\"\"", "[]", "{}"}) {
    EXPECT_EQ(code_of(kChat, chat(std::string("\"stream\":") + value)), "bad_stream") << value;
    EXPECT_EQ(
        code_of(kChat, chat(std::string(R"("stream_options":{"include_usage":)") + value + "}")),
        "bad_stream_options")
        << value;
  }
  for (const char* value : {"1", "\"x\"", "[]", "true"}) {
    EXPECT_EQ(code_of(kChat, chat(std::string("\"stream_options\":") + value)),
              "bad_stream_options")
        << value;
  }
}

TEST(InspectRequest, RefusesMissingPrompts) {
  for (const char* value : {"[]", "null", "{}", "1", "true"}) {
    EXPECT_EQ(code_of(kText, std::string(R"({"model":"m","prompt":)") + value + "}"),
              "prompt_missing")
        << value;
    EXPECT_EQ(code_of(kEmbed, std::string(R"({"model":"m","input":)") + value + "}"),
              "input_missing")
        << value;
  }
  EXPECT_EQ(code_of(kText, R"({"model":"m"})"), "prompt_missing");
}

TEST(CheckAllowed, RefusesWhatAnEngineWouldStore) {
  for (const char* value : {"true", "1", "\"true\"", "{}", "\"\""}) {
    EXPECT_EQ(
        code_of(kResponses, std::string(R"({"model":"m","input":"x","store":)") + value + "}"),
        "store_not_allowed")
        << value;
    EXPECT_EQ(code_of(kChat, chat(std::string("\"store\":") + value)), "store_not_allowed")
        << value;
    EXPECT_EQ(
        code_of(kResponses, std::string(R"({"model":"m","input":"x","background":)") + value + "}"),
        "background_not_allowed")
        << value;
  }
  for (const char* value : {"false", "null"}) {
    EXPECT_EQ(code_of(kChat, chat(std::string("\"store\":") + value + ",\"background\":" + value)),
              "allowed")
        << value;
  }
}

TEST(CheckAllowed, RefusesReferencesToStoredState) {
  for (const char* members : {R"("previous_response_id":"resp_1")", R"("conversation":"conv_1")",
                              R"("conversation":{"id":"c"})", R"("prompt":{"id":"pmpt_1"})",
                              R"("previous_response_id":"")"}) {
    EXPECT_EQ(code_of(kResponses, std::string(R"({"model":"m","input":"x",)") + members + "}"),
              "stored_state_not_allowed")
        << members;
  }
  EXPECT_EQ(code_of(kResponses, R"({"model":"m","input":"x","previous_response_id":null})"),
            "allowed");
  EXPECT_EQ(code_of(kResponses, response_item(R"({"type":"item_reference","id":"msg_1"})")),
            "stored_state_not_allowed");
  EXPECT_EQ(code_of(kChat, chat_part(R"({"type":"file","file":{"file_id":"file-1"}})")),
            "stored_state_not_allowed");
  EXPECT_EQ(
      code_of(kChat, R"({"model":"m","messages":[{"role":"assistant","audio":{"id":"audio_1"}}]})"),
      "stored_state_not_allowed");
}

TEST(CheckAllowed, RefusesRemoteMedia) {
  for (const char* part :
       {R"({"type":"image_url","image_url":{"url":"https://a/b.png"}})",
        R"({"type":"image_url","image_url":{"url":"http://a"}})",
        R"({"type":"image_url","image_url":"https://a/b.png"})",
        R"({"type":"image_url","image_url":{"url":"file:///etc/passwd"}})",
        R"({"type":"image_url","image_url":{"url":"/etc/passwd.png"}})",
        R"({"type":"image_url","image_url":{"url":"//host/x"}})",
        R"({"type":"image_url","image_url":{"url":" \n\thttps://a"}})",
        R"({"type":"image_url","image_url":{"url":"HTTPS://a"}})",
        R"({"type":"image_url","image_url":{"url":"\u0068ttps://a"}})",
        R"({"type":"image_url","image_url":{"url":""}})",
        R"({"type":"image_url","image_url":{"url":"xdata:,x"}})",
        R"({"type":"image_url","image_url":{"url":"data,x"}})",
        R"({"type":"video_url","video_url":{"url":"https://a"}})",
        R"({"type":"audio_url","audio_url":{"url":"https://a"}})",
        R"({"type":"input_audio","input_audio":{"data":"https://a","format":"wav"}})",
        R"({"type":"input_image","image_url":"https://a"})",
        R"({"type":"input_file","file_url":"https://a"})",
        R"({"type":"file","file":{"file_data":"ftp://a"}})",
        R"({"type":"image","image":"s3://bucket/x"})",
        R"({"type":"new_kind","deep":[{"er":"gs://x"}]})",
        R"({"type":"text","text":"x","image_url":{"url":"https://a"}})",
        R"({"image_url":"https://a"})",
        R"({"text":"x","src":"https://a"})",
        R"({"type":"text","text":"x","Image_URL":"https://a"})"}) {
    EXPECT_EQ(code_of(kChat, chat_part(part)), "remote_media") << part;
    EXPECT_EQ(code_of(kResponses,
                      response_item(R"({"role":"user","content":[)" + std::string(part) + "]}")),
              "remote_media")
        << part;
  }
}

TEST(CheckAllowed, RefusesRemoteMediaInResponsesItems) {
  for (
      const char* item :
      {R"({"type":"input_image","image_url":"https://a"})",
       R"({"type":"computer_call_output","call_id":"c","output":{"type":"computer_screenshot","image_url":"https://a"}})",
       R"({"type":"function_call_output","call_id":"c","output":[{"type":"input_image","image_url":"https://a"}]})"}) {
    EXPECT_EQ(code_of(kResponses, response_item(item)), "remote_media") << item;
  }
}

TEST(CheckAllowed, RefusesToolsThatReachOtherMachines) {
  for (const char* tool :
       {R"({"type":"mcp","server_url":"https://a"})", R"({"type":"web_search_preview"})",
        R"({"type":"file_search"})", R"({"type":"code_interpreter"})"}) {
    EXPECT_EQ(
        code_of(kResponses, R"({"model":"m","input":"x","tools":[{"type":"function","name":"f"},)" +
                                std::string(tool) + "]}"),
        "hosted_tools_not_allowed")
        << tool;
  }
  EXPECT_EQ(code_of(kChat, chat(R"("web_search_options":{})")), "hosted_tools_not_allowed");
}

// --- What is read ---

TEST(InspectRequest, PlainChat) {
  const RequestFacts facts = facts_of(kChat, chat(""));
  EXPECT_EQ(facts.model, "m");
  EXPECT_FALSE(facts.stream);
  EXPECT_FALSE(facts.include_usage);
  EXPECT_EQ(facts.n, 1u);
  EXPECT_EQ(facts.prompts, 1u);
  EXPECT_EQ(facts.max_tokens, std::nullopt);
  EXPECT_EQ(facts.media_parts, 0u);
  EXPECT_TRUE(check_allowed(facts));
}

TEST(InspectRequest, NullsCountAsLeftOut) {
  const RequestFacts facts = facts_of(
      kChat,
      chat(
          R"("stream":null,"n":null,"best_of":null,"max_tokens":null,"stream_options":null,"store":null,"tools":null)"));
  EXPECT_FALSE(facts.stream);
  EXPECT_EQ(facts.n, 1u);
  EXPECT_EQ(facts.max_tokens, std::nullopt);
  EXPECT_TRUE(check_allowed(facts));
}

TEST(InspectRequest, TheLargestLimitAndCountHold) {
  const RequestFacts facts = facts_of(
      kChat,
      chat(R"("max_tokens":10,"max_completion_tokens":30,"n_predict":20,"n":2,"best_of":5)"));
  EXPECT_EQ(facts.max_tokens, 30u);
  EXPECT_EQ(facts.n, 5u);
}

TEST(InspectRequest, StreamOptions) {
  EXPECT_TRUE(facts_of(kChat, chat(R"("stream":true,"stream_options":{"include_usage":true})"))
                  .include_usage);
  EXPECT_FALSE(facts_of(kChat, chat(R"("stream":true,"stream_options":{"include_usage":false})"))
                   .include_usage);
  EXPECT_FALSE(facts_of(kChat, chat(R"("stream":true,"stream_options":{})")).include_usage);
}

TEST(InspectRequest, EmbeddingsAreNoStream) {
  for (const char* stream : {"true", "false", "1"}) {
    EXPECT_FALSE(
        facts_of(kEmbed, fmt::format(R"({{"model":"m","input":"x","stream":{}}})", stream)).stream);
  }
}

TEST(InspectRequest, CountsPrompts) {
  const std::pair<const char*, std::uint64_t> cases[] = {
      {R"("a")", 1},      {R"(["a"])", 1},     {R"(["a","b","c"])", 3}, {"[1,2,3]", 1},
      {"[[1,2],[3]]", 2}, {R"(["a",[1]])", 2}, {"[1,\"a\",\"b\"]", 2}};
  for (const auto& [prompt, count] : cases) {
    EXPECT_EQ(facts_of(kText, std::string(R"({"model":"m","prompt":)") + prompt + "}").prompts,
              count)
        << prompt;
    EXPECT_EQ(facts_of(kEmbed, std::string(R"({"model":"m","input":)") + prompt + "}").prompts,
              count)
        << prompt;
  }
}

TEST(InspectRequest, TextPartsAreText) {
  for (
      const char* part :
      {R"({"type":"text","text":"see https://a/b.png"})", R"({"type":"input_text","text":"x"})",
       R"({"type":"output_text","text":"x","annotations":[{"type":"url_citation","url":"https://a"}]})",
       R"({"type":"refusal","refusal":"no"})", R"("plain")", R"({"text":"x"})",
       R"({"type":"text","text":"x","cache_control":{"type":"ephemeral"}})"}) {
    const RequestFacts facts = facts_of(kChat, chat_part(part));
    EXPECT_EQ(facts.media_parts, 0u) << part;
    EXPECT_TRUE(check_allowed(facts)) << part;
  }
}

TEST(InspectRequest, InlineMediaIsAllowedAndNotText) {
  for (
      const char* part :
      {R"({"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"low"}})",
       R"({"type":"input_image","image_url":"DATA:image/png;base64,AAAA"})",
       R"({"type":"input_audio","input_audio":{"data":"UklGRiQ/+=","format":"wav"}})",
       R"({"type":"file","file":{"file_data":"data:application/pdf;base64,AAAA","filename":"c:x.pdf"}})"}) {
    const RequestFacts facts = facts_of(kChat, chat_part(part));
    EXPECT_EQ(facts.media_parts, 1u) << part;
    EXPECT_TRUE(check_allowed(facts)) << part;
  }
}

TEST(InspectRequest, UrlsInTextToolsAndSchemasAreNotMedia) {
  const RequestFacts facts = facts_of(
      kChat,
      R"({"model":"m","messages":[{"role":"system","content":"https://a"},{"role":"assistant","content":null,"tool_calls":[
        {"id":"1","type":"function","function":{"name":"get","arguments":"{\"url\":\"https://a\"}"}}]},
        {"role":"tool","tool_call_id":"1","content":"https://b"}],
        "tools":[{"type":"function","function":{"name":"get","parameters":{"properties":{"image_url":{"type":"string"}}}}}]})");
  EXPECT_EQ(facts.media_parts, 0u);
  EXPECT_TRUE(check_allowed(facts));
}

TEST(InspectRequest, ResponsesConversationsAreText) {
  const RequestFacts facts = facts_of(
      kResponses,
      R"({"model":"m","input":[{"role":"user","content":"x"},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"y","annotations":[]}]},
        {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"z"}],"encrypted_content":null},
        {"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"https://x"}]})");
  EXPECT_EQ(facts.media_parts, 0u);
  EXPECT_TRUE(check_allowed(facts));
}

TEST(InspectRequest, UnknownItemsAndEmbeddingsAreNotText) {
  const std::tuple<Endpoint, std::string, std::uint64_t> cases[] = {
      {kResponses, response_item(R"({"type":"image_generation_call","result":"AAAA"})"), 1},
      {kText, R"({"model":"m","prompt":"x","prompt_embeds":"AAAA"})", 1},
      {kText, R"({"model":"m","prompt":"x","prompt_embeds":["AAAA","BBBB"]})", 2},
      {kText, R"({"model":"m","prompt":"x","prompt_embeds":null})", 0},
      {kEmbed, R"({"model":"m","input":["x",{"image":"AAAA"},{"image":"BBBB"}]})", 2}};
  for (const auto& [endpoint, body, count] : cases) {
    EXPECT_EQ(facts_of(endpoint, body).media_parts, count) << body;
  }
}

/// However they are written: one for each that an engine may look at.
TEST(InspectRequest, MediaAreCounted) {
  const std::string image = R"({"type":"image_url","image_url":{"url":"data:image/png;base64,A"}})";
  const std::string input = R"({"type":"input_image","image_url":"data:image/png;base64,A"})";
  const std::tuple<Endpoint, std::string, std::uint64_t> cases[] = {
      {kChat, chat_part(image + "," + image + R"(,{"type":"text","text":"x"},)" + image), 3},
      {kChat, chat_part(R"({"type":"video","video":["data:a","data:b","data:c"]})"), 3},
      {kChat, chat_part(R"({"type":"unheard_of"})"), 1},
      {kChat, R"({"model":"m","messages":[{"content":"x","images":["data:a","data:b"]}]})", 2},
      {kChat, R"({"model":"m","messages":[{"content":"x","audio":null}]})", 0},
      {kEmbed, chat_part(image), 1},
      {kResponses, response_item(input + "," + input), 2},
      {kResponses,
       response_item(R"({"type":"input_file","file_data":"data:a","filename":"a","file_id":null})"),
       1},
      {kResponses, response_item(R"({"role":"user","content":[)" + input + "," + input + "]}"), 2},
      {kResponses,
       response_item(R"({"type":"function_call_output","call_id":"c","output":[)" + input + "]}"),
       1}};
  for (const auto& [endpoint, body, count] : cases) {
    EXPECT_EQ(facts_of(endpoint, body).media_parts, count) << body;
  }
}

TEST(Endpoints, PathsAreExact) {
  for (const Endpoint endpoint : {kChat, kText, kEmbed, kResponses})
    EXPECT_EQ(endpoint_of(path_of(endpoint)), endpoint);
  for (const char* path : {"", "/", "/v1/chat/completions/", "/v1/chat", "v1/completions",
                           "/V1/completions", "/v1/models"}) {
    EXPECT_EQ(endpoint_of(path), std::nullopt) << path;
  }
}

// --- Splicing ---

std::string spliced(Endpoint endpoint, std::string_view body, const RequestEdits& edits) {
  return splice(body, facts_of(endpoint, body), edits);
}

TEST(Splice, NoEditsLeaveEveryByte) {
  const std::string body =
      " {\n \"model\" : \"m\\u0041\", \"temperature\":1.50e+0, \"x\":[1 ,2],\"stream\":true}\r\n";
  EXPECT_EQ(spliced(kChat, body, {}), body);
}

TEST(Splice, AsksForUsageInStreamsOnly) {
  const RequestEdits edits{.include_usage = true};
  const std::tuple<Endpoint, const char*, const char*> cases[] = {
      {kChat, R"({"model":"m","stream":true})",
       R"({"stream_options":{"include_usage":true},"model":"m","stream":true})"},
      {kText, R"({"model":"m","prompt":"p","stream":true})",
       R"({"stream_options":{"include_usage":true},"model":"m","prompt":"p","stream":true})"},
      {kChat, R"({"model":"m","stream":true,"stream_options":{}})",
       R"({"model":"m","stream":true,"stream_options":{"include_usage":true}})"},
      {kChat, R"({"model":"m","stream":true,"stream_options": { "x" : 1 } })",
       R"({"model":"m","stream":true,"stream_options": {"include_usage":true, "x" : 1 } })"},
      {kChat, R"({"model":"m","stream":true,"stream_options":null})",
       R"({"model":"m","stream":true,"stream_options":{"include_usage":true}})"},
      {kChat, R"({"model":"m","stream":true,"stream_options":{"x":1,"include_usage":false}})",
       R"({"model":"m","stream":true,"stream_options":{"x":1,"include_usage":true}})"},
      {kChat, R"({"model":"m","stream":true,"stream_options":{"include_usage": null}})",
       R"({"model":"m","stream":true,"stream_options":{"include_usage": true}})"},
      {kChat, R"({"model":"m","stream":true,"stream_options":{"include_usage":true}})",
       R"({"model":"m","stream":true,"stream_options":{"include_usage":true}})"},
      {kChat, R"({"model":"m","stream":false})", R"({"model":"m","stream":false})"},
      {kResponses, R"({"model":"m","input":"x","stream":true})",
       R"({"model":"m","input":"x","stream":true})"},
  };
  for (const auto& [endpoint, body, expected] : cases)
    EXPECT_EQ(spliced(endpoint, body, edits), expected);
}

TEST(Splice, LimitsOutputUnderTheRightName) {
  const RequestEdits edits{.max_tokens = 100};
  EXPECT_EQ(spliced(kChat, R"({"model":"m"})", edits), R"({"max_tokens":100,"model":"m"})");
  EXPECT_EQ(spliced(kText, R"({"model":"m","prompt":"p"})", edits),
            R"({"max_tokens":100,"model":"m","prompt":"p"})");
  EXPECT_EQ(spliced(kResponses, R"({"model":"m","input":"x"})", edits),
            R"({"max_output_tokens":100,"model":"m","input":"x"})");
  EXPECT_EQ(spliced(kEmbed, R"({"model":"m","input":"x"})", edits), R"({"model":"m","input":"x"})");
}

TEST(Splice, ClampsEveryLimitThatIsThere) {
  const RequestEdits edits{.max_tokens = 100};
  EXPECT_EQ(
      spliced(
          kChat,
          R"({"max_tokens": 101 ,"model":"m","max_completion_tokens":18446744073709551615,"n_predict":100,"max_new_tokens":7})",
          edits),
      R"({"max_tokens": 100 ,"model":"m","max_completion_tokens":100,"n_predict":100,"max_new_tokens":7})");
  EXPECT_EQ(spliced(kChat, R"({"model":"m","max_tokens":null})", edits),
            R"({"model":"m","max_tokens":100})");
  EXPECT_EQ(spliced(kChat, R"({"model":"m","max_\u0074okens":200})", edits),
            R"({"model":"m","max_\u0074okens":100})");
  EXPECT_EQ(spliced(kChat, R"({"model":"m","max_tokens":0})", edits),
            R"({"model":"m","max_tokens":0})");
}

/// An engine that knows none of the names that are there has no limit at all.
TEST(Splice, AddsTheNameThatTheEnginesKnowBesideOthers) {
  const RequestEdits edits{.max_tokens = 100};
  for (const char* alias :
       {"max_completion_tokens", "max_output_tokens", "n_predict", "max_new_tokens"}) {
    for (const Endpoint endpoint : {kChat, kText}) {
      const auto body = [&](const char* value) {
        return fmt::format(R"("{}":{},"model":"m","prompt":"p"}})", alias, value);
      };
      EXPECT_EQ(spliced(endpoint, "{" + body("1"), edits), R"({"max_tokens":1,)" + body("1"));
      EXPECT_EQ(spliced(endpoint, "{" + body("101"), edits), R"({"max_tokens":100,)" + body("100"));
      EXPECT_EQ(spliced(endpoint, "{" + body("null"), edits),
                R"({"max_tokens":100,)" + body("100"));
    }
  }
  EXPECT_EQ(spliced(kResponses, R"({"model":"m","input":"x","max_tokens":7})", edits),
            R"({"max_output_tokens":7,"model":"m","input":"x","max_tokens":7})");
}

TEST(Splice, TheLeastOfTheLimitsIsTheOneThatIsAdded) {
  const RequestEdits edits{.max_tokens = 100};
  EXPECT_EQ(spliced(kChat, R"({"model":"m","n_predict":20,"max_new_tokens":7})", edits),
            R"({"max_tokens":7,"model":"m","n_predict":20,"max_new_tokens":7})");
  EXPECT_EQ(spliced(kChat, R"({"model":"m","max_tokens":null,"max_new_tokens":7})", edits),
            R"({"model":"m","max_tokens":7,"max_new_tokens":7})");
  EXPECT_EQ(spliced(kChat, R"({"model":"m","max_tokens":9,"max_new_tokens":7})", edits),
            R"({"model":"m","max_tokens":9,"max_new_tokens":7})");
}

TEST(Splice, SetsTheCacheSalt) {
  const RequestEdits edits{.cache_salt = "s\"1"};
  EXPECT_EQ(spliced(kChat, R"({"model":"m"})", edits), R"({"cache_salt":"s\"1","model":"m"})");
  EXPECT_EQ(spliced(kChat, R"({"model":"m","cache_salt" : "theirs"})", edits),
            R"({"model":"m","cache_salt" : "s\"1"})");
}

TEST(Splice, TurnsStoringOff) {
  const RequestEdits edits{.store_false = true};
  EXPECT_EQ(spliced(kResponses, R"({"model":"m","input":"x"})", edits),
            R"({"store":false,"model":"m","input":"x"})");
  EXPECT_EQ(spliced(kResponses, R"({"model":"m","input":"x","store":null})", edits),
            R"({"model":"m","input":"x","store":false})");
}

TEST(Splice, AllEditsAtOnce) {
  const RequestEdits edits{
      .include_usage = true, .max_tokens = 5, .cache_salt = "s", .store_false = true};
  EXPECT_EQ(
      spliced(kChat, "\t{ \"stream\":true,\"model\":\"m\",\"max_tokens\":9,\"messages\":[ ]} ",
              edits),
      "\t{\"stream_options\":{\"include_usage\":true},\"cache_salt\":\"s\",\"store\":false, "
      "\"stream\":true,\"model\":\"m\",\"max_tokens\":5,\"messages\":[ ]} ");
}

/// A random JSON value; deep ones are rarer.
std::string random_value(std::mt19937& random, int depth) {
  static const char* kScalars[] = {"null",
                                   "true",
                                   "-0",
                                   "1.50",
                                   "1e400",
                                   "\"\"",
                                   "\"a\\u00e9\\n\"",
                                   "\"\xc3\xa9\"",
                                   "12345678901234567890123"};
  const auto kind = random() % (depth > 3 ? 1 : 3);
  if (kind == 0) return kScalars[random() % std::size(kScalars)];
  std::string out = kind == 1 ? "[" : "{";
  for (unsigned i = 0, n = random() % 4; i < n; ++i) {
    if (i != 0) out += " ,";
    if (kind == 2) out += "\"k" + std::to_string(i) + "\":\n";
    out += random_value(random, depth + 1);
  }
  return out + (kind == 1 ? "]" : " }");
}

TEST(SpliceProperty, ResultParsesMeetsTheEditsAndKeepsOtherMembers) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::string> members = {"\"model\":\"m\"", "\"stream\": true"};
    for (const char* name : {"max_tokens", "max_completion_tokens", "max_new_tokens"}) {
      if (random() % 3 == 0)
        members.push_back(std::string("\"") + name +
                          "\" : " + (random() % 4 == 0 ? "null" : std::to_string(random() % 200)));
    }
    if (random() % 2 == 0)
      members.push_back(random() % 2 == 0 ? R"("stream_options":{"a":1})"
                                          : R"("stream_options": {"include_usage":false})");
    if (random() % 3 == 0) members.push_back(R"("cache_salt":"x")");
    std::vector<std::pair<std::string, std::string>> others;
    for (unsigned i = 0, n = random() % 4; i < n; ++i) {
      others.emplace_back("other" + std::to_string(i), random_value(random, 0));
      members.push_back("\"" + others.back().first + "\":" + others.back().second);
    }
    std::shuffle(members.begin(), members.end(), random);
    std::string body = "{";
    for (std::size_t i = 0; i < members.size(); ++i) body += (i == 0 ? " " : ", ") + members[i];
    body += "}";
    const std::string out =
        spliced(kChat, body, {.include_usage = true, .max_tokens = 100, .cache_salt = "salt"});
    const RequestFacts facts = facts_of(kChat, out);
    ASSERT_TRUE(facts.include_usage) << body;
    ASSERT_TRUE(facts.max_tokens && *facts.max_tokens <= 100) << body;
    const auto document = json::Document::parse(out);
    ASSERT_EQ(document->root().find("cache_salt").as_string(), "salt");
    ASSERT_LE(document->root().find("max_tokens").as_u64().value_or(101), 100u) << body;
    for (const auto& [name, value] : others) ASSERT_EQ(document->root().find(name).raw(), value);
    // A second time changes nothing.
    ASSERT_EQ(spliced(kChat, out, {.include_usage = true, .max_tokens = 100, .cache_salt = "salt"}),
              out);
  }
}

}  // namespace
}  // namespace cocoon::http
