#pragma once
/// @file A bounded reader of DER (X.690 section 10), for the structures that OpenSSL does not
/// know: Intel's certificate extension, and the exact bytes that a signature covers.

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace cocoon::attest::der {

/// Identifier octets as they stand; only single-byte tags occur here.
enum class Tag : std::uint8_t {
  boolean = 0x01,
  integer = 0x02,
  bit_string = 0x03,
  octet_string = 0x04,
  object_identifier = 0x06,
  enumerated = 0x0A,
  sequence = 0x30
};

/// One element.
struct Element {
  std::uint8_t tag = 0;
  ByteView contents;
  ByteView whole;  ///< identifier and length octets included
};

/// Reads elements from front to back; the first error latches, as in ByteReader.
class Reader {
 public:
  explicit Reader(ByteView data) : data_(data) {}

  /// The next element, whatever it is. Lengths must be definite and of the shortest form.
  Element any();
  /// The contents of the next element, which must have this tag.
  ByteView read(Tag tag);
  /// A non-negative INTEGER (or ENUMERATED) of at most 32 bits.
  std::uint32_t small_integer(Tag tag = Tag::integer);
  bool boolean();
  /// A reader of the contents of the next element, a SEQUENCE.
  Reader sequence() { return Reader(read(Tag::sequence)); }

  bool at_end() const { return failed_ || data_.empty(); }
  bool failed() const { return failed_; }
  bool finished() const { return !failed_ && data_.empty(); }

 private:
  ByteView data_;
  bool failed_ = false;
};

/// An ECDSA signature r ‖ s of two big-endian numbers of equal size as DER (RFC 3279
/// section 2.2.3).
/// @pre `r_s.size()` is even and at most 112
Bytes encode_ecdsa(ByteView r_s);

}  // namespace cocoon::attest::der
