#include "attest/gpu_measurements.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "attest/text.h"
#include "base/limits.h"
#include "crypto/hash.h"

namespace cocoon::attest {

namespace {

constexpr std::string_view kFirstLine = "cocoon-gpu-measurements-v1";
constexpr std::size_t kMaxNameBytes = 64;

Error refuse(std::string detail) {
  return Error(ErrorKind::invalid_argument, "gpu_measurements_invalid",
               "A GPU measurement set is refused: " + std::move(detail) + ".");
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '.' || c == '-' || c == '_';
         });
}

/// Takes what stands before the first `end` off `text`; nothing where there is no `end`.
std::optional<std::string_view> take_until(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view out = text.substr(0, at);
  text.remove_prefix(at + 1);
  return out;
}

/// Reads "<index> <digest>".
bool read_line(std::string_view line, GpuMeasurementSet::Digests& out) {
  const auto number = take_until(line, ' ');
  if (!number) return false;
  std::uint8_t index = 0;
  const auto [end, error] = std::from_chars(number->data(), number->data() + number->size(), index);
  const auto digest = decode_hex_array<48>(line);
  if (error != std::errc() || end != number->data() + number->size() || !digest) return false;
  out[index].push_back(*digest);
  return true;
}

}  // namespace

std::string_view to_string(GpuPart part) {
  return part == GpuPart::driver ? "driver" : "vbios";
}

Result<GpuMeasurementSet> GpuMeasurementSet::create(GpuPart part, std::string chip,
                                                    std::string version, Digests digests) {
  if (!is_name(chip) || !is_name(version)) {
    return refuse("chip and version have 1 to 64 letters, digits, '.', '-' and '_'");
  }
  if (digests.empty()) return refuse("it has no measurement");
  for (auto& [index, allowed] : digests) {
    std::sort(allowed.begin(), allowed.end());
    allowed.erase(std::unique(allowed.begin(), allowed.end()), allowed.end());
    if (allowed.empty() || allowed.size() > limits::kMaxGpuAlternatives) {
      return refuse(fmt::format("measurement {} has {} digests, and 1 to {} are allowed", index,
                                allowed.size(), limits::kMaxGpuAlternatives));
    }
  }
  GpuMeasurementSet out;
  out.part_ = part;
  out.chip_ = std::move(chip);
  out.version_ = std::move(version);
  out.digests_ = std::move(digests);
  return out;
}

Result<GpuMeasurementSet> GpuMeasurementSet::parse(std::string_view text) {
  if (text.size() > limits::kMaxGpuMeasurementsBytes) {
    return refuse(fmt::format("it has {} bytes, and {} are allowed", text.size(),
                              limits::kMaxGpuMeasurementsBytes));
  }
  std::string_view rest = text;
  const auto first = take_until(rest, '\n');
  if (first != kFirstLine) return refuse(fmt::format("it does not begin with {}", kFirstLine));
  const auto part = take_until(rest, ' ');
  const auto chip = part ? take_until(rest, ' ') : std::nullopt;
  const auto version = chip ? take_until(rest, '\n') : std::nullopt;
  if (!version || (part != to_string(GpuPart::driver) && part != to_string(GpuPart::vbios))) {
    return refuse("its second line does not name part, chip and version");
  }
  Digests digests;
  while (!rest.empty()) {
    const auto line = take_until(rest, '\n');
    if (!line || !read_line(*line, digests)) {
      return refuse("a line is no index and digest of 96 hexadecimal digits");
    }
  }
  COCOON_TRY(GpuMeasurementSet out,
             create(part == to_string(GpuPart::driver) ? GpuPart::driver : GpuPart::vbios,
                    std::string(*chip), std::string(*version), std::move(digests)));
  // One set, one text: order, case and leading zeros are as this class writes them.
  if (out.text() != text) return refuse("it is not in its canonical form");
  return out;
}

std::string GpuMeasurementSet::text() const {
  std::string out = fmt::format("{}\n{} {} {}\n", kFirstLine, to_string(part_), chip_, version_);
  for (const auto& [index, allowed] : digests_) {
    for (const GpuDigest& digest : allowed) {
      out += fmt::format("{} {}\n", index, encode_hex(digest));
    }
  }
  return out;
}

Hash GpuMeasurementSet::hash() const {
  return crypto::sha256(as_bytes(text()));
}

}  // namespace cocoon::attest
