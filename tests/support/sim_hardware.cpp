#include "support/sim_hardware.h"

namespace cocoon::test {

SimDefect hardware(const attest::Fmspc& fmspc, const std::function<void(SimWorkshop&)>& more) {
  return {"hardware", "UpToDate", true, [fmspc, more](SimWorkshop& workshop) {
            workshop.pck.fmspc = fmspc;
            workshop.tcb_info.fmspc = fmspc;
            if (more) more(workshop);
          }};
}

attest::TrustedRoot stand_in_root(const attest::sim::SimPlatform& platform) {
  return attest::TrustedRoot::stand_in_for_intel(platform.root_pem()).value();
}

}  // namespace cocoon::test
