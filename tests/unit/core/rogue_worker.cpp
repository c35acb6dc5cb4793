#include "unit/core/rogue_worker.h"

#include "crypto/hash.h"
#include "wire/evidence_parts.h"

namespace cocoon::core::test {

RogueWorker::RogueWorker(NodeIdentity self, Network& network, const Hash& leaf)
    : Rogue(std::move(self), wire::Role::worker, network.proxy().name()),
      network_(network),
      leaf_(leaf),
      keys_(identity.network, network.world.random, network.world.now) {}

void RogueWorker::introduce(wire::Hello& hello) {
  epoch_ = identity.epoch.value.encode();
  hello.epoch_record = epoch_;
  hello.epoch_signature = identity.epoch.signature;
}

void RogueWorker::on_admitted(Now) {
  challenge.emplace(session::ChallengeSetting{attest::EvidenceRole::worker, far.exporter,
                                              far.own_leaf_sha256, far.leaf_sha256},
                    network_.world.random.array<32>());
  if (asks) send(challenge->question());
}

void RogueWorker::on_challenge_message(const wire::Message& message) {
  if (const auto* question = std::get_if<wire::Challenge>(&message); question && answers) {
    EXPECT_TRUE(challenge->on_challenge(*question));
    batch_.add(1, *challenge->take_leaf());
    emit(MakeQuote{next_call(), *batch_.begin()});
  } else if (const auto* answer = std::get_if<wire::Answer>(&message)) {
    EXPECT_TRUE(challenge->on_answer(*answer));
  } else if (const auto* part = std::get_if<wire::Evidence>(&message)) {
    const auto quote = challenge->on_part(*part);
    ASSERT_TRUE(quote) << quote.error().detail();
    if (*quote) on_served();
  }
}

void RogueWorker::on_quote(CallId, Result<Bytes> quote, Now) {
  ASSERT_TRUE(quote) << quote.error().detail();
  if (!link) return;
  for (auto& [peer, answer] : batch_.finish(*quote)) {
    if (edit_answer) edit_answer(answer, *quote);
    send(answer);
    for (const auto& part : wire::split_evidence(answer.quote, *quote)) send(part);
  }
}

void RogueWorker::on_served() {
  if (!sends_record) return;
  send_record();
  send_status();
}

void RogueWorker::send_record() {
  wire::WorkerRecord record;
  record.network = identity.network;
  record.account = identity.account.account_id();
  record.boot_key = identity.boot.boot_key_id();
  record.evidence = EvidenceDigest{leaf_};
  record.sealing_key = keys_.public_key();
  record.not_before = keys_.not_before();
  record.not_after = keys_.not_after();
  record.capacity = 4;
  record.models = {"sim/model"};
  if (edit_record) edit_record(record);
  const auto bytes = wire::encode_worker_record(record);
  ASSERT_TRUE(bytes) << bytes.error().detail();
  const auto signature = identity.boot.sign(wire::worker_record_signing_bytes(*bytes));
  send(wire::SignedWorkerRecord{*bytes, signature});
}

void RogueWorker::send_status() {
  wire::WorkerStatus status;
  status.ready = true;
  status.free_slots = 4;
  send(status);
}

void RogueWorker::on_event(session::Event& event, Now now) {
  if (auto* opened = std::get_if<session::StreamOpened>(&event)) return on_open(opened->open, now);
  if (auto* control = std::get_if<session::Control>(&event)) {
    return on_challenge_message(control->message);
  }
  if (std::get_if<session::StreamReset>(&event)) ++cancelled;
  if (auto* data = std::get_if<session::StreamData>(&event)) {
    const auto at = jobs_.find(data->data.stream);
    if (at != jobs_.end()) {
      EXPECT_TRUE(at->second->opener.add_chunk(data->data.payload));
    }
  }
  if (auto* whole = std::get_if<session::StreamEnded>(&event)) {
    const auto at = jobs_.find(whole->end.stream);
    if (at == jobs_.end()) return;
    Job& job = *at->second;
    job.sealer.emplace(job.opener.answer(RunId{network_.world.random.array<16>()}));
    if (act) {
      act(job);
    } else {
      answer(job);
    }
  }
}

void RogueWorker::on_open(const wire::Open& open, Now now) {
  const session::OpenPolicy policy{identity.network, far.evidence->account};
  auto opener = session::open_request(open.header, open.wraps.front(), open.first_wrap, policy,
                                      keys_, replays_, now.unix);
  ASSERT_TRUE(opener) << opener.error().detail();
  jobs_[open.stream].reset(new Job{open.stream, std::move(*opener), std::nullopt, 0});
}

void RogueWorker::accept(Job& job) {
  link->send_accepted(job.stream, job.opener.candidate(), prompt_tokens);
  touch(1);
}

void RogueWorker::refuse(Job& job, const Error& error) {
  replays_.forget(job.opener.hash());
  link->reset(job.stream, error);
  touch(1);
}

void RogueWorker::say(Job& job, std::string_view text, const billing::TokenCounts& mark) {
  if (job.answer_bytes == 0) job.sealer->add_head({200, "text/event-stream"});
  EXPECT_EQ(job.sealer->add_body(as_bytes(text)), text.size());
  job.answer_bytes += text.size();
  Bytes chunk;
  job.sealer->flush(chunk);
  link->send_data(job.stream, chunk,
                  wire::UsageMark{mark.prompt, mark.cached, mark.completion, mark.reasoning});
  touch(1);
}

billing::SignedReceipt RogueWorker::sign(billing::Receipt receipt) {
  billing::ReceiptBatch batch;
  batch.add(std::move(receipt));
  return batch.finish(receipt_key ? *receipt_key : identity.boot).front();
}

billing::SignedReceipt RogueWorker::receipt(Job& job, const billing::TokenCounts& tokens) {
  billing::Receipt receipt;
  receipt.network = identity.network;
  receipt.request = job.opener.hash();
  receipt.run = job.sealer->run_id();
  receipt.proxy = far.evidence->account;
  receipt.worker = identity.account.account_id();
  receipt.outcome = billing::Outcome::done;
  receipt.tokens = tokens;
  receipt.registry_version = job.opener.header().registry_version;
  receipt.coefficient_e3 = 1000;
  receipt.evidence = EvidenceDigest{leaf_};
  receipt.time = network_.world.now.unix;
  receipt.request_commitment = job.sealer->commitments().request;
  receipt.answer_commitment = job.sealer->commitments().answer;
  if (edit_receipt) edit_receipt(receipt);
  const auto prices = network_.world.registry().prices;
  if (receipt.cost == Nano{0}) {
    receipt.cost = *billing::cost(receipt.tokens, receipt.coefficient_e3, prices);
  }
  return sign(std::move(receipt));
}

void RogueWorker::finish(Job& job, const billing::TokenCounts& tokens) {
  const Bytes bytes = receipt(job, tokens).encode();
  EXPECT_TRUE(job.sealer->add_receipt(bytes));
  Bytes chunk;
  job.sealer->flush(chunk);
  link->send_data(job.stream, chunk);
  wire::End end;
  end.stream = job.stream;
  end.receipt = bytes;
  link->send_end(end);
  touch(1);
}

void RogueWorker::answer(Job& job, std::string_view text, const billing::TokenCounts& tokens) {
  accept(job);
  say(job, text, tokens);
  finish(job, tokens);
}

RogueWorker& boot_rogue_worker(Network& network, Node& node,
                               const std::function<void(RogueWorker&)>& prepare) {
  RogueWorker* made = nullptr;
  node.play([&](NodeIdentity identity) {
    auto rogue =
        std::make_unique<RogueWorker>(std::move(identity), network, node.evidence()->digest.bytes);
    made = rogue.get();
    if (prepare) prepare(*rogue);
    rogue->connect();
    return rogue;
  });
  node.boot();
  return *made;
}

}  // namespace cocoon::core::test
