#pragma once
/// @file One message of every type with every field set, for tests of the codec.

#include <vector>

#include "base/bytes.h"
#include "wire/messages.h"

namespace cocoon::test {

template <std::size_t N>
constexpr ByteArray<N> filled(std::uint8_t value) {
  ByteArray<N> out{};
  for (auto& byte : out) byte = value++;
  return out;
}

/// Storage for the views of samples().
inline const ByteArray<64> kSignature = filled<64>(0x40);
inline const ByteArray<112> kWrap = filled<112>(0x10);
inline const ByteArray<120> kStatement = filled<120>(0x20);

inline wire::SignedWorkerRecord sample_record() {
  return {.record = kStatement, .signature = kSignature};
}

inline std::vector<wire::Message> samples() {
  using namespace wire;
  return {
      Hello{.lowest_version = 1,
            .highest_version = 300,
            .role = Role::client,
            .network = {filled<16>(1)},
            .account = {filled<32>(2)},
            .epoch_record = kStatement,
            .epoch_signature = kSignature,
            .channel = ChannelId{filled<32>(3)},
            .channel_signature = kSignature,
            .software = "libcocoon/0.1.0",
            .max_streams = 100,
            .beside = true},
      Hello{.role = Role::worker},
      HelloAck{.version = 1,
               .role = Role::proxy,
               .network = {filled<16>(1)},
               .account = {filled<32>(2)},
               .epoch_record = kStatement,
               .epoch_signature = kSignature,
               .registry_version = 1u << 20,
               .software = "libcocoon/0.1.0",
               .max_streams = 4096},
      Ping{UINT64_MAX},
      Pong{7},
      GoAway{.reason = "shutting_down", .detail = "The node restarts."},
      GoAway{.reason = "bad_frame", .detail = "a frame.", .fatal = true, .kind = 11},
      Open{.stream = 1,
           .header = kStatement,
           .wraps = {kWrap, kWrap},
           .first_wrap = 1,
           .time_left_ms = 600000},
      Data{.stream = 3, .payload = kStatement},
      Data{.stream = UINT32_MAX,
           .payload = kStatement,
           .mark = UsageMark{.prompt = 1, .cached = 2, .completion = UINT64_MAX, .reasoning = 4}},
      End{.stream = 5, .receipt = kStatement, .cost = Nano{6}, .charged_total = kMaxNano},
      End{.stream = 5},
      Reset{.stream = 2,
            .kind = 5,
            .code = "no_capacity",
            .detail = "all workers are busy.",
            .retry_after_ms = 1000,
            .cost = Nano{1},
            .charged_total = Nano{2}},
      Credit{.stream = 0, .bytes = 512 * 1024},
      Credit{.stream = 9, .bytes = 1},
      Accepted{.stream = 11, .candidate = 2, .prompt_tokens = 300},
      sample_record(),
      WorkerStatus{.ready = true, .free_slots = 12, .reason = "loading"},
      CandidatesRequest{.id = 5,
                        .model = "llama@1",
                        .seed = filled<16>(9),
                        .count = 2,
                        .preferred = AccountId{filled<32>(8)},
                        .max_coefficient_e3 = 1500,
                        .preference = Preference::fastest},
      CandidatesRequest{.id = 5, .model = "llama@1", .count = 1},
      Candidates{.id = 5,
                 .model = "llama@1",
                 .root = filled<32>(4),
                 .leaves = 3,
                 .root_time = unix_seconds(1'700'000'000),
                 .root_signature = kSignature,
                 .retry_after_ms = 1,
                 .workers = {{.record = sample_record(),
                              .inclusion = {.index = 2, .path = {filled<32>(1)}}},
                             {.record = sample_record(), .inclusion = {.index = 0, .path = {}}}}},
      Candidates{.id = 0, .model = "m", .retry_after_ms = 2500},
      EvidenceRequest{{filled<32>(6)}},
      Evidence{.digest = {filled<32>(6)}, .total = 1000, .offset = 880, .part = kStatement},
      Evidence{.digest = {filled<32>(6)}},
      Voucher{.voucher = kStatement, .signature = kSignature},
      UsageStatement{.statement = kStatement,
                     .signature = kSignature,
                     .voucher = kStatement,
                     .voucher_signature = kSignature},
      UsageStatement{.statement = kStatement, .signature = kSignature},
      Payout{.voucher = kStatement, .signature = kSignature},
      Payout{.voucher = kStatement,
             .signature = kSignature,
             .rating = {.requests = 16,
                        .success_e4 = 9876,
                        .first_token_ms = 310,
                        .tokens_per_second = 62}},
      ChannelState{.channel = {filled<32>(7)},
                   .open = true,
                   .deposit = Nano{1'000'000'000},
                   .charged_total = Nano{5}},
      Settlement{.request = {filled<32>(5)},
                 .cost = Nano{1234},
                 .receipt = kStatement,
                 .charged_total = Nano{5678}},
      Settlement{.request = {filled<32>(5)}},
      Challenge{.nonce = filled<32>(9)},
      Answer{.root = filled<32>(4),
             .leaves = 3,
             .inclusion = {.index = 2, .path = {filled<32>(1)}},
             .quote = {filled<32>(6)}},
      Answer{.root = filled<32>(4), .leaves = 1, .quote = {filled<32>(6)}},
      ModelsRequest{77},
      Models{.id = 77,
             .models = {{.id = "llama@1",
                         .workers = 3,
                         .capacity = 90,
                         .free_slots = 12,
                         .lowest_coefficient_e3 = 900},
                        {.id = "qwen@2"}}},
  };
}

}  // namespace cocoon::test
