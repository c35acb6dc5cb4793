#include "wire/field_reader.h"

#include <fmt/format.h>

namespace cocoon::wire {

void FieldReader::refuse(std::string_view field) {
  if (failed_) return;
  failed_ = true;
  bad_field_ = field;
  bad_at_ = reader_.position();
  reader_.fail();
}

void FieldReader::expect(std::uint32_t fields) {
  if (elements_ != 2 + fields) refuse("number of fields");
}

std::uint64_t FieldReader::number(std::string_view field, std::uint64_t lowest,
                                  std::uint64_t highest) {
  const std::uint64_t value = reader_.u64();
  if (!reader_.failed() && value >= lowest && value <= highest) return value;
  refuse(field);
  return 0;
}

bool FieldReader::boolean(std::string_view field) {
  const bool value = reader_.boolean();
  if (reader_.failed()) refuse(field);
  return value && !failed_;
}

ByteView FieldReader::bytes(std::string_view field, std::size_t lowest, std::size_t highest) {
  const ByteView value = reader_.bin();
  if (!reader_.failed() && value.size() >= lowest && value.size() <= highest) return value;
  refuse(field);
  return {};
}

ByteView FieldReader::signature_or_none(std::string_view field) {
  constexpr std::size_t kSignatureBytes = 64;
  const ByteView value = bytes(field, 0, kSignatureBytes);
  if (value.empty() || value.size() == kSignatureBytes) return value;
  refuse(field);
  return {};
}

std::string_view FieldReader::text(std::string_view field, std::size_t lowest,
                                   std::size_t highest) {
  const std::string_view value = reader_.str();
  if (!reader_.failed() && value.size() >= lowest && value.size() <= highest) return value;
  refuse(field);
  return {};
}

std::uint32_t FieldReader::array(std::string_view field, std::size_t lowest, std::size_t highest) {
  const std::uint32_t value = reader_.array();
  if (!reader_.failed() && value >= lowest && value <= highest) return value;
  refuse(field);
  return 0;
}

Status FieldReader::finish() {
  if (!failed_ && reader_.remaining() != 0) refuse("end of the frame");
  if (!failed_) return ok();
  return Error(ErrorKind::protocol, "bad_frame",
               fmt::format("a {} frame is malformed: {} (near byte {}) is missing, of the wrong "
                           "type, or out of bounds.",
                           to_string(type_), bad_field_, bad_at_));
}

}  // namespace cocoon::wire
