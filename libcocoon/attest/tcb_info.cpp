#include "attest/tcb_info.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "attest/text.h"
#include "base/limits.h"
#include "codec/json.h"

namespace cocoon::attest {

namespace {

constexpr std::size_t kComponents = 16;
/// Documents are five containers deep.
constexpr json::Limits kLimits{16, limits::kMaxCollateralJsonBytes / 4};

/// Reads members of one document and remembers the first that is missing or malformed, so that the
/// document reads as a list of fields.
class Fields {
 public:
  std::string_view text(json::Value object, std::string_view name) {
    return take(object.find(name).as_string(), name);
  }
  std::uint64_t number(json::Value object, std::string_view name, std::uint64_t largest) {
    const std::uint64_t value = take(object.find(name).as_u64(), name);
    if (value > largest) blame(name);
    return value;
  }
  std::uint16_t u16(json::Value object, std::string_view name) {
    return static_cast<std::uint16_t>(number(object, name, 0xFFFF));
  }
  template <std::size_t N>
  ByteArray<N> hex(json::Value object, std::string_view name) {
    return take(decode_hex_array<N>(text(object, name)), name);
  }
  UnixTime time(json::Value object, std::string_view name) {
    return take(parse_utc(text(object, name)), name);
  }
  json::Value container(json::Value object, std::string_view name, json::Kind kind) {
    const json::Value value = object.find(name);
    if (!value.is(kind)) blame(name);
    return value;
  }

  void blame(std::string_view name) {
    if (bad_.empty()) bad_ = name;
  }
  /// The first bad member; empty where all was well.
  const std::string& bad() const { return bad_; }

 private:
  template <class T>
  T take(const std::optional<T>& value, std::string_view name) {
    if (!value) blame(name);
    return value.value_or(T{});
  }

  std::string bad_;
};

/// Statuses that each kind of level may have (PCS API v4, descriptions of `tcbStatus`).
bool fits_platform(TcbStatus status) {
  return status != TcbStatus::td_relaunch_advised &&
         status != TcbStatus::td_relaunch_advised_configuration_needed;
}
bool fits_enclave(TcbStatus status) {
  return status == TcbStatus::up_to_date || status == TcbStatus::out_of_date ||
         status == TcbStatus::configuration_needed ||
         status == TcbStatus::out_of_date_configuration_needed || status == TcbStatus::revoked;
}
bool fits_module(TcbStatus status) {
  return status == TcbStatus::up_to_date || status == TcbStatus::out_of_date ||
         status == TcbStatus::revoked;
}

LevelVerdict read_verdict(Fields& in, json::Value level, bool (*fits)(TcbStatus),
                          DocumentHead& head) {
  LevelVerdict out;
  out.status = tcb_status_from_string(in.text(level, "tcbStatus"));
  if (out.status && !fits(*out.status)) out.status.reset();
  if (!out.status) head.statuses_known = false;
  out.date = in.time(level, "tcbDate");
  if (const json::Value ids = level.find("advisoryIDs")) {
    if (!ids.is(json::Kind::array)) in.blame("advisoryIDs");
    for (const json::Value id : ids.elements()) {
      const auto text = id.as_string();
      if (!text) in.blame("advisoryIDs");
      out.advisories.emplace_back(text.value_or(""));
    }
  }
  return out;
}

std::vector<IsvLevel> read_isv_levels(Fields& in, json::Value owner, bool (*fits)(TcbStatus),
                                      DocumentHead& head) {
  std::vector<IsvLevel> out;
  for (const json::Value level : in.container(owner, "tcbLevels", json::Kind::array).elements()) {
    const json::Value tcb = in.container(level, "tcb", json::Kind::object);
    out.push_back({in.u16(tcb, "isvsvn"), read_verdict(in, level, fits, head)});
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const IsvLevel& a, const IsvLevel& b) { return a.isv_svn > b.isv_svn; });
  return out;
}

ByteArray<kComponents> read_components(Fields& in, json::Value tcb, std::string_view name) {
  const json::Value list = in.container(tcb, name, json::Kind::array);
  ByteArray<kComponents> out{};
  if (list.size() != kComponents) {
    in.blame(name);
    return out;
  }
  std::size_t i = 0;
  for (const json::Value component : list.elements()) {
    out[i++] = static_cast<std::uint8_t>(in.number(component, "svn", 0xFF));
  }
  return out;
}

PlatformLevel read_platform_level(Fields& in, json::Value level, bool tdx, DocumentHead& head) {
  const json::Value tcb = in.container(level, "tcb", json::Kind::object);
  PlatformLevel out;
  out.sgx_components = read_components(in, tcb, "sgxtcbcomponents");
  out.pce_svn = in.u16(tcb, "pcesvn");
  if (tdx) out.tdx_components = read_components(in, tcb, "tdxtcbcomponents");
  out.verdict = read_verdict(in, level, fits_platform, head);
  return out;
}

TdxModuleIdentity read_module(Fields& in, json::Value module) {
  TdxModuleIdentity out;
  out.mr_signer = in.hex<48>(module, "mrsigner");
  out.attributes = in.hex<8>(module, "attributes");
  out.attributes_mask = in.hex<8>(module, "attributesMask");
  return out;
}

void read_modules(Fields& in, json::Value root, TcbInfo& out) {
  if (root.find("tdxModule")) {
    out.module = read_module(in, in.container(root, "tdxModule", json::Kind::object));
  }
  if (!root.find("tdxModuleIdentities")) return;
  for (const json::Value identity :
       in.container(root, "tdxModuleIdentities", json::Kind::array).elements()) {
    TdxModuleIdentity module = read_module(in, identity);
    module.id = in.text(identity, "id");
    module.levels = read_isv_levels(in, identity, fits_module, out.head);
    out.module_identities.push_back(std::move(module));
  }
}

DocumentHead read_head(Fields& in, json::Value root) {
  DocumentHead out;
  out.id = in.text(root, "id");
  out.version = in.number(root, "version", UINT64_MAX);
  out.issue_date = in.time(root, "issueDate");
  out.next_update = in.time(root, "nextUpdate");
  out.tcb_evaluation_number =
      static_cast<std::uint32_t>(in.number(root, "tcbEvaluationDataNumber", UINT32_MAX));
  return out;
}

Error refuse(std::string_view code, std::string_view document, std::string_view what) {
  return Error(ErrorKind::attestation, code, fmt::format("The {} is refused: {}.", document, what));
}

Result<json::Document> read_text(std::string_view text, std::string_view code,
                                 std::string_view document) {
  if (text.size() > limits::kMaxCollateralJsonBytes) {
    return refuse(code, document,
                  fmt::format("it has {} bytes, and {} are allowed", text.size(),
                              limits::kMaxCollateralJsonBytes));
  }
  auto parsed = json::Document::parse(text, kLimits);
  if (!parsed) return refuse(code, document, parsed.error().detail());
  if (!parsed->root().is(json::Kind::object)) return refuse(code, document, "it is no object");
  return parsed;
}

}  // namespace

