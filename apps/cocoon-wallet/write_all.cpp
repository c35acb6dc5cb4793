#include "write_all.h"

#include <fmt/format.h>

#include "billing/amount.h"
#include "common/print_error.h"

namespace cocoon::app {

Nano total_of(const std::vector<DueWrite>& writes) {
  Nano out;
  for (const DueWrite& write : writes) out = saturating_add(out, write.amount);
  return out;
}

Result<Exit> write_all(Session& session, std::vector<DueWrite> writes) {
  Exit exit = Exit::done;
  for (DueWrite& write : writes) {
    const Status written = session.write(std::move(write.request));
    if (written) {
      fmt::print("paid       {} by {}\n", billing::format_amount(write.amount), write.name);
    } else {
      print_error("cocoon-wallet", Error(written.error()).within(write.name));
      exit = Exit::refused;
    }
    std::fflush(stdout);
  }
  return exit;
}

}  // namespace cocoon::app
