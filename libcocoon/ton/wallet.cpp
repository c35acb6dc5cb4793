#include "ton/wallet.h"

#include <algorithm>
#include <vector>

namespace cocoon::ton {
namespace {

/// The number of a key's first wallet in v3 and v4 (698983191), less the workchain's number.
constexpr std::uint32_t kDefaultSubwallet = 0x29a9a317;
/// global_id of the networks (ConfigParam 19).
constexpr std::int32_t kMainnetId = -239;
constexpr std::int32_t kTestnetId = -3;
/// v5r1's number is the network's, exclusive-or a context: a one, the workchain in 8 bits, version
/// and number of the wallet in 23 (both 0 here).
constexpr std::uint32_t kV5Client = 0x80000000;

/// v4r2: the request is a plain transfer, not one for plugins.
constexpr unsigned kV4Transfer = 0;
/// v5r1: "sign" as a number: an external message that a key signed.
constexpr std::uint32_t kV5SignedExternal = 0x7369676e;
/// TL-B `action_send_msg`.
constexpr std::uint32_t kActionSendMessage = 0x0ec3c86d;
/// SENDRAWMSG's flag for "ignore errors of this action".
constexpr unsigned kIgnoreErrors = 2;

constexpr unsigned kSignatureBits = 512;

Error invalid(std::string detail) {
  return Error(ErrorKind::invalid_argument, "transfer_invalid", std::move(detail));
}

/// v5r1's actions: each names the list before it, so the last message is outermost.
Result<CellRef> action_list(std::span<const OutMessage> messages) {
  CellRef list = Cell::empty();
  for (const OutMessage& out : messages) {
    Builder action;
    action.store_ref(list).store_uint(kActionSendMessage, 32);
    action.store_uint(out.mode | kIgnoreErrors, 8).store_ref(out.message);
    COCOON_TRY(list, action.finish());
  }
  return list;
}

/// What the key signs.
Result<CellRef> unsigned_body(const WalletId& id, const Transfer& transfer) {
  Builder body;
  if (id.version == WalletVersion::v5r1) body.store_uint(kV5SignedExternal, 32);
  body.store_uint(id.number, 32).store_uint(transfer.valid_until, 32);
  body.store_uint(transfer.seqno, 32);
  if (id.version == WalletVersion::v5r1) {
    COCOON_TRY(const CellRef actions, action_list(transfer.messages));
    // No extended actions.
    return body.store_bit(true).store_ref(actions).store_bit(false).finish();
  }
  if (id.version == WalletVersion::v4r2) body.store_uint(kV4Transfer, 8);
  for (const OutMessage& out : transfer.messages) {
    body.store_uint(out.mode, 8).store_ref(out.message);
  }
  return body.finish();
}

Result<std::vector<OutMessage>> load_actions(CellRef list) {
  std::vector<OutMessage> out;
  while (list->bits() > 0 || !list->refs().empty()) {
    if (out.size() == max_messages(WalletVersion::v5r1)) {
      return invalid("The transfer has more than 255 actions.");
    }
    Slice in(list);
    CellRef before = in.load_ref();
    if (in.load_u32() != kActionSendMessage) in.fail("an action is not to send a message");
    OutMessage message;
    message.mode = static_cast<std::uint8_t>(in.load_uint(8));
    message.message = in.load_ref();
    COCOON_CHECK(in.finish("An action of the transfer"));
    out.push_back(std::move(message));
    list = std::move(before);
  }
  std::reverse(out.begin(), out.end());
  return out;
}

/// The fields of v3r2 and v4r2 behind the signature.
std::vector<OutMessage> load_messages(Slice& in, WalletVersion version) {
  if (version == WalletVersion::v4r2 && in.load_uint(8) != kV4Transfer) {
    in.fail("it is a request for plugins");
  }
  std::vector<OutMessage> out;
  while (in.refs_left() > 0) {
    OutMessage message;
    message.mode = static_cast<std::uint8_t>(in.load_uint(8));
    message.message = in.load_ref();
    out.push_back(std::move(message));
  }
  return out;
}

/// `body` as it was before the signature came into it.
Result<SignedTransfer> split_signature(WalletVersion version, const CellRef& body) {
  SignedTransfer out;
  Slice in(body);
  Builder rest;
  if (version == WalletVersion::v5r1) {
    if (in.bits_left() < kSignatureBits) in.fail("it has no room for a signature");
    rest.store_bits(
        in.load_bits(in.bits_left() < kSignatureBits ? 0 : in.bits_left() - kSignatureBits));
    for (const CellRef& ref : in.peek_refs()) rest.store_ref(ref);
    out.signature = in.load_array<64>();
  } else {
    out.signature = in.load_array<64>();
    rest.store_slice(in);
  }
  COCOON_CHECK(in.check("The transfer"));
  COCOON_TRY(const CellRef message, rest.finish());
  out.signed_hash = message->hash();
  return out;
}

}  // namespace

std::string_view to_string(WalletVersion version) {
  switch (version) {
    case WalletVersion::v3r2: return "v3r2";
    case WalletVersion::v4r2: return "v4r2";
    case WalletVersion::v5r1: return "v5r1";
  }
  return "v4r2";
}

std::optional<WalletVersion> parse_wallet_version(std::string_view text) {
  for (const auto version : {WalletVersion::v3r2, WalletVersion::v4r2, WalletVersion::v5r1}) {
    if (text == to_string(version)) return version;
  }
  return std::nullopt;
}

WalletId default_wallet(WalletVersion version, WalletNetwork network, std::int32_t workchain) {
  const auto chain = static_cast<std::uint32_t>(workchain);
  if (version != WalletVersion::v5r1) {
    return {.version = version, .workchain = workchain, .number = kDefaultSubwallet + chain};
  }
  const auto global =
      static_cast<std::uint32_t>(network == WalletNetwork::mainnet ? kMainnetId : kTestnetId);
  return {.version = version,
          .workchain = workchain,
          .number = global ^ (kV5Client | (chain & 0xff) << 23)};
}

Result<StateInit> wallet_state(const WalletId& id, const ByteArray<32>& public_key) {
  Builder data;
  // v5r1: signatures by the key are allowed.
  if (id.version == WalletVersion::v5r1) data.store_bit(true);
  data.store_uint(0, 32).store_uint(id.number, 32).store_bytes(public_key);
  // v4r2: no plugins; v5r1: no extensions.
  if (id.version != WalletVersion::v3r2) data.store_bit(false);
  COCOON_TRY(CellRef cell, data.finish());
  StateInit init;
  init.code = wallet_code(id.version);
  init.data = std::move(cell);
  return init;
}

Result<Address> wallet_address(const WalletId& id, const ByteArray<32>& public_key) {
  COCOON_TRY(const StateInit init, wallet_state(id, public_key));
  return address_of(init, id.workchain);
}

std::size_t max_messages(WalletVersion version) {
  return version == WalletVersion::v5r1 ? 255 : kMaxCellRefs;
}

Result<CellRef> sign_transfer(const WalletId& id, const crypto::SigningKey& key,
                              const Transfer& transfer) {
  if (transfer.messages.size() > max_messages(id.version)) {
    return invalid("A transfer of a " + std::string(to_string(id.version)) + " wallet carries " +
                   std::to_string(max_messages(id.version)) + " messages at most; " +
                   std::to_string(transfer.messages.size()) + " were given.");
  }
  COCOON_TRY(const CellRef body, unsigned_body(id, transfer));
  const crypto::Signature signature = key.sign(body->hash());
  Builder out;
  if (id.version != WalletVersion::v5r1) out.store_bytes(signature);
  out.store_slice(Slice(body));
  if (id.version == WalletVersion::v5r1) out.store_bytes(signature);
  return out.finish();
}

Result<CellRef> wallet_message(const Address& wallet, const CellRef& body,
                               const std::optional<StateInit>& init) {
  ExternalInInfo info;
  info.destination = wallet;
  return to_cell(Message{.info = info, .init = init, .body = body});
}

Result<SignedTransfer> parse_transfer(WalletVersion version, const CellRef& body) {
  COCOON_TRY(SignedTransfer out, split_signature(version, body));
  Slice in(body);
  const bool v5 = version == WalletVersion::v5r1;
  if (!v5) {
    in.skip(kSignatureBits);
  } else if (in.load_u32() != kV5SignedExternal) {
    in.fail("it is not a signed external request");
  }
  out.number = in.load_u32();
  out.valid_until = in.load_u32();
  out.seqno = in.load_u32();
  if (v5) {
    const std::optional<CellRef> actions = in.load_maybe_ref();
    if (in.load_bit()) in.fail("it has extended actions");
    in.skip(kSignatureBits);
    COCOON_CHECK(in.finish("The transfer"));
    if (actions) {
      COCOON_TRY(out.messages, load_actions(*actions));
    }
  } else {
    out.messages = load_messages(in, version);
    COCOON_CHECK(in.finish("The transfer"));
  }
  return out;
}

}  // namespace cocoon::ton
