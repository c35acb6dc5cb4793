#pragma once
/// @file A node's wallet as a state machine: messages to send in, signed transfers and what became
/// of them out. Pure.
///
/// Why nothing is paid twice, whatever an API says. The wallet's contract carries out one transfer
/// for each number (seqno) and refuses all others of that number. A message is put into a transfer
/// of one number, and from then on:
///  * while the API shows that number, it is sent again, or signed anew (with a new end of
///  validity,
///    the same messages) under the same number: the contract takes one of them, or none;
///  * once the API shows a higher number, it counts as carried and is never signed again. Where
///  that
///    was a lie the message may be lost, which its sender notices by its effect;
///  * where the API shows a lower number for longer than a lag, an earlier answer was a lie: once
///    every transfer that was ever signed has ended by this machine's own clock, with a margin for
///    it to be wrong, the message is given up as not sent.
/// So no message is ever in transfers of two numbers.

#include <cstdint>
#include <deque>
#include <optional>
#include <variant>
#include <vector>

#include "base/time.h"
#include "crypto/ed25519.h"
#include "ledger/ton/toncenter_codec.h"
#include "ton/message.h"
#include "ton/wallet.h"

namespace cocoon::ledger {

/// A message that the wallet is to send.
struct WalletOrder {
  ton::Address to;
  Nano value;
  ton::CellRef body = ton::Cell::empty();
  std::optional<ton::StateInit> init;
  /// Whether a failure at its destination, or that nothing is installed there, sends it back.
  bool bounce = true;
  /// The one number under which it may be sent; none: any. An order that is given twice with the
  /// same number is carried out once at most.
  std::optional<std::uint32_t> number;
};

/// What an API shows of the wallet.
struct WalletReading {
  bool deployed = false;
  std::uint32_t seqno = 0;
  Nano balance;
  UnixTime time{};  ///< by the ledger's clock
};

/// Reads the v5r1 wallet of `owner`. One that is not deployed yet has number 0.
/// Errors: upstream/wallet_wrong where there is something else at its address;
/// upstream/wallet_frozen.
Result<WalletReading> read_wallet(const AccountReading& account, const AccountId& owner);

class WalletCore {
 public:
  using OrderId = std::uint64_t;

  /// Give these bytes to the network.
  struct HandIn {
    Bytes message;
  };
  /// The wallet is past the transfer with this order, or the API says so.
  struct Carried {
    OrderId order = 0;
  };
  /// The order was not carried out and will not be: payment/wallet_empty, timeout/ledger_timeout,
  /// invalid_argument/transfer_number (the wallet is not at the order's number), invalid_argument
  /// (its cells do not fit).
  struct Refused {
    OrderId order = 0;
    Error error;
  };
  using Action = std::variant<HandIn, Carried, Refused>;

  WalletCore(crypto::SigningKey key, ton::WalletNetwork network);

  /// Orders are sent in the order in which they come, up to limits::kMaxTonBatch in one transfer.
  /// @param id of the caller's, higher than any before
  /// Errors: busy/ledger_queue_full.
  Status submit(OrderId id, WalletOrder order, Now now);

  /// Everything follows from what is read: read while !idle().
  void on_reading(const WalletReading& reading, Now now);
  /// Gives up orders that wait unsigned for longer than limits::kTonEffectPatience.
  void on_time(Now now);

  std::vector<Action> take_actions() { return std::exchange(actions_, {}); }
  /// Nothing waits and nothing is under way.
  bool idle() const { return queue_.empty() && !transfer_; }

 private:
  struct Waiting {
    OrderId id = 0;
    WalletOrder order;
    MonoTime since{};
  };
  /// The transfer under way. Its messages and its number stay as they are until it is resolved.
  struct Transfer {
    std::vector<Waiting> orders;
    std::uint32_t seqno = 0;
    std::uint32_t valid_until = 0;
    Bytes message;
    MonoTime handed_in{};
  };

  void on_transfer_reading(const WalletReading& reading, Now now);
  void start_transfer(const WalletReading& reading, Now now);
  void refuse_other_numbers(std::uint32_t seqno);
  std::vector<Waiting> take_affordable(Nano balance);
  void refuse_unaffordable(Nano balance, Now now);
  /// Signs the transfer for the time of `reading`, and hands it in.
  Status sign(Transfer& transfer, const WalletReading& reading, Now now);
  void hand_in(Transfer& transfer, Now now);
  /// Whether no transfer that was ever signed can still be carried out.
  bool all_ended(Now now) const;

  crypto::SigningKey key_;
  ton::WalletId wallet_;
  ton::StateInit init_;
  ton::Address address_;
  std::deque<Waiting> queue_;
  std::optional<Transfer> transfer_;
  std::uint32_t lowest_seqno_ =
      0;  ///< what was seen; a lower number is an old answer or followed a lie
  std::uint32_t last_valid_until_ = 0;  ///< the latest of all that was signed
  std::optional<MonoTime>
      short_since_;  ///< since when the balance does not reach for the first order
  std::vector<Action> actions_;
};

}  // namespace cocoon::ledger
