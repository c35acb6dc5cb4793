#include "unit/core/rogue_client.h"

namespace cocoon::core::test {
namespace {

constexpr std::uint64_t kForItself = 1;  ///< the question whose answer it takes its recipients from

}  // namespace

RogueClient::RogueClient(NodeIdentity self, Network& network, ChannelId its_channel)
    : Rogue(std::move(self), wire::Role::client, network.proxy().name()),
      channel(its_channel),
      network_(network),
      exporters_(identity.network) {}

void RogueClient::introduce(wire::Hello& hello) {
  hello.channel = channel;
  hello.max_streams = 0;
  hello.beside = beside;
  channel_signature_ = billing::sign_channel(
      {identity.network, channel, far.exporter, far.own_leaf_sha256}, identity.account);
  hello.channel_signature = channel_signature_;
}

void RogueClient::on_admitted(Now) {
  ask_candidates();
}

void RogueClient::ask_candidates() {
  wire::CandidatesRequest ask;
  ask.id = kForItself;
  ask.model = "sim/model";
  ask.count = limits::kMaxCandidates;
  send(ask);
}

void RogueClient::pay_at_most(std::uint32_t max_coefficient_e3) {
  wire::CandidatesRequest ask;
  ask.id = kForItself + 1;
  ask.model = "sim/model";
  ask.count = limits::kMaxCandidates;
  ask.max_coefficient_e3 = max_coefficient_e3;
  send(ask);
}

void RogueClient::on_event(session::Event& event, Now now) {
  auto* control = std::get_if<session::Control>(&event);
  auto* answer = control ? std::get_if<wire::Candidates>(&control->message) : nullptr;
  if (answer == nullptr || answer->id != kForItself) return;
  wire::CandidatesRequest asked;
  asked.model = "sim/model";
  asked.count = limits::kMaxCandidates;
  auto workers = routing::verify_candidates(*answer, asked, identity.network, far.boot_key, now);
  ASSERT_TRUE(workers) << workers.error().detail();
  recipients.clear();
  for (const auto& worker : *workers) {
    recipients.push_back({worker.record.sealing_key, worker.record.not_after});
  }
}

void RogueClient::send_voucher(Nano spent, Nano authorised,
                               const std::function<void(billing::SignedVoucher&)>& edit) {
  billing::Voucher value{identity.network, channel, spent, authorised,
                         identity.account.account_id()};
  billing::SignedVoucher voucher = billing::sign(std::move(value), identity.account);
  if (edit) edit(voucher);
  const Bytes bytes = voucher.value.encode();
  send(wire::Voucher{bytes, voucher.signature});
}

session::RequestHeader RogueClient::header() const {
  session::RequestHeader header;
  header.network = identity.network;
  header.proxy = far.evidence->account;
  header.endpoint = session::Endpoint::chat_completions;
  header.model = "sim/model";
  header.max_output_tokens = 64;
  header.prompt_bound_tokens = 2048;
  header.registry_version = network_.world.registry().version;
  header.max_coefficient_e3 = 1000;
  header.cost_cap = Nano{20 * (2048 + 64 * 8)};
  header.not_after = std::chrono::time_point_cast<Seconds>(network_.world.now.unix) + Seconds(300);
  return header;
}

std::string RogueClient::body(std::string_view user) {
  return R"({"model":"sim/model","stream":true,"max_tokens":64,"user":")" + std::string(user) +
         R"(","messages":[{"role":"user","content":"hi"}]})";
}

wire::StreamId RogueClient::request(const session::RequestHeader& header, std::string_view body) {
  auto sealed = session::seal_request(header, recipients, as_bytes(body), exporters_,
                                      network_.world.random, network_.world.now);
  if (!sealed) {
    ADD_FAILURE() << sealed.error().detail();
    return 0;
  }
  sealed_.emplace(std::move(*sealed));
  return send_sealed();
}

wire::StreamId RogueClient::repeat() {
  return send_sealed();
}

wire::StreamId RogueClient::send_sealed() {
  auto stream = link->open(sealed_->header(), sealed_->wraps(), 0, time_left_ms);
  if (!stream) {
    ADD_FAILURE() << stream.error().detail();
    return 0;
  }
  for (std::size_t i = 0; i < std::min(most_chunks, sealed_->chunk_count()); ++i) {
    EXPECT_TRUE(link->send_data(*stream, sealed_->chunk(i)));
  }
  touch(1);
  if (most_chunks < sealed_->chunk_count()) return *stream;
  wire::End end;
  end.stream = *stream;
  link->send_end(end);
  return *stream;
}

RogueClient& boot_rogue_client(Network& network, Node& node,
                               const std::function<void(RogueClient&)>& prepare) {
  const auto channels = network.world.ledger->channels();
  ChannelId channel;
  for (const auto& state : *channels) {
    if (state.terms.client == node.account()) channel = state.id();
  }
  RogueClient* made = nullptr;
  node.play([&](NodeIdentity identity) {
    auto rogue = std::make_unique<RogueClient>(std::move(identity), network, channel);
    made = rogue.get();
    if (prepare) prepare(*rogue);
    rogue->connect();
    return rogue;
  });
  node.boot();
  return *made;
}

}  // namespace cocoon::core::test
