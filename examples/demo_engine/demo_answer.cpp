#include "demo_engine/demo_answer.h"

#include <fmt/format.h>

#include <cstring>

#include "codec/base64.h"
#include "codec/json.h"
#include "http/sse.h"

namespace cocoon::demo {
namespace {

using json::Writer;

std::string id_of(std::string_view prefix, const Reply& reply) {
  return fmt::format("{}-demo-{}", prefix, reply.number);
}

void write_counts(Writer& w, const Reply& reply) {
  const Counts& c = reply.counts;
  w.key("usage").begin_object();
  w.key("prompt_tokens").u64(c.prompt);
  w.key("completion_tokens").u64(c.completion);
  w.key("total_tokens").u64(c.prompt + c.completion);
  w.key("prompt_tokens_details").begin_object().key("cached_tokens").u64(c.cached).end_object();
  w.key("completion_tokens_details")
      .begin_object()
      .key("reasoning_tokens")
      .u64(c.reasoning)
      .end_object();
  w.end_object();
}

/// Opens an object of the chat and completions endpoints, with everything but its choices.
void begin(Writer& w, std::string_view id, std::string_view object, const Reply& reply) {
  w.begin_object();
  w.key("id").string(id);
  w.key("object").string(object);
  w.key("created").u64(reply.created);
  w.key("model").string(reply.model);
  w.key("system_fingerprint").string(kFingerprint);
  if (!reply.seed.empty()) w.key("seed").raw(reply.seed);
}

void write_tool_call(Writer& w, const Reply& reply, std::string_view arguments) {
  w.key("tool_calls").begin_array().begin_object();
  w.key("index").u64(0);
  w.key("id").string(id_of("call", reply));
  w.key("type").string("function");
  w.key("function").begin_object();
  w.key("name").string(reply.tool->name);
  w.key("arguments").string(arguments);
  w.end_object().end_object().end_array();
}

// --- Chat and text completions ---

std::string render_chat(const Reply& reply) {
  Writer w;
  begin(w, id_of("chatcmpl", reply), "chat.completion", reply);
  w.key("choices").begin_array();
  for (std::uint64_t i = 0; i < reply.choices; ++i) {
    w.begin_object().key("index").u64(i);
    w.key("message").begin_object().key("role").string("assistant");
    w.key("refusal").null();
    if (reply.tool) {
      w.key("content").null();
      write_tool_call(w, reply, reply.text);
    } else {
      w.key("content").string(reply.text);
    }
    w.end_object().key("logprobs").null();
    w.key("finish_reason").string(reply.finish_reason).end_object();
  }
  w.end_array();
  if (reply.show_usage) write_counts(w, reply);
  w.end_object();
  return w.take();
}

std::string render_completion(const Reply& reply) {
  Writer w;
  begin(w, id_of("cmpl", reply), "text_completion", reply);
  w.key("choices").begin_array();
  for (std::uint64_t i = 0; i < reply.choices; ++i) {
    w.begin_object().key("index").u64(i).key("text").string(reply.text);
    w.key("logprobs").null().key("finish_reason").string(reply.finish_reason).end_object();
  }
  w.end_array();
  if (reply.show_usage) write_counts(w, reply);
  w.end_object();
  return w.take();
}

/// What the two kinds of completion have in common. What is the same in every event is made once:
/// a benchmark's engine should cost next to nothing per chunk.
class CompletionEvents : public EventRenderer {
 public:
  CompletionEvents(std::string_view id_prefix, std::string_view object, const Reply& reply,
                   bool include_usage)
      : reply_(reply), include_usage_(include_usage && reply.show_usage) {
    Writer w;
    begin(w, id_of(id_prefix, reply), object, reply);
    common_ = w.take();
  }

  std::string opening() override { return {}; }

  std::string closing() override {
    std::string out;
    for (std::uint64_t c = 0; c < reply_.choices; ++c) {
      event(out, [&](std::string& json) { last_choice(json, c); });
    }
    if (include_usage_) {
      Writer w;
      w.begin_object().key("choices").begin_array().end_array();
      write_counts(w, reply_);
      w.end_object();
      // Both texts are objects: their members go into one.
      http::append_sse_data(out, common_ + "," + w.take().substr(1));
    }
    http::append_sse_data(out, "[DONE]");
    return out;
  }

 protected:
  /// Appends one chunk whose only choice is what `write_choice` writes.
  template <class WriteChoice>
  void event(std::string& out, WriteChoice write_choice) {
    out += "data: ";
    out += common_;
    out += ",\"choices\":[";
    write_choice(out);
    // With include_usage every chunk but the last has "usage": null.
    out += include_usage_ ? "],\"usage\":null}\n\n" : "]}\n\n";
  }
  virtual void last_choice(std::string& json, std::uint64_t choice) = 0;

  const Reply& reply_;

 private:
  bool include_usage_;
  std::string common_;  // an object that is not closed yet
};

class ChatEvents final : public CompletionEvents {
 public:
  ChatEvents(const Reply& reply, bool include_usage)
      : CompletionEvents("chatcmpl", "chat.completion.chunk", reply, include_usage) {}

