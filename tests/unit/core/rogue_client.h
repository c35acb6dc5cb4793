#pragma once
/// @file A client that says and sends what its test wants.

#include "billing/voucher.h"
#include "routing/candidates.h"
#include "session/sealed_request.h"
#include "unit/core/network.h"
#include "unit/core/rogue.h"

namespace cocoon::core::test {

class RogueClient final : public Rogue {
 public:
  RogueClient(NodeIdentity identity, Network& network, ChannelId channel);

  ChannelId channel;
  /// The workers that the proxy offered, as recipients.
  std::vector<session::Recipient> recipients;

  bool beside = false;  ///< its hello's
  std::uint32_t time_left_ms = 60'000;
  /// How much of each body it sends; all of them: with its end.
  std::size_t most_chunks = SIZE_MAX;

  void ask_candidates();
  /// Asks for others that are not dearer, and keeps to the recipients that it has.
  void pay_at_most(std::uint32_t max_coefficient_e3);
  /// A voucher for its channel; the last word on it and on its signer.
  void send_voucher(Nano spent, Nano authorised,
                    const std::function<void(billing::SignedVoucher&)>& edit = nullptr);

  /// A request that an honest client might make.
  session::RequestHeader header() const;
  /// Seals `body` under `header` and sends it. @return the stream
  wire::StreamId request(const session::RequestHeader& header, std::string_view body);
  wire::StreamId request() { return request(header(), body()); }
  /// The body that fits header().
  static std::string body(std::string_view user = "rogue");
  /// The same bytes again, on a stream of its own.
  wire::StreamId repeat();

 private:
  void introduce(wire::Hello& hello) override;
  void on_admitted(Now now) override;
  void on_event(session::Event& event, Now now) override;
  wire::StreamId send_sealed();

  Network& network_;
  crypto::Signature channel_signature_{};
  session::ExporterCache exporters_;
  std::optional<session::SealedRequest> sealed_;
};

/// Makes `node` one, and boots it. `prepare` comes before it connects.
RogueClient& boot_rogue_client(Network& network, Node& node,
                               const std::function<void(RogueClient&)>& prepare = nullptr);

}  // namespace cocoon::core::test
