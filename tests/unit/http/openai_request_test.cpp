#include "http/openai_request.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "unit/http/bodies.h"
#include "unit/http/endpoints.h"

namespace cocoon::http {
namespace {

using test::chat;
using test::chat_part;
using test::code_of;
using test::facts_of;
using test::kChat;
using test::kEmbed;
using test::kResponses;
using test::kText;
using test::response_item;

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
  for (const char* body :
       {"{}", R"({"model":null})", R"({"model":""})", R"({"model":1})", R"({"model":["m"]})"}) {
    EXPECT_EQ(code_of(kChat, body), "model_missing") << body;
  }
}

/// Engines in Go take these for the others, and the last one counts.
TEST(InspectRequest, RefusesNamesInOtherLetters) {
  for (const char* member : {R"("Model":"x")",
                             R"("Stream":true)",
                             R"("STREAM":false)",
                             R"("\u017ftream":true)",
                             R"("Stream_Options":{})",
                             R"("stream_options":{"Include_Usage":false})",
                             R"("N":2)",
                             R"("Best_Of":2)",
                             R"("N_Cmpl":2)",
                             R"("Max_Tokens":9)",
                             R"("max_to\u212aens":9)",
                             R"("Max_Completion_Tokens":9)",
                             R"("Max_Output_Tokens":9)",
                             R"("N_Predict":9)",
                             R"("Max_New_Tokens":9)",
                             R"("Prompt":"p")",
                             R"("Input":"i")",
                             R"("Messages":[])",
                             R"("Prompt_Embeds":[])",
                             R"("Store":true)",
                             R"("Background":true)",
                             R"("Cache_Salt":"s")",
                             R"("Previous_Response_Id":"r")",
                             R"("Conversation":"c")",
                             R"("Tools":[])",
                             R"("tools":[{"Type":"web_search"}])",
                             R"("Web_Search_Options":{})",
                             R"("Encoding_Format":"bytes")",
                             R"("Echo":true)"}) {
    EXPECT_EQ(code_of(kChat, chat(member)), "bad_member_name") << member;
  }
  for (const char* item :
       {R"({"Content":[{"type":"image_url","image_url":{"url":"http://a"}}]})",
        R"({"Type":"item_reference","id":"i"})", R"({"content":"x","Output":[{"a":"http://a"}]})",
        R"({"content":"x","Summary":[{"a":"http://a"}]})"}) {
    EXPECT_EQ(code_of(kResponses, response_item(item)), "bad_member_name") << item;
  }
}

TEST(InspectRequest, NamesThatAreNoneOfThemPass) {
  EXPECT_EQ(code_of(kChat, chat(R"("Temperature":1,"models":[],"mode":1,"n_":1,"":0,"\u017f":1)")),
            "allowed");
  EXPECT_EQ(code_of(kChat, chat(R"("tools":[{"type":"function","function":{"parameters":)"
                                R"({"properties":{"Type":{},"Model":{}}}}}])")),
            "allowed");
}

TEST(InspectRequest, RefusesEncodingsOfEmbeddingsThatAreNoJson) {
  const auto body = [](const char* format) {
    return fmt::format(R"({{"model":"m","input":"x","encoding_format":{}}})", format);
  };
  for (const char* format : {"\"bytes\"", "\"bytes_only\"", "\"Float\"", "\"\"", "1", "[]"}) {
    EXPECT_EQ(code_of(kEmbed, body(format)), "bad_encoding_format") << format;
  }
  for (const char* format : {"\"float\"", "\"base64\"", "null"}) {
    EXPECT_EQ(code_of(kEmbed, body(format)), "allowed") << format;
  }
}

/// Some engines take 0 for no limit.
TEST(InspectRequest, RefusesALimitOfNothing) {
  for (const char* name : {"max_tokens", "max_completion_tokens", "max_output_tokens", "n_predict",
                           "max_new_tokens"}) {
    const std::string none = fmt::format(R"("{}":0)", name);
    const std::string scoring = R"({"model":"m","prompt":"p","echo":true,)" + none;
    EXPECT_EQ(code_of(kChat, chat(none)), "bad_max_tokens");
    EXPECT_EQ(code_of(kChat, chat(R"("echo":true,)" + none)), "bad_max_tokens");
    EXPECT_EQ(code_of(kText, R"({"model":"m","prompt":"p",)" + none + "}"), "bad_max_tokens");
    EXPECT_EQ(code_of(kText, scoring + R"(,"stream":true})"), "bad_max_tokens");
    EXPECT_EQ(code_of(kText, scoring + "}"), "allowed");
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
  for (const char* name : {"n", "best_of", "n_cmpl"}) {
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

TEST(InspectRequest, TheLeastLimitAndTheLargestCountHold) {
  const RequestFacts facts =
      facts_of(kChat, chat(R"("max_tokens":20,"max_completion_tokens":10,"n_predict":30,"n":2,)"
                           R"("best_of":3,"n_cmpl":5)"));
  EXPECT_EQ(facts.max_tokens, 10u);
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

}  // namespace
}  // namespace cocoon::http
