#pragma once
/// @file Test support: a GatewayCore whose owner is the test.

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "gateway/gateway_core.h"

namespace cocoon::gateway {

class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& b : out) b = static_cast<std::uint8_t>(engine_());
  }

 private:
  std::mt19937_64 engine_;
};

inline constexpr std::string_view kChat =
    R"({"model":"m","messages":[{"role":"user","content":"hi"}]})";
inline constexpr std::string_view kStreamedChat =
    R"({"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]})";

/// A POST of `body` with the headers that every honest caller sends.
inline std::string post(std::string_view path, std::string_view body,
                        std::string_view more_headers = {}) {
  std::string out = "POST " + std::string(path) + " HTTP/1.1\r\nHost: localhost:10000\r\n";
  out += "Content-Type: application/json\r\n";
  out += more_headers;
  out += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  out += body;
  return out;
}
inline std::string get(std::string_view path, std::string_view more_headers = {}) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost:10000\r\n" +
         std::string(more_headers) + "\r\n";
}

/// Plays the owner: collects effects by type, and what each connection was sent.
class TestGateway {
 public:
  explicit TestGateway(AccessRules access = {}, std::size_t max_request_bytes = 64 * 1024)
      : core({std::move(access), max_request_bytes}, random_) {}

  ConnectionId open() {
    core.on_accept(++last_, now());
    drain_effects();
    return last_;
  }
  void send(ConnectionId connection, std::string_view bytes) {
    core.on_bytes(connection, bytes, now());
    drain_effects();
  }
  void hang_up(ConnectionId connection) {
    core.on_closed(connection, now());
    drain_effects();
  }
  void press(ConnectionId connection, bool high) {
    core.on_pressure(connection, high, now());
    drain_effects();
  }
  void head(RequestId request, std::string_view type = "application/json", int status = 200) {
    core.on_answer_head(request, AnswerHead{status, type});
  }
  void bytes(RequestId request, std::string_view bytes) {
    core.on_answer_bytes(request, bytes, now());
    drain_effects();
  }
  void done(RequestId request, RequestOutcome outcome = {}) {
    core.on_answer_done(request, outcome, now());
    drain_effects();
  }
  void fail(RequestId request, ErrorKind kind, std::string_view code = "some_code") {
    RequestOutcome outcome;
    outcome.status = Error(kind, code, "What went wrong.");
    done(request, std::move(outcome));
  }
  /// Lets time pass, with all deadlines on the way.
  void pass(Seconds time) {
    const MonoTime end = now_.mono + time;
    while (core.next_deadline() <= end) {
      now_.mono = core.next_deadline();
      core.on_time(now());
      drain_effects();
    }
    now_.mono = end;
  }

  /// What the caller has received since the last call.
  std::string received(ConnectionId connection) { return std::exchange(received_[connection], {}); }
  bool closed(ConnectionId connection) const { return closed_.count(connection) != 0; }
  /// The submission that is waiting for its answer. Fails the test where there is not exactly one.
  Submit submitted() {
    EXPECT_EQ(submits.size(), 1u);
    if (submits.empty()) return {};
    Submit first = std::move(submits.front());
    submits.erase(submits.begin());
    return first;
  }

  Now now() const { return now_; }

  std::vector<Submit> submits;
  std::vector<RequestId> cancels;
  std::vector<Pause> pauses;
  std::vector<RequestId> model_questions;
  std::vector<AskPage> pages;
  std::vector<PauseReading> reading;
  std::vector<Answered> answered;
  std::map<ConnectionId, bool> closed_;  // value: aborted

 private:
  void drain_effects() {
    for (Effect& effect : core.take_effects()) {
      if (auto* e = std::get_if<Submit>(&effect)) submits.push_back(std::move(*e));
      if (auto* e = std::get_if<Cancel>(&effect)) cancels.push_back(e->request);
      if (auto* e = std::get_if<Pause>(&effect)) pauses.push_back(*e);
      if (auto* e = std::get_if<AskModels>(&effect)) model_questions.push_back(e->request);
      if (auto* e = std::get_if<AskPage>(&effect)) pages.push_back(*e);
      if (auto* e = std::get_if<PauseReading>(&effect)) reading.push_back(*e);
      if (auto* e = std::get_if<Answered>(&effect)) answered.push_back(*e);
      if (auto* e = std::get_if<Close>(&effect)) {
        EXPECT_FALSE(closed_.count(e->connection)) << "closed twice";
        if (!e->abort) received_[e->connection] += e->last;
        closed_[e->connection] = e->abort;
      }
    }
    for (const ConnectionId id : core.take_writable()) {
      if (std::string* output = core.output(id)) {
        received_[id] += *output;
        output->clear();
      }
    }
  }

  SeededRandom random_{1};
  Now now_{MonoTime(Seconds(100)), UnixTime(Seconds(1'700'000'000))};
  ConnectionId last_ = 0;
  std::map<ConnectionId, std::string> received_;

 public:
  GatewayCore core;
};

/// A response taken apart. Fails the test where `bytes` is not exactly one.
struct Response {
  int status = 0;
  std::map<std::string, std::string> headers;
  std::string body;  // chunks joined
  std::vector<std::string> chunks;
  bool complete = false;  // the last chunk, or all of Content-Length, is there

  explicit Response(std::string_view bytes) {
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos || !bytes.starts_with("HTTP/1.1 ")) {
      ADD_FAILURE() << "no response head in: " << bytes;
      return;
    }
    status = std::stoi(std::string(bytes.substr(9, 3)));
    std::string_view head = bytes.substr(0, end + 2);
    head.remove_prefix(head.find("\r\n") + 2);
    while (!head.empty()) {
      const std::string_view line = head.substr(0, head.find("\r\n"));
      head.remove_prefix(line.size() + 2);
      headers[std::string(line.substr(0, line.find(':')))] =
          std::string(line.substr(line.find(':') + 2));
    }
    read_body(bytes.substr(end + 4));
  }
  std::string header(const std::string& name) const {
    const auto at = headers.find(name);
    return at == headers.end() ? "(absent)" : at->second;
  }
  bool has(std::string_view text) const { return body.find(text) != std::string::npos; }

 private:
  void read_body(std::string_view rest) {
    if (headers.count("Transfer-Encoding") == 0) {
      body = rest;
      const std::string length = header("Content-Length");
      complete = length != "(absent)" && body.size() == std::stoul(length);
      EXPECT_TRUE(complete || status == 204) << "length " << length << " of: " << body;
      return;
    }
    while (!rest.empty()) {
      const std::size_t size = std::stoul(std::string(rest), nullptr, 16);
      rest.remove_prefix(rest.find("\r\n") + 2);
      if (size == 0) {
        complete = rest == "\r\n";
        EXPECT_TRUE(complete) << "behind the last chunk: " << rest;
        return;
      }
      chunks.emplace_back(rest.substr(0, size));
      body += chunks.back();
      rest.remove_prefix(size + 2);
    }
  }
};

}  // namespace cocoon::gateway
