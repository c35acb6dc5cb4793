#pragma once
/// @file What a ledger's HTTP API (toncenter v2) is asked, and what its answers say. Pure. Every
/// answer comes from somebody who may lie: its form is checked here, what it claims is not.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/money.h"
#include "base/time.h"
#include "cocoon/result.h"
#include "ton/address.h"
#include "ton/cell.h"

namespace cocoon::ledger {

/// A request, without the endpoint that it goes to.
struct ApiQuery {
  std::string path;  ///< below the endpoint's URL, with its parameters
  std::string body;  ///< JSON of a POST; empty: a GET
};

/// The newest block of the masterchain. Answered by ChainHead.
ApiQuery ask_head();
/// A block of the masterchain. Answered by BlockReading.
ApiQuery ask_block(std::uint32_t seqno);
/// The state of an account after the newest block. Answered by AccountReading.
ApiQuery ask_account(const ton::Address& address);
/// Hands in an external message, a bag of cells. Answered by nothing that counts.
ApiQuery hand_in(ByteView message);

struct ChainHead {
  std::uint32_t seqno = 0;
  Hash root_hash{};
};

struct BlockReading {
  std::uint32_t seqno = 0;
  Hash root_hash{};
  UnixTime time{};
};

enum class AccountStatus : std::uint8_t {
  none,    ///< nothing is installed there; it may have money
  active,  ///< has code and data
  frozen   ///< out of money for too long; kept as a hash
};

struct AccountReading {
  AccountStatus status = AccountStatus::none;
  Nano balance;
  ton::CellRef code;          ///< null unless active
  ton::CellRef data;          ///< null unless active
  std::uint64_t last_lt = 0;  ///< logical time of its newest transaction; 0: none yet
  Hash last_hash{};           ///< of that transaction
  UnixTime time{};            ///< of the block, by the ledger's clock
};

/// The answers. @param status of HTTP
/// Errors: busy/ledger_busy (429); upstream/ledger_refused (the API itself says that it failed, in
/// its words, cut and without unprintable characters); upstream/ledger_answer_wrong (not an answer
/// to this question; names the field and what was expected).
Result<ChainHead> read_head(int status, std::string_view body);
/// Also upstream/ledger_answer_wrong where it is another block than `seqno`.
Result<BlockReading> read_block(int status, std::string_view body, std::uint32_t seqno);
Result<AccountReading> read_account(int status, std::string_view body);
Status read_handed_in(int status, std::string_view body);

}  // namespace cocoon::ledger
