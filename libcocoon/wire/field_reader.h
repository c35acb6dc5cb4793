#pragma once
/// @file The fields of one frame, each checked and named. Private to wire/.

#include <optional>
#include <string_view>

#include "base/limits.h"
#include "codec/msgpack.h"
#include "wire/messages.h"

namespace cocoon::wire {

/// Reads fields in order and remembers the first one that is not as it must be. Reads after that
/// give zeros and empty views, so that a decoder checks once, at the end.
class FieldReader {
 public:
  /// @param reader stands behind the frame's type and stream.
  /// @param elements of the frame's array, type and stream included.
  FieldReader(msgpack::Reader& reader, FrameType type, std::uint32_t elements)
      : reader_(reader), type_(type), elements_(elements) {}

  /// First of all: how many fields follow type and stream.
  void expect(std::uint32_t fields);

  std::uint64_t number(std::string_view field, std::uint64_t lowest, std::uint64_t highest);
  std::uint64_t u64(std::string_view field) { return number(field, 0, UINT64_MAX); }
  std::uint32_t u32(std::string_view field, std::uint32_t lowest = 0,
                    std::uint32_t highest = UINT32_MAX) {
    return static_cast<std::uint32_t>(number(field, lowest, highest));
  }
  std::uint8_t u8(std::string_view field, std::uint8_t lowest, std::uint8_t highest) {
    return static_cast<std::uint8_t>(number(field, lowest, highest));
  }
  bool boolean(std::string_view field);
  Nano nano(std::string_view field) { return Nano{u64(field)}; }
  /// Whole seconds up to limits::kMaxUnixSeconds.
  UnixTime time(std::string_view field) {
    return unix_seconds(number(field, 0, limits::kMaxUnixSeconds));
  }
  ByteView bytes(std::string_view field, std::size_t lowest, std::size_t highest);
  /// 64 bytes, or none.
  ByteView signature_or_none(std::string_view field);
  std::string_view text(std::string_view field, std::size_t lowest, std::size_t highest);
  template <std::size_t N>
  ByteArray<N> fixed(std::string_view field) {
    ByteArray<N> out{};
    const ByteView view = bytes(field, N, N);
    if (view.size() == N) std::memcpy(out.data(), view.data(), N);
    return out;
  }
  template <class Id>
  Id id(std::string_view field) {
    return Id{fixed<sizeof(Id::bytes)>(field)};
  }
  template <class Id>
  std::optional<Id> id_or_nil(std::string_view field) {
    if (reader_.take_nil()) return std::nullopt;
    return id<Id>(field);
  }
  bool take_nil() { return reader_.take_nil(); }
  /// The number of elements of an array field.
  std::uint32_t array(std::string_view field, std::size_t lowest, std::size_t highest);

  /// A rule of the message beyond the form of one field.
  void require(std::string_view field, bool holds) {
    if (!holds) refuse(field);
  }
  bool failed() const { return failed_; }
  /// Success if every field was as it must be and nothing follows.
  /// Errors: protocol/bad_frame.
  Status finish();

 private:
  void refuse(std::string_view field);

  msgpack::Reader& reader_;
  FrameType type_;
  std::uint32_t elements_;
  bool failed_ = false;
  std::string_view bad_field_;
  std::size_t bad_at_ = 0;
};

}  // namespace cocoon::wire