Result<TcbInfo> parse_tcb_info(std::string_view text) {
  constexpr std::string_view kCode = "tcb_info_format";
  COCOON_TRY(const json::Document document, read_text(text, kCode, "TCB info"));
  const json::Value root = document.root();
  Fields in;
  TcbInfo out;
  out.head = read_head(in, root);
  const bool tdx = out.head.id == "TDX";
  if (in.bad().empty() && out.head.version == kTcbInfoVersion && (tdx || out.head.id == "SGX")) {
    out.fmspc = in.hex<6>(root, "fmspc");
    out.pce_id = in.hex<2>(root, "pceId");
    // Type 0 is the only way of comparing components that is defined.
    (void)in.number(root, "tcbType", 0);
    if (tdx) read_modules(in, root, out);
    for (const json::Value level : in.container(root, "tcbLevels", json::Kind::array).elements()) {
      out.levels.push_back(read_platform_level(in, level, tdx, out.head));
    }
    // Intel leaves the order open; "the first that fits" is meant from the top.
    std::stable_sort(out.levels.begin(), out.levels.end(),
                     [](const PlatformLevel& a, const PlatformLevel& b) {
                       return std::tie(a.sgx_components, a.pce_svn, a.tdx_components) >
                              std::tie(b.sgx_components, b.pce_svn, b.tdx_components);
                     });
  }
  if (!in.bad().empty()) {
    return refuse(kCode, "TCB info",
                  fmt::format("its member \"{}\" is missing or malformed", in.bad()));
  }
  return out;
}

Result<QeIdentity> parse_qe_identity(std::string_view text) {
  constexpr std::string_view kCode = "qe_identity_format";
  COCOON_TRY(const json::Document document, read_text(text, kCode, "QE identity"));
  const json::Value root = document.root();
  Fields in;
  QeIdentity out;
  out.head = read_head(in, root);
  if (in.bad().empty() && out.head.version == kQeIdentityVersion) {
    const auto big_endian = [](const ByteArray<4>& bytes) { return ByteReader(bytes).u32be(); };
    out.misc_select = big_endian(in.hex<4>(root, "miscselect"));
    out.misc_select_mask = big_endian(in.hex<4>(root, "miscselectMask"));
    out.attributes = in.hex<16>(root, "attributes");
    out.attributes_mask = in.hex<16>(root, "attributesMask");
    out.mr_signer = in.hex<32>(root, "mrsigner");
    out.isv_prod_id = in.u16(root, "isvprodid");
    out.levels = read_isv_levels(in, root, fits_enclave, out.head);
  }
  if (!in.bad().empty()) {
    return refuse(kCode, "QE identity",
                  fmt::format("its member \"{}\" is missing or malformed", in.bad()));
  }
  return out;
}

}  // namespace cocoon::attest
