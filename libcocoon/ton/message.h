#pragma once
/// @file Messages and what deploys a contract (TL-B `Message`, `StateInit`).

#include <optional>
#include <variant>

#include "ton/address.h"

namespace cocoon::ton {

/// TL-B `StateInit`: the first code and data of a contract. Its hash is the contract's address.
struct StateInit {
  std::optional<std::uint8_t> fixed_prefix_length;  ///< 0 to 31
  struct TickTock {
    bool tick = false;
    bool tock = false;
    friend bool operator==(TickTock, TickTock) = default;
  };
  std::optional<TickTock> special;
  std::optional<CellRef> code;
  std::optional<CellRef> data;
  std::optional<CellRef> libraries;  ///< a dictionary
};
void store_state_init(Builder& out, const StateInit& init);
StateInit load_state_init(Slice& in);
/// Errors: those of Builder::finish.
Result<CellRef> to_cell(const StateInit& init);
/// Where a contract that starts with `init` lives.
/// Errors: as to_cell().
Result<Address> address_of(const StateInit& init, std::int32_t workchain = kBasechain);

/// TL-B `int_msg_info`: from one contract to another.
struct InternalInfo {
  bool ihr_disabled = true;
  bool bounce = true;
  bool bounced = false;
  MsgAddress source = NoAddress{};  ///< none before the validators fill it in
  Address destination;
  Nano value;
  std::optional<CellRef> extra_currencies;  ///< a dictionary
  Nano ihr_fee;
  Nano forward_fee;
  std::uint64_t created_lt = 0;
  std::uint32_t created_at = 0;
};
/// TL-B `ext_in_msg_info`: from outside to a contract.
struct ExternalInInfo {
  MsgAddress source = NoAddress{};
  Address destination;
  Nano import_fee;
};
/// TL-B `ext_out_msg_info`: from a contract to the world.
struct ExternalOutInfo {
  MsgAddress source = NoAddress{};
  MsgAddress destination = NoAddress{};
  std::uint64_t created_lt = 0;
  std::uint32_t created_at = 0;
};

struct Message {
  std::variant<InternalInfo, ExternalInInfo, ExternalOutInfo> info;
  std::optional<StateInit> init;
  CellRef body = Cell::empty();
};

/// The cell of `message`. State and body stand in it where they fit, else behind a reference, as
/// @ton/core places them.
/// Errors: those of Builder::finish.
Result<CellRef> to_cell(const Message& message);
/// Reads a message from either placement.
/// Errors: invalid_argument/cell_unreadable.
Result<Message> parse_message(const CellRef& cell);

}  // namespace cocoon::ton
