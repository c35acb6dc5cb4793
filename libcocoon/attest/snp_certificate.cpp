#include "attest/snp_certificate.h"

#include <fmt/format.h>

#include "attest/der.h"
#include "base/limits.h"

namespace cocoon::attest {

namespace {

constexpr std::string_view kProductName = "1.3.6.1.4.1.3704.1.2";
constexpr std::string_view kPatchLevel = "1.3.6.1.4.1.3704.1.3.";
constexpr std::string_view kHardwareId = "1.3.6.1.4.1.3704.1.4";
constexpr std::string_view kProvider = "1.3.6.1.4.1.3704.1.5";
/// Turin's chips are known by eight bytes, the others' by all of CHIP_ID.
constexpr std::size_t kTurinHardwareIdBytes = 8;

/// The last arcs below kPatchLevel of the bytes of a TCB version, lowest byte first: 1 boot loader,
/// 2 TEE, 3 SNP, 4 to 7 reserved, 8 microcode, 9 FMC.
constexpr ByteArray<8> kMilanLevels{1, 2, 4, 5, 6, 7, 3, 8};
constexpr ByteArray<8> kTurinLevels{9, 1, 2, 3, 5, 6, 7, 8};

Error refuse(std::string_view what) {
  return Error(ErrorKind::attestation, "snp_certificate_invalid",
               fmt::format("A VCEK or VLEK certificate is refused: {}.", what));
}

/// The only ASCII string (IA5String, UTF8String or PrintableString) in `der`.
std::optional<std::string> read_string(ByteView der) {
  constexpr std::uint8_t kIa5 = 0x16;
  constexpr std::uint8_t kUtf8 = 0x0C;
  constexpr std::uint8_t kPrintable = 0x13;
  der::Reader in(der);
  const der::Element element = in.any();
  const bool text = element.tag == kIa5 || element.tag == kUtf8 || element.tag == kPrintable;
  if (!in.finished() || !text || element.contents.empty() ||
      element.contents.size() > limits::kMaxSnpProviderBytes) {
    return std::nullopt;
  }
  for (const std::uint8_t byte : element.contents) {
    if (byte < 0x20 || byte > 0x7E) return std::nullopt;
  }
  return std::string(as_text(element.contents));
}

/// "Milan-B0" and "Milan" both are of Milan.
std::optional<SnpProduct> product_of(std::string_view name) {
  name = name.substr(0, name.find('-'));
  for (const SnpProduct product : {SnpProduct::milan, SnpProduct::genoa, SnpProduct::turin}) {
    if (name == to_string(product)) return product;
  }
  return std::nullopt;
}

Result<SnpTcbBytes> read_tcb(const Sha384Certificate& certificate, SnpProduct product) {
  const ByteArray<8>& levels = product == SnpProduct::turin ? kTurinLevels : kMilanLevels;
  SnpTcbBytes out{};
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const auto value = certificate.extension(fmt::format("{}{}", kPatchLevel, levels[i]));
    if (!value) return refuse(fmt::format("its patch level {} is missing", levels[i]));
    der::Reader in(*value);
    const std::uint32_t level = in.small_integer();
    if (!in.finished() || level > 0xFF) {
      return refuse(fmt::format("its patch level {} is no number of a byte", levels[i]));
    }
    out[i] = static_cast<std::uint8_t>(level);
  }
  return out;
}

/// AMD writes the bytes as they are; a proper OCTET STRING around them is taken, too.
Result<ByteArray<64>> read_hardware_id(ByteView value, SnpProduct product) {
  ByteArray<64> out{};
  const std::size_t size = product == SnpProduct::turin ? kTurinHardwareIdBytes : out.size();
  if (value.size() != size && value.size() != out.size()) {
    der::Reader in(value);
    const ByteView inner = in.read(der::Tag::octet_string);
    if (!in.finished()) return refuse("its hardware id is malformed");
    value = inner;
  }
  if (value.size() != size && value.size() != out.size()) {
    return refuse(fmt::format("its hardware id has {} bytes", value.size()));
  }
  std::copy(value.begin(), value.end(), out.begin());
  return out;
}

}  // namespace

Result<SnpKeyInfo> read_snp_key_info(const Sha384Certificate& certificate) {
  const auto name_der = certificate.extension(kProductName);
  const auto name = name_der ? read_string(*name_der) : std::nullopt;
  const auto product = name ? product_of(*name) : std::nullopt;
  if (!product) return refuse("it names no product that is known here");
  SnpKeyInfo out;
  out.product = *product;
  COCOON_TRY(out.tcb, read_tcb(certificate, *product));
  if (const auto id = certificate.extension(kHardwareId)) {
    COCOON_TRY(out.hardware_id, read_hardware_id(*id, *product));
  }
  if (const auto provider = certificate.extension(kProvider)) {
    out.provider = read_string(*provider);
    if (!out.provider) return refuse("its provider is malformed");
  }
  if (out.hardware_id.has_value() == out.provider.has_value()) {
    return refuse("it must have either a hardware id or a provider");
  }
  return out;
}

}  // namespace cocoon::attest
