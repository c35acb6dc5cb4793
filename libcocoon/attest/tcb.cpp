#include "attest/tcb.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace cocoon::attest {

namespace {

/// A status as the conditions that it stands for.
struct Conditions {
  bool revoked = false;
  bool out_of_date = false;
  bool configuration = false;
  bool hardening = false;
};

Conditions conditions(TcbStatus status) {
  switch (status) {
    case TcbStatus::up_to_date: return {};
    case TcbStatus::sw_hardening_needed: return {false, false, false, true};
    case TcbStatus::configuration_needed: return {false, false, true, false};
    case TcbStatus::configuration_and_sw_hardening_needed: return {false, false, true, true};
    // Relaunch is advised to guests that were launched out of date.
    case TcbStatus::td_relaunch_advised:
    case TcbStatus::out_of_date: return {false, true, false, false};
    case TcbStatus::td_relaunch_advised_configuration_needed:
    case TcbStatus::out_of_date_configuration_needed: return {false, true, true, false};
    case TcbStatus::revoked: break;
  }
  return {true, false, false, false};
}

TcbStatus status_of(const Conditions& c) {
  if (c.revoked) return TcbStatus::revoked;
  if (c.out_of_date) {
    return c.configuration ? TcbStatus::out_of_date_configuration_needed : TcbStatus::out_of_date;
  }
  if (c.configuration) {
    return c.hardening ? TcbStatus::configuration_and_sw_hardening_needed
                       : TcbStatus::configuration_needed;
  }
  return c.hardening ? TcbStatus::sw_hardening_needed : TcbStatus::up_to_date;
}

/// Whether every byte from `first` on is at least the level's.
bool reaches(const ByteArray<16>& svns, const ByteArray<16>& level, std::size_t first) {
  for (std::size_t i = first; i < svns.size(); ++i) {
    if (svns[i] < level[i]) return false;
  }
  return true;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return text;
}

std::optional<ModuleMismatch> compare_module(const TdxModuleIdentity& identity,
                                             const TdxMeasurement& mr_signer_seam,
                                             const ByteArray<8>& seam_attributes) {
  if (identity.mr_signer != mr_signer_seam) return ModuleMismatch{"mrsigner"};
  for (std::size_t i = 0; i < seam_attributes.size(); ++i) {
    // No production module has an attribute set, whatever an identity's mask would let through.
    if ((seam_attributes[i] & identity.attributes_mask[i]) != identity.attributes[i] ||
        seam_attributes[i] != 0) {
      return ModuleMismatch{"attributes"};
    }
  }
  return std::nullopt;
}

}  // namespace

TcbStatus converge(TcbStatus platform, const std::vector<TcbStatus>& components) {
  Conditions out = conditions(platform);
  for (const TcbStatus component : components) {
    const Conditions worse = conditions(component);
    out.revoked |= worse.revoked;
    out.out_of_date |= worse.out_of_date;
    out.configuration |= worse.configuration;
  }
  return status_of(out);
}

TcbStatus merge_relaunch(TcbStatus launch, TcbStatus current) {
  const Conditions then = conditions(launch);
  const Conditions now = conditions(current);
  if (then.revoked || now.revoked) return TcbStatus::revoked;
  if (!then.out_of_date || now.out_of_date) return launch;
  return then.configuration || now.configuration
             ? TcbStatus::td_relaunch_advised_configuration_needed
             : TcbStatus::td_relaunch_advised;
}

const IsvLevel* find_level(const std::vector<IsvLevel>& levels, unsigned isv_svn) {
  const auto found = std::find_if(levels.begin(), levels.end(),
                                  [&](const IsvLevel& level) { return level.isv_svn <= isv_svn; });
  return found == levels.end() ? nullptr : &*found;
}

const PlatformLevel* find_level(const std::vector<PlatformLevel>& levels, const PckExtension& pck,
                                const ByteArray<16>* tee_tcb_svn) {
  const std::size_t first_tdx = tee_tcb_svn != nullptr && (*tee_tcb_svn)[1] > 0 ? 2 : 0;
  for (const PlatformLevel& level : levels) {
    if (reaches(pck.sgx_components, level.sgx_components, 0) && pck.pce_svn >= level.pce_svn &&
        (tee_tcb_svn == nullptr || reaches(*tee_tcb_svn, level.tdx_components, first_tdx))) {
      return &level;
    }
  }
  return nullptr;
}

ModuleMatch match_module(const TcbInfo& info, const ByteArray<16>& tee_tcb_svn,
                         const TdxMeasurement& mr_signer_seam,
                         const ByteArray<8>& seam_attributes) {
  if (tee_tcb_svn[1] == 0) {
    if (!info.module) return {ModuleMismatch{}, nullptr};
    return {compare_module(*info.module, mr_signer_seam, seam_attributes), nullptr};
  }
  const std::string id = fmt::format("TDX_{:02X}", unsigned{tee_tcb_svn[1]});
  for (const TdxModuleIdentity& identity : info.module_identities) {
    if (upper(identity.id) == id) {
      return {compare_module(identity, mr_signer_seam, seam_attributes), &identity};
    }
  }
  return {ModuleMismatch{}, nullptr};
}

TcbEvaluation evaluate_levels(const PlatformLevel* platform, const IsvLevel* qe,
                              const IsvLevel* module, bool has_module) {
  TcbEvaluation out;
  out.date = UnixTime::max();
  std::set<std::string> advisories;
  const auto take = [&](const LevelVerdict& verdict) {
    out.date = std::min(out.date, verdict.date);
    advisories.insert(verdict.advisories.begin(), verdict.advisories.end());
    return verdict.status;
  };
  if (platform != nullptr) out.platform = take(platform->verdict);
  if (qe != nullptr) out.qe = take(qe->verdict);
  if (module != nullptr) out.module = take(module->verdict);
  out.advisories.assign(advisories.begin(), advisories.end());
  if (!out.platform || !out.qe || (has_module && !out.module)) return out;
  std::vector<TcbStatus> components{*out.qe};
  if (out.module) components.push_back(*out.module);
  out.status = converge(*out.platform, components);
  return out;
}

}  // namespace cocoon::attest