  void piece(std::size_t i, std::string& out) override {
    for (std::uint64_t c = 0; c < reply_.choices; ++c) {
      event(out, [&](std::string& json) {
        json += fmt::format("{{\"index\":{},\"delta\":{{", c);
        if (i == 0) json += "\"role\":\"assistant\",";
        if (reply_.tool) {
          tool_delta(json, i);
        } else {
          json += "\"content\":";
          json::append_quoted(json, reply_.piece(i));
        }
        json += "},\"finish_reason\":null}";
      });
    }
  }

 private:
  void tool_delta(std::string& json, std::size_t i) {
    if (i == 0) {
      Writer w;
      w.begin_object().key("content").null();
      write_tool_call(w, reply_, reply_.piece(0));
      w.end_object();
      const std::string members = w.take();
      json += std::string_view(members).substr(1, members.size() - 2);
      return;
    }
    json += "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":";
    json::append_quoted(json, reply_.piece(i));
    json += "}}]";
  }

  void last_choice(std::string& json, std::uint64_t choice) override {
    json += fmt::format("{{\"index\":{},\"delta\":{{}},\"finish_reason\":\"{}\"}}", choice,
                        reply_.finish_reason);
  }
};

class TextEvents final : public CompletionEvents {
 public:
  TextEvents(const Reply& reply, bool include_usage)
      : CompletionEvents("cmpl", "text_completion", reply, include_usage) {}

  void piece(std::size_t i, std::string& out) override {
    for (std::uint64_t c = 0; c < reply_.choices; ++c) {
      event(out, [&](std::string& json) {
        json += fmt::format("{{\"index\":{},\"logprobs\":null,\"text\":", c);
        json::append_quoted(json, reply_.piece(i));
        json += ",\"finish_reason\":null}";
      });
    }
  }

 private:
  void last_choice(std::string& json, std::uint64_t choice) override {
    json += fmt::format("{{\"index\":{},\"logprobs\":null,\"text\":\"\",\"finish_reason\":\"{}\"}}",
                        choice, reply_.finish_reason);
  }
};

// --- Responses ---

void write_response_counts(Writer& w, const Reply& reply) {
  const Counts& c = reply.counts;
  w.key("usage").begin_object();
  w.key("input_tokens").u64(c.prompt);
  w.key("input_tokens_details").begin_object().key("cached_tokens").u64(c.cached).end_object();
  w.key("output_tokens").u64(c.completion);
  w.key("output_tokens_details")
      .begin_object()
      .key("reasoning_tokens")
      .u64(c.reasoning)
      .end_object();
  w.key("total_tokens").u64(c.prompt + c.completion);
  w.end_object();
}

void write_text_part(Writer& w, std::string_view text) {
  w.begin_object().key("type").string("output_text").key("text").string(text);
  w.key("annotations").begin_array().end_array().end_object();
}

/// The one output item: a message, or a function call.
void write_item(Writer& w, const Reply& reply, bool complete) {
  w.begin_object();
  w.key("status").string(complete ? "completed" : "in_progress");
  if (reply.tool) {
    w.key("type").string("function_call").key("id").string(id_of("fc", reply));
    w.key("call_id").string(id_of("call", reply)).key("name").string(reply.tool->name);
    w.key("arguments").string(complete ? reply.text : "");
  } else {
    w.key("type").string("message").key("id").string(id_of("msg", reply));
    w.key("role").string("assistant").key("content").begin_array();
    if (complete) write_text_part(w, reply.text);
    w.end_array();
  }
  w.end_object();
}

void write_response(Writer& w, const Reply& reply, bool complete) {
  const bool cut = reply.finish_reason == "length";
  w.begin_object();
  w.key("id").string(id_of("resp", reply)).key("object").string("response");
  w.key("created_at").u64(reply.created).key("model").string(reply.model);
  w.key("status").string(!complete ? "in_progress" : cut ? "incomplete" : "completed");
  w.key("error").null().key("incomplete_details");
  if (complete && cut) {
    w.begin_object().key("reason").string("max_output_tokens").end_object();
  } else {
    w.null();
  }
  w.key("instructions").null().key("parallel_tool_calls").boolean(false);
  w.key("tools").begin_array().end_array().key("tool_choice").string("auto");
  w.key("metadata").begin_object().key("engine").string(kFingerprint).end_object();
  if (!reply.seed.empty()) w.key("seed").raw(reply.seed);
  w.key("output").begin_array();
  if (complete) write_item(w, reply, true);
  w.end_array();
  if (complete && reply.show_usage) write_response_counts(w, reply);
  w.end_object();
}

class ResponseEvents final : public EventRenderer {
 public:
  explicit ResponseEvents(const Reply& reply)
      : reply_(reply), item_(id_of(reply.tool ? "fc" : "msg", reply)) {}

