#include "wire/evidence_parts.h"

#include <fmt/format.h>

#include <algorithm>

namespace cocoon::wire {

std::vector<Evidence> split_evidence(const EvidenceDigest& digest, ByteView shown) {
  std::vector<Evidence> parts;
  const auto total = static_cast<std::uint32_t>(shown.size());
  if (total == 0) parts.push_back({.digest = digest});
  for (std::uint32_t at = 0; at < total;) {
    const std::size_t size = std::min<std::size_t>(total - at, limits::kMaxEvidencePartBytes);
    parts.push_back(
        {.digest = digest, .total = total, .offset = at, .part = shown.subspan(at, size)});
    at += static_cast<std::uint32_t>(size);
  }
  return parts;
}

Result<std::optional<Bytes>> EvidenceAssembly::add(const Evidence& part) {
  const std::size_t end = shown_.size() + part.part.size();
  if (part.digest != digest_ || part.total > limits::kMaxShownEvidenceBytes ||
      part.total != total_.value_or(part.total) || part.offset != shown_.size() ||
      end > part.total || (part.part.empty() && part.total != 0)) {
    return Error(ErrorKind::protocol, "bad_evidence_part",
                 fmt::format("an evidence part at {} of {} does not continue the {} bytes that "
                             "came before it.",
                             part.offset, part.total, shown_.size()));
  }
  total_ = part.total;
  append(shown_, part.part);
  if (end < part.total) return std::optional<Bytes>();
  return std::optional<Bytes>(std::move(shown_));
}

}  // namespace cocoon::wire
