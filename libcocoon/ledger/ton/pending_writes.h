#pragma once
/// @file Writes under way: from the first look at a contract to what its state says afterwards.

#include <map>
#include <memory>

#include "cocoon/callback.h"
#include "io/timer.h"
#include "io/turn.h"
#include "ledger/ton/wallet.h"
#include "ledger/ton/writes.h"

namespace cocoon::ledger {

/// Loop thread only.
class PendingWrites {
 public:
  using Done = Callback<void(Result<ports::LedgerReply>)>;

  /// @param toncenter, wallet outlive this
  /// @param poll between two looks at a contract from which an effect is expected
  PendingWrites(const io::Context& context, Toncenter& toncenter, Wallet& wallet, Millis poll);

  /// `done` follows on the loop, never inside the call; it may destroy this. Confirmed or Bounced
  /// by what the contract's state shows; Errors: those of Toncenter and of the views,
  /// timeout/ledger_timeout: nobody knows whether it will still take effect.
  void start(PlannedWrite write, Done done);

 private:
  struct Pending {
    std::shared_ptr<const PlannedWrite> write;  ///< with the thread that reads answers
    Done done;
    std::optional<ContractView> first;  ///< from the first look on
    MonoTime until = kNever;            ///< from when it was sent on
    MonoTime next_look = kNever;
  };
  struct Look {
    ContractView view;
    UnixTime time{};  ///< by the ledger's clock
  };
  using Id = std::uint64_t;

  void look(Id id);
  void looked(Id id, Result<Look> seen);
  void send(Id id);
  void sent(Id id, Status how);
  void look_again();
  void schedule();
  /// The callback may destroy this.
  void finish(Id id, Result<ports::LedgerReply> reply);

  Toncenter& toncenter_;
  Wallet& wallet_;
  Millis poll_;
  io::Timer timer_;
  std::map<Id, Pending> pending_;
  Id last_ = 0;
};

}  // namespace cocoon::ledger