  std::string opening() override {
    std::string out;
    event(out, "response.created", [&](Writer& w) {
      w.key("response");
      write_response(w, reply_, false);
    });
    event(out, "response.output_item.added", [&](Writer& w) {
      w.key("output_index").u64(0).key("item");
      write_item(w, reply_, false);
    });
    if (reply_.tool) return out;
    event(out, "response.content_part.added", [&](Writer& w) {
      place(w);
      w.key("part");
      write_text_part(w, "");
    });
    return out;
  }

  void piece(std::size_t i, std::string& out) override {
    const auto write_delta = [&](Writer& w) {
      place(w);
      w.key("delta").string(reply_.piece(i));
    };
    event(out,
          reply_.tool ? "response.function_call_arguments.delta" : "response.output_text.delta",
          write_delta);
  }

  std::string closing() override {
    std::string out;
    const auto write_all = [&](std::string_view name) {
      return [this, name](Writer& w) {
        place(w);
        w.key(name).string(reply_.text);
      };
    };
    if (reply_.tool) {
      event(out, "response.function_call_arguments.done", write_all("arguments"));
    } else {
      event(out, "response.output_text.done", write_all("text"));
      event(out, "response.content_part.done", [&](Writer& w) {
        place(w);
        w.key("part");
        write_text_part(w, reply_.text);
      });
    }
    event(out, "response.output_item.done", [&](Writer& w) {
      w.key("output_index").u64(0).key("item");
      write_item(w, reply_, true);
    });
    const bool cut = reply_.finish_reason == "length";
    event(out, cut ? "response.incomplete" : "response.completed", [&](Writer& w) {
      w.key("response");
      write_response(w, reply_, true);
    });
    return out;
  }

 private:
  void place(Writer& w) {
    w.key("item_id").string(item_).key("output_index").u64(0);
    if (!reply_.tool) w.key("content_index").u64(0);
  }

  template <class WriteMembers>
  void event(std::string& out, std::string_view type, WriteMembers write_members) {
    Writer w;
    w.begin_object().key("type").string(type).key("sequence_number").u64(sequence_++);
    write_members(w);
    w.end_object();
    out += fmt::format("event: {}\n", type);
    http::append_sse_data(out, w.text());
  }

  const Reply& reply_;
  std::string item_;
  std::uint64_t sequence_ = 0;
};

// --- Embeddings ---

/// Numbers in [-1, 1) that depend on `text` and nothing else (FNV-1a, then xorshift).
std::vector<float> embed(std::string_view text, std::uint64_t dimensions) {
  std::uint64_t state = 14695981039346656037u;
  for (const char c : text) state = (state ^ static_cast<unsigned char>(c)) * 1099511628211u;
  std::vector<float> out(dimensions);
  for (float& x : out) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    x = static_cast<float>(static_cast<std::int32_t>(state >> 32)) / 2147483648.0f;
  }
  return out;
}

}  // namespace

std::string render_whole(Endpoint endpoint, const Reply& reply) {
  if (endpoint == Endpoint::chat_completions) return render_chat(reply);
  if (endpoint == Endpoint::completions) return render_completion(reply);
  Writer w;
  write_response(w, reply, true);
  return w.take();
}

std::unique_ptr<EventRenderer> make_renderer(Endpoint endpoint, const Reply& reply,
                                             bool include_usage) {
  if (endpoint == Endpoint::chat_completions) {
    return std::make_unique<ChatEvents>(reply, include_usage);
  }
  if (endpoint == Endpoint::completions) return std::make_unique<TextEvents>(reply, include_usage);
  return std::make_unique<ResponseEvents>(reply);
}

std::string render_embeddings(const Request& request, const Reply& reply) {
  Writer w;
  w.begin_object().key("object").string("list").key("model").string(reply.model);
  w.key("data").begin_array();
  for (std::size_t i = 0; i < request.inputs.size(); ++i) {
    const std::vector<float> numbers = embed(request.inputs[i], request.dimensions);
    w.begin_object().key("object").string("embedding").key("index").u64(i).key("embedding");
    if (request.base64_embeddings) {
      Bytes raw(numbers.size() * sizeof(float));
      std::memcpy(raw.data(), numbers.data(), raw.size());
      w.string(to_base64(raw));
    } else {
      w.begin_array();
      for (const float x : numbers) w.raw(fmt::format("{}", x));
      w.end_array();
    }
    w.end_object();
  }
  w.end_array();
  if (reply.show_usage) {
    w.key("usage").begin_object().key("prompt_tokens").u64(reply.counts.prompt);
    w.key("total_tokens").u64(reply.counts.prompt).end_object();
  }
  w.end_object();
  return w.take();
}

std::string render_models(const std::vector<std::string>& models) {
  Writer w;
  w.begin_object().key("object").string("list").key("data").begin_array();
  for (const std::string& model : models) {
    w.begin_object().key("id").string(model).key("object").string("model");
    w.key("created").u64(0).key("owned_by").string(kFingerprint).end_object();
  }
  w.end_array().end_object();
  return w.take();
}

}  // namespace cocoon::demo
