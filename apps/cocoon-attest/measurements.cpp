#include "measurements.h"

namespace cocoon::app {

Report measurements(const attest::SgxReport& report) {
  Report out;
  out.text("image", attest::image_hash(report).to_hex());
  out.hex("mrenclave", report.mr_enclave).hex("mrsigner", report.mr_signer);
  out.number("isvprodid", report.isv_prod_id).number("isvsvn", report.isv_svn);
  out.hex("attributes", report.attributes).mask("miscselect", report.misc_select);
  out.flag("debug", report.debug());
  return out.hex("cpusvn", report.cpu_svn).hex("report_data", report.report_data);
}

Report measurements(const attest::TdReport& report) {
  Report out;
  out.text("image", attest::image_hash(report).to_hex());
  out.hex("mrtd", report.mr_td).hex("mrconfigid", report.mr_config_id);
  out.hex("mrowner", report.mr_owner).hex("mrownerconfig", report.mr_owner_config);
  for (std::size_t i = 0; i < report.rtmr.size(); ++i) {
    out.hex("rtmr" + std::to_string(i), report.rtmr[i]);
  }
  out.mask("td_attributes", report.td_attributes).mask("xfam", report.xfam);
  out.hex("tee_tcb_svn", report.tee_tcb_svn).hex("mrseam", report.mr_seam);
  out.hex("mrsignerseam", report.mr_signer_seam).hex("seam_attributes", report.seam_attributes);
  out.hex("report_data", report.report_data);
  if (report.current) {
    out.hex("tee_tcb_svn2", report.current->tee_tcb_svn2);
    out.hex("mr_servicetd", report.current->mr_service_td);
  }
  if (report.extended) {
    const attest::TdExtended& x = *report.extended;
    out.number("vm_id", x.vm_id).hex("td_id", x.td_id).hex("dev_info", x.dev_info);
    out.hex("init_servicetd_hash", x.init_service_td_hash);
    out.mask("init_attributes", x.init_attributes).hex("init_cpusvn", x.init_cpu_svn);
    out.hex("init_tee_tcb_svn", x.init_tee_tcb_svn).hex("init_fmspc", x.init_fmspc);
    out.hex("current_servicetd_hash", x.current_service_td_hash);
    out.mask("current_attributes", x.current_attributes);
  }
  return out;
}

Report measurements(const attest::SnpReport& report) {
  Report out;
  out.text("image", attest::image_hash(report).to_hex());
  out.hex("measurement", report.measurement).hex("host_data", report.host_data);
  out.hex("id_key_digest", report.id_key_digest);
  out.hex("author_key_digest", report.author_key_digest);
  out.flag("author_key_enabled", report.author_key_enabled).mask("policy", report.policy);
  out.mask("platform_info", report.platform_info).number("vmpl", report.vmpl);
  out.number("guest_svn", report.guest_svn).hex("chip_id", report.chip_id);
  out.hex("reported_tcb", report.reported_tcb).hex("committed_tcb", report.committed_tcb);
  out.hex("current_tcb", report.current_tcb).hex("launch_tcb", report.launch_tcb);
  return out.hex("report_data", report.report_data);
}

Report platform(const attest::PckExtension& extension) {
  Report out;
  out.hex("fmspc", extension.fmspc).hex("pceid", extension.pce_id);
  out.text("ppid", extension.ppid.to_hex());
  if (extension.platform_instance_id) {
    out.text("platform_instance_id", extension.platform_instance_id->to_hex());
  }
  out.hex("sgx_components", extension.sgx_components).number("pcesvn", extension.pce_svn);
  out.hex("cpusvn", extension.cpu_svn).number("sgx_type", extension.sgx_type);
  const std::pair<const char*, std::optional<bool>> flags[] = {
      {"dynamic_platform", extension.dynamic_platform},
      {"cached_keys", extension.cached_keys},
      {"smt_enabled", extension.smt_enabled}};
  for (const auto& [name, value] : flags) {
    if (value) out.flag(name, *value);
  }
  return out;
}

Report platform(const attest::SnpPlatform& platform) {
  Report out;
  out.text("product", std::string(to_string(platform.product)));
  if (platform.product == SnpProduct::turin) out.number("fmc", platform.tcb.fmc);
  out.number("boot_loader", platform.tcb.boot_loader).number("tee", platform.tcb.tee);
  out.number("snp", platform.tcb.snp).number("microcode", platform.tcb.microcode);
  if (platform.chip) out.text("id", platform.chip->to_hex());
  if (!platform.provider.empty()) out.text("provider", platform.provider);
  return out.flag("revocation_checked", platform.revocation_checked);
}

}  // namespace cocoon::app
