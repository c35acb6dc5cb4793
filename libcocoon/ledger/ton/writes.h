#pragma once
/// @file The ledger port's writes as messages to contracts, and what their states say about them.
/// Pure.

#include <variant>

#include "ledger/ton/contract_views.h"
#include "ledger/ton/wallet_core.h"
#include "ports/ledger.h"

namespace cocoon::ledger {

using Write =
    std::variant<ports::OpenChannel, ports::TopUpChannel, ports::DeployProxy, ports::AddProxyStake,
                 ports::StartProxyWithdrawal, ports::FinishProxyWithdrawal, ports::PublishEpoch,
                 ports::RedeemVoucher, ports::PresentVoucher, ports::CashOutVoucher,
                 ports::StartChannelClose, ports::FinaliseChannel, ports::CloseChannelByAgreement,
                 ports::TakeProxyFees>;

/// The state of the one contract that a write is for; the others stay empty.
struct ContractView {
  std::optional<billing::ChannelState> channel;
  std::optional<billing::ProxyState> proxy;
  std::optional<billing::SignedEpoch> epoch;
};

/// A write by `self`, with what it is about.
class PlannedWrite {
 public:
  /// Errors: those of Builder::finish.
  /// @param registry whose terms a new contract gets, as the root shows it; null for what needs
  /// none (needs_registry)
  static Result<PlannedWrite> plan(const TonSite& site, const AccountId& self, Write write,
                                   const billing::Registry* registry);
  /// Of writes that the root carries out.
  static bool needs_registry(const Write& write);

  /// Whose state says what became of it.
  const ton::Address& contract() const { return contract_; }
  /// The message. @param first what was seen before it is sent. Errors: those of Builder::finish;
  /// too_large/amount_overflow.
  Result<WalletOrder> order(const ContractView& first) const;

  /// Errors: those of the views.
  Result<ContractView> view(const AccountReading& account) const;

  /// What is to be answered without sending anything: the contract would refuse it, or the same
  /// record stands there already. Nothing: send it.
  std::optional<ports::LedgerReply> before(const ContractView& seen, UnixTime now) const;
  /// What is to be answered once it was sent; nothing: its effect is not to be seen yet.
  /// @param first what was seen before it was sent
  std::optional<ports::LedgerReply> after(const ContractView& first, const ContractView& seen,
                                          UnixTime now) const;

 private:
  struct Maker;
  PlannedWrite(const TonSite& site, const AccountId& self, Write write)
      : site_(site), self_(self), write_(std::move(write)) {}

  /// Whether the contract would take it.
  Status allowed(const ContractView& seen, UnixTime now) const;
  bool is_a_goal() const;
  bool took_effect(const ContractView& first, const ContractView& seen) const;

  billing::ChannelTerms channel_terms(const ports::OpenChannel& open) const;
  std::optional<billing::ChannelMessage> channel_message(const ContractView& seen) const;
  std::optional<billing::ProxyMessage> proxy_message(const ContractView& seen) const;
  std::optional<ChannelId> channel() const;
  Result<ton::CellRef> body(const ContractView& first) const;
  Result<Nano> brings(const ContractView& first) const;

  TonSite site_;
  AccountId self_;
  Write write_;
  std::optional<billing::Registry> registry_;
  ton::Address contract_;
};

}  // namespace cocoon::ledger
