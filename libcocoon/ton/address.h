#pragma once
/// @file Addresses of accounts: as text, and as TL-B `MsgAddress`.

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "ton/builder.h"
#include "ton/slice.h"

namespace cocoon::ton {

inline constexpr std::int32_t kMasterchain = -1;
inline constexpr std::int32_t kBasechain = 0;

/// An account: a workchain and the hash of the account's first code and data (`addr_std`).
struct Address {
  std::int32_t workchain = kBasechain;
  Hash hash{};
  friend auto operator<=>(const Address&, const Address&) = default;
};

/// "0:" and 64 lower-case digits.
std::string to_raw(const Address& address);

/// What the friendly form of an address adds to it.
struct FriendlyFlags {
  /// Whether a message to it should come back where it fails.
  bool bounceable = true;
  /// Whether it is meant for test networks only.
  bool testnet = false;
  friend bool operator==(const FriendlyFlags&, const FriendlyFlags&) = default;
};
enum class AddressAlphabet : std::uint8_t { url, standard };

/// The 48 characters that wallets show. @pre the workchain is one of -128 to 127
std::string to_friendly(const Address& address, FriendlyFlags flags = {},
                        AddressAlphabet alphabet = AddressAlphabet::url);

struct ParsedAddress {
  Address address;
  std::optional<FriendlyFlags> flags;  ///< where it was in the friendly form
};

/// Reads the raw form, or the friendly form in either alphabet (not in a mixture), and nothing
/// else. Errors: invalid_argument/address_invalid, with what is wrong.
Result<ParsedAddress> parse_address(std::string_view text);

/// TL-B `addr_none`.
struct NoAddress {
  friend bool operator==(NoAddress, NoAddress) { return true; }
};
/// TL-B `addr_extern`: something outside of TON; up to 511 bits.
struct ExternAddress {
  BitString bits;
  friend bool operator==(const ExternAddress&, const ExternAddress&) = default;
};
/// TL-B `addr_var`: an account of a workchain with other address sizes; up to 511 bits.
struct VarAddress {
  std::int32_t workchain = 0;
  BitString bits;
  friend bool operator==(const VarAddress&, const VarAddress&) = default;
};
using MsgAddress = std::variant<NoAddress, ExternAddress, Address, VarAddress>;

/// A workchain that does not fit eight bits makes the builder fail.
void store_address(Builder& out, const Address& address);
void store_address(Builder& out, const MsgAddress& address);
/// Any address. An anycast address makes the slice fail: no valid message has carried one since
/// global version 10 of the network.
MsgAddress load_msg_address(Slice& in);
/// An `addr_std`; any other makes the slice fail.
Address load_address(Slice& in);

}  // namespace cocoon::ton
