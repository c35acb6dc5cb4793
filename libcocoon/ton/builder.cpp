#include "ton/builder.h"

#include <bit>

#include "ton/slice.h"

namespace cocoon::ton {
namespace {

constexpr std::string_view kTooManyBits = "it would have more than 1023 bits";
constexpr std::string_view kOutOfRange = "a number needs more bits than its field has";

}  // namespace

Builder& Builder::fail(std::string_view why) {
  if (failure_.empty()) failure_ = why;
  return *this;
}

Builder& Builder::store_uint(std::uint64_t value, unsigned bits) {
  if (bits > 64 || (bits < 64 && value >> bits != 0)) return fail(kOutOfRange);
  return bits_.append(value, bits) ? *this : fail(kTooManyBits);
}

Builder& Builder::store_int(std::int64_t value, unsigned bits) {
  if (bits == 0 || bits > 64) return fail(kOutOfRange);
  const std::int64_t sign = bits == 64 ? 0 : value >> (bits - 1);
  if (sign != 0 && sign != -1) return fail(kOutOfRange);
  const std::uint64_t mask = bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
  return store_uint(static_cast<std::uint64_t>(value) & mask, bits);
}

Builder& Builder::store_bytes(ByteView bytes) {
  if (bytes.size() > kMaxCellBits / 8) return fail(kTooManyBits);
  const auto bits = static_cast<unsigned>(8 * bytes.size());
  return bits_.append(bytes.data(), 0, bits) ? *this : fail(kTooManyBits);
}

Builder& Builder::store_bits(const BitString& bits) {
  return bits_.append(bits) ? *this : fail(kTooManyBits);
}

Builder& Builder::store_ref(CellRef cell) {
  if (cell == nullptr) return fail("a reference of it leads nowhere");
  if (refs_left() == 0) return fail("it would have more than 4 references");
  refs_.push_back(std::move(cell));
  return *this;
}

Builder& Builder::store_maybe_ref(const std::optional<CellRef>& cell) {
  store_bit(cell.has_value());
  return cell ? store_ref(*cell) : *this;
}

Builder& Builder::store_coins(Nano amount) {
  const auto bytes = static_cast<unsigned>(std::bit_width(amount.value) + 7) / 8;
  return store_uint(bytes, 4).store_uint(amount.value, 8 * bytes);
}

Builder& Builder::store_slice(const Slice& slice) {
  if (slice.failed()) return fail("something that goes into it could not be read");
  const BitString bits = slice.peek_bits();
  store_bits(bits);
  for (const CellRef& ref : slice.peek_refs()) store_ref(ref);
  return *this;
}

Result<CellRef> Builder::make(bool exotic) const {
  if (!failure_.empty()) {
    return Error(ErrorKind::invalid_argument, "cell_overflow",
                 "A cell cannot be made: " + std::string(failure_) + ".");
  }
  return Cell::create(exotic, bits_.bytes(), bits_.size(), refs_);
}

}  // namespace cocoon::ton
