#include "ton/message.h"

namespace cocoon::ton {
namespace {

/// Bits that the body's placement takes behind a state.
constexpr unsigned kPlacementBits = 2;

void store_info(Builder& out, const InternalInfo& info) {
  out.store_bit(false).store_bit(info.ihr_disabled).store_bit(info.bounce).store_bit(info.bounced);
  store_address(out, info.source);
  store_address(out, info.destination);
  out.store_coins(info.value).store_maybe_ref(info.extra_currencies);
  out.store_coins(info.ihr_fee).store_coins(info.forward_fee);
  out.store_uint(info.created_lt, 64).store_uint(info.created_at, 32);
}

void store_info(Builder& out, const ExternalInInfo& info) {
  out.store_uint(0b10, 2);
  store_address(out, info.source);
  store_address(out, info.destination);
  out.store_coins(info.import_fee);
}

void store_info(Builder& out, const ExternalOutInfo& info) {
  out.store_uint(0b11, 2);
  store_address(out, info.source);
  store_address(out, info.destination);
  out.store_uint(info.created_lt, 64).store_uint(info.created_at, 32);
}

InternalInfo load_internal(Slice& in) {
  InternalInfo info;
  info.ihr_disabled = in.load_bit();
  info.bounce = in.load_bit();
  info.bounced = in.load_bit();
  info.source = load_msg_address(in);
  info.destination = load_address(in);
  info.value = in.load_coins();
  info.extra_currencies = in.load_maybe_ref();
  info.ihr_fee = in.load_coins();
  info.forward_fee = in.load_coins();
  info.created_lt = in.load_u64();
  info.created_at = in.load_u32();
  return info;
}

ExternalInInfo load_external_in(Slice& in) {
  ExternalInInfo info;
  info.source = load_msg_address(in);
  info.destination = load_address(in);
  info.import_fee = in.load_coins();
  return info;
}

ExternalOutInfo load_external_out(Slice& in) {
  ExternalOutInfo info;
  info.source = load_msg_address(in);
  info.destination = load_msg_address(in);
  info.created_lt = in.load_u64();
  info.created_at = in.load_u32();
  return info;
}

/// TL-B `Either X ^X`.
void store_either(Builder& out, const CellRef& cell, bool by_reference) {
  out.store_bit(by_reference);
  if (by_reference) {
    out.store_ref(cell);
  } else {
    out.store_slice(Slice(cell));
  }
}

}  // namespace

void store_state_init(Builder& out, const StateInit& init) {
  out.store_bit(init.fixed_prefix_length.has_value());
  if (init.fixed_prefix_length) out.store_uint(*init.fixed_prefix_length, 5);
  out.store_bit(init.special.has_value());
  if (init.special) out.store_bit(init.special->tick).store_bit(init.special->tock);
  out.store_maybe_ref(init.code).store_maybe_ref(init.data).store_maybe_ref(init.libraries);
}

StateInit load_state_init(Slice& in) {
  StateInit init;
  if (in.load_bit()) init.fixed_prefix_length = static_cast<std::uint8_t>(in.load_uint(5));
  if (in.load_bit()) {
    const bool tick = in.load_bit();
    init.special = {.tick = tick, .tock = in.load_bit()};
  }
  init.code = in.load_maybe_ref();
  init.data = in.load_maybe_ref();
  init.libraries = in.load_maybe_ref();
  return init;
}

Result<CellRef> to_cell(const StateInit& init) {
  Builder out;
  store_state_init(out, init);
  return out.finish();
}

Result<Address> address_of(const StateInit& init, std::int32_t workchain) {
  COCOON_TRY(const CellRef cell, to_cell(init));
  return Address{.workchain = workchain, .hash = cell->hash()};
}

Result<CellRef> to_cell(const Message& message) {
  Builder out;
  std::visit([&](const auto& info) { store_info(out, info); }, message.info);
  const unsigned body_bits = message.body->bits();
  const auto body_refs = static_cast<unsigned>(message.body->refs().size());
  out.store_bit(message.init.has_value());
  if (message.init) {
    COCOON_TRY(const CellRef init, to_cell(*message.init));
    const unsigned room = out.bits_left() < kPlacementBits ? 0 : out.bits_left() - kPlacementBits;
    // A body that must or may go behind a reference needs that one left.
    const unsigned kept = body_refs > 0 || message.body->exotic() ? 1 : 0;
    const bool fits =
        init->bits() + body_bits <= room && init->refs().size() + kept <= out.refs_left();
    store_either(out, init, !fits);
  }
  // An exotic body has no bits that could stand in another cell.
  const bool fits =
      body_bits + 1 <= out.bits_left() && body_refs <= out.refs_left() && !message.body->exotic();
  store_either(out, message.body, !fits);
  return out.finish();
}

Result<Message> parse_message(const CellRef& cell) {
  Slice in(cell);
  Message message;
  if (!in.load_bit()) {
    message.info = load_internal(in);
  } else if (!in.load_bit()) {
    message.info = load_external_in(in);
  } else {
    message.info = load_external_out(in);
  }
  if (in.load_bit()) {
    if (in.load_bit()) {
      Slice init(in.load_ref());
      message.init = load_state_init(init);
      COCOON_CHECK(init.finish("The state of a message"));
    } else {
      message.init = load_state_init(in);
    }
  }
  if (in.load_bit()) {
    message.body = in.load_ref();
    COCOON_CHECK(in.finish("A message"));
  } else {
    COCOON_CHECK(in.check("A message"));
    COCOON_TRY(message.body, Builder().store_slice(in).finish());
  }
  return message;
}

}  // namespace cocoon::ton
