#pragma once
/// @file A worker that answers, reports and signs as its test wants. Without a word from the test
/// it is honest.

#include "billing/receipt.h"
#include "session/answer_batch.h"
#include "session/challenge.h"
#include "session/sealed_request.h"
#include "unit/core/network.h"
#include "unit/core/rogue.h"
#include "wire/records.h"

namespace cocoon::core::test {

class RogueWorker final : public Rogue {
 public:
  /// A request that has come whole.
  struct Job {
    wire::StreamId stream = 0;
    session::RequestOpener opener;
    std::optional<session::AnswerSealer> sealer;
    std::uint64_t answer_bytes = 0;
  };

  RogueWorker(NodeIdentity identity, Network& network, const Hash& leaf);

  /// Whether it challenges the proxy, and answers; and the last word on its answer.
  bool asks = true;
  bool answers = true;
  std::function<void(wire::Answer&, Bytes& quote)> edit_answer;
  /// The last word on its record, on what reports follow, on receipts and on who signs them.
  std::function<void(wire::WorkerRecord&)> edit_record;
  bool sends_record = true;
  std::function<void(billing::Receipt&)> edit_receipt;
  const crypto::SigningKey* receipt_key = nullptr;
  /// What it does with a request; empty: answer().
  std::function<void(Job&)> act;
  /// What it says of the prompt as it accepts.
  std::uint64_t prompt_tokens = 0;
  /// Whether the proxy gave a request up.
  unsigned cancelled = 0;

  /// What it owes to begin with. Honest ones send nothing else before the proxy's answer.
  std::optional<session::Challenge> challenge;

  void send_record();
  void send_status();
  void on_quote(CallId call, Result<Bytes> quote, Now now) override;
  /// Accepts, says `text`, signs and ends.
  void answer(Job& job, std::string_view text = "data: {}\n\n",
              const billing::TokenCounts& tokens = {7, 0, 8, 0});
  void accept(Job& job);
  /// Resets its stream; the same bytes may come again.
  void refuse(Job& job, const Error& error);
  /// One chunk with `text`, and a mark.
  void say(Job& job, std::string_view text, const billing::TokenCounts& mark);
  /// The receipt, sealed as the last chunk; then `end` with it.
  void finish(Job& job, const billing::TokenCounts& tokens);
  /// What finish() signs.
  billing::SignedReceipt receipt(Job& job, const billing::TokenCounts& tokens);
  billing::SignedReceipt sign(billing::Receipt receipt);
  Job& job(std::size_t n) {
    return *std::next(jobs_.begin(), static_cast<std::ptrdiff_t>(n))->second;
  }
  std::size_t jobs() const { return jobs_.size(); }

 private:
  void introduce(wire::Hello& hello) override;
  void on_admitted(Now now) override;
  void on_event(session::Event& event, Now now) override;
  void on_open(const wire::Open& open, Now now);
  void on_challenge_message(const wire::Message& message);
  void on_served();

  session::AnswerBatch batch_;
  Network& network_;
  Hash leaf_;
  Bytes epoch_;
  session::SealingKeys keys_;
  session::ReplayTable replays_;
  std::map<wire::StreamId, std::unique_ptr<Job>> jobs_;
};

/// Makes `node` one that is honest so far, and boots it. `prepare` comes before it connects.
RogueWorker& boot_rogue_worker(Network& network, Node& node,
                               const std::function<void(RogueWorker&)>& prepare = nullptr);

}  // namespace cocoon::core::test
