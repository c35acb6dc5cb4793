#include "ton/slice.h"

namespace cocoon::ton {

Slice::Slice(CellRef cell, AnyType)
    : cell_(std::move(cell)),
      bit_end_(static_cast<std::uint16_t>(cell_->bits())),
      ref_end_(static_cast<std::uint8_t>(cell_->refs().size())) {}

Slice::Slice(CellRef cell) : Slice(std::move(cell), AnyType{}) {
  if (cell_->exotic()) {
    fail(cell_->type() == CellType::pruned ? "it was pruned from the proof"
                                           : "it is an exotic cell where data is expected");
  }
}

Slice& Slice::fail(std::string_view why) {
  if (failure_.empty()) failure_ = why;
  // Nothing more comes out of a slice that failed.
  bit_ = bit_end_;
  ref_ = ref_end_;
  return *this;
}

bool Slice::take(unsigned bits) {
  if (bits > bits_left() || failed()) {
    fail("it has fewer bits than its fields");
    return false;
  }
  bit_ = static_cast<std::uint16_t>(bit_ + bits);
  return true;
}

std::uint64_t Slice::load_uint(unsigned bits) {
  if (bits > 64 || !take(bits)) return 0;
  return read_bits(cell_->data().data(), bit_ - bits, bits);
}

std::int64_t Slice::load_int(unsigned bits) {
  if (bits == 0) return 0;
  const std::uint64_t value = load_uint(bits);
  const unsigned spare = 64 - bits;
  return static_cast<std::int64_t>(value << spare) >> spare;
}

void Slice::copy_bytes(std::span<std::uint8_t> out) {
  const auto bits = static_cast<unsigned>(8 * out.size());
  if (!take(bits)) return;
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<std::uint8_t>(read_bits(cell_->data().data(), bit_ - bits + 8 * i, 8));
  }
}

Bytes Slice::load_bytes(std::size_t count) {
  if (count > kMaxCellBits / 8) {
    fail("it has fewer bits than its fields");
    return {};
  }
  Bytes out(count);
  copy_bytes(out);
  return out;
}

BitString Slice::load_bits(unsigned count) {
  BitString out;
  if (take(count)) (void)out.append(cell_->data().data(), bit_ - count, count);
  return out;
}

CellRef Slice::load_ref() {
  if (refs_left() == 0 || failed()) {
    fail("it has fewer references than its fields");
    return Cell::empty();
  }
  return cell_->refs()[ref_++];
}

std::optional<CellRef> Slice::load_maybe_ref() {
  if (!load_bit()) return std::nullopt;
  return load_ref();
}

Nano Slice::load_coins() {
  const auto bytes = static_cast<unsigned>(load_uint(4));
  if (bytes > 8) {
    fail("an amount in it is above 2^64 nanoton");
    return {};
  }
  const Nano amount{load_uint(8 * bytes)};
  if (bytes > 0 && amount.value >> (8 * (bytes - 1)) == 0) {
    fail("an amount in it has leading zeros");
    return {};
  }
  return amount;
}

Slice& Slice::skip(unsigned bits, unsigned refs) {
  if (refs > refs_left()) return fail("it has fewer references than its fields");
  if (take(bits)) ref_ = static_cast<std::uint8_t>(ref_ + refs);
  return *this;
}

BitString Slice::peek_bits() const {
  BitString out;
  (void)out.append(cell_->data().data(), bit_, bits_left());
  return out;
}

Status Slice::check(std::string_view what) const {
  if (!failed()) return ok();
  return Error(ErrorKind::invalid_argument, "cell_unreadable",
               std::string(what) + " cannot be read: " + std::string(failure_) + ".");
}

Status Slice::finish(std::string_view what) {
  if (!failed() && !empty()) fail("something is left after its last field");
  return check(what);
}

}  // namespace cocoon::ton
