#include "ton/address.h"

#include <charconv>

#include "ton/checksums.h"

namespace cocoon::ton {
namespace {

// The text forms stand in the documentation of TON ("Smart contract addresses").
constexpr std::uint8_t kBounceable = 0x11;
constexpr std::uint8_t kNonBounceable = 0x51;
constexpr std::uint8_t kTestnet = 0x80;
constexpr std::size_t kFriendlyBytes = 36;
constexpr std::size_t kFriendlyCharacters = 48;
constexpr std::size_t kHashDigits = 64;
constexpr unsigned kLengthBits = 9;

constexpr std::string_view kUrl =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kStandard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kHexDigits = "0123456789abcdef";

Error invalid(std::string detail) {
  return Error(ErrorKind::invalid_argument, "address_invalid", std::move(detail));
}

/// The bytes that 48 characters of `alphabet` spell.
std::optional<ByteArray<kFriendlyBytes>> decode(std::string_view text, std::string_view alphabet) {
  ByteArray<kFriendlyBytes> out{};
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t digit = alphabet.find(text[i]);
    if (digit == std::string_view::npos) return std::nullopt;
    write_bits(out.data(), 6 * i, digit, 6);
  }
  return out;
}

Result<ParsedAddress> parse_friendly(std::string_view text) {
  auto bytes = decode(text, kUrl);
  if (!bytes) bytes = decode(text, kStandard);
  if (!bytes) return invalid("The address has characters that its alphabet lacks.");
  ByteReader in(*bytes);
  const std::uint8_t tag = in.u8();
  const auto workchain = static_cast<std::int8_t>(in.u8());
  ParsedAddress out{.address = {.workchain = workchain, .hash = in.array<32>()}, .flags = {}};
  if (in.u16be() != crc16(ByteView(*bytes).first(kFriendlyBytes - 2))) {
    return invalid("The checksum of the address is wrong: a character was changed.");
  }
  const auto kind = static_cast<std::uint8_t>(tag & ~kTestnet);
  if (kind != kBounceable && kind != kNonBounceable) {
    return invalid("The address has the unknown tag " + std::to_string(tag) + ".");
  }
  out.flags = {.bounceable = kind == kBounceable, .testnet = (tag & kTestnet) != 0};
  return out;
}

Result<ParsedAddress> parse_raw(std::string_view workchain, std::string_view digits) {
  ParsedAddress out;
  std::int32_t& number = out.address.workchain;
  const auto [end, error] =
      std::from_chars(workchain.data(), workchain.data() + workchain.size(), number);
  // One spelling only: "-0", "00" and "+1" are refused.
  if (error != std::errc() || end != workchain.data() + workchain.size() ||
      std::to_string(number) != workchain) {
    return invalid("The workchain before the colon is not a number of 32 bits.");
  }
  if (digits.size() != kHashDigits) {
    return invalid("The address has " + std::to_string(digits.size()) +
                   " characters after the colon instead of 64.");
  }
  for (std::size_t i = 0; i < kHashDigits; ++i) {
    const char c = digits[i];
    const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    const std::size_t digit = kHexDigits.find(lower);
    if (digit == std::string_view::npos) {
      return invalid("Character " + std::to_string(i) +
                     " after the colon of the address is not hexadecimal.");
    }
    write_bits(out.address.hash.data(), 4 * i, digit, 4);
  }
  return out;
}

void refuse_anycast(Slice& in) {
  if (in.load_bit()) in.fail("an address in it is anycast");
}

}  // namespace

std::string to_raw(const Address& address) {
  std::string out = std::to_string(address.workchain) + ":";
  for (const std::uint8_t byte : address.hash) {
    out += kHexDigits[byte >> 4];
    out += kHexDigits[byte & 15];
  }
  return out;
}

std::string to_friendly(const Address& address, FriendlyFlags flags, AddressAlphabet alphabet) {
  const std::uint8_t kind = flags.bounceable ? kBounceable : kNonBounceable;
  ByteWriter bytes;
  bytes.u8(static_cast<std::uint8_t>(kind | (flags.testnet ? kTestnet : 0)))
      .u8(static_cast<std::uint8_t>(address.workchain))
      .bytes(address.hash);
  Bytes all = bytes.take();
  const std::uint16_t crc = crc16(all);
  append(all, ByteWriter().u16be(crc).take());
  const std::string_view digits = alphabet == AddressAlphabet::url ? kUrl : kStandard;
  std::string out;
  for (std::size_t i = 0; i < kFriendlyCharacters; ++i) {
    out += digits[read_bits(all.data(), 6 * i, 6)];
  }
  return out;
}

Result<ParsedAddress> parse_address(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos) {
    return parse_raw(text.substr(0, colon), text.substr(colon + 1));
  }
  if (text.size() == kFriendlyCharacters) return parse_friendly(text);
  return invalid("An address is 48 characters, or a workchain, a colon and 64 digits; this has " +
                 std::to_string(text.size()) + " characters and no colon.");
}

void store_address(Builder& out, const Address& address) {
  out.store_uint(0b100, 3).store_int(address.workchain, 8).store_bytes(address.hash);
}

void store_address(Builder& out, const MsgAddress& address) {
  if (const auto* standard = std::get_if<Address>(&address)) {
    store_address(out, *standard);
  } else if (const auto* external = std::get_if<ExternAddress>(&address)) {
    out.store_uint(0b01, 2).store_uint(external->bits.size(), kLengthBits);
    out.store_bits(external->bits);
  } else if (const auto* variable = std::get_if<VarAddress>(&address)) {
    out.store_uint(0b110, 3).store_uint(variable->bits.size(), kLengthBits);
    out.store_int(variable->workchain, 32).store_bits(variable->bits);
  } else {
    out.store_uint(0b00, 2);
  }
}

MsgAddress load_msg_address(Slice& in) {
  switch (in.load_uint(2)) {
    case 0b01: {
      const auto size = static_cast<unsigned>(in.load_uint(kLengthBits));
      return ExternAddress{in.load_bits(size)};
    }
    case 0b10: {
      refuse_anycast(in);
      const auto workchain = static_cast<std::int32_t>(in.load_int(8));
      return Address{.workchain = workchain, .hash = in.load_hash()};
    }
    case 0b11: {
      refuse_anycast(in);
      const auto size = static_cast<unsigned>(in.load_uint(kLengthBits));
      const auto workchain = static_cast<std::int32_t>(in.load_int(32));
      return VarAddress{.workchain = workchain, .bits = in.load_bits(size)};
    }
    default: return NoAddress{};
  }
}

Address load_address(Slice& in) {
  const MsgAddress any = load_msg_address(in);
  if (const auto* address = std::get_if<Address>(&any)) return *address;
  in.fail("an address in it is not that of an account");
  return {};
}

}  // namespace cocoon::ton
