// modules: ton
// covers: libcocoon/ton/contract_state.cpp

#include <cstddef>
#include <cstdint>

#include "base/limits.h"
#include "fuzz/require.h"
#include "ton/boc.h"
#include "ton/contract_state.h"

namespace {

using namespace cocoon;
using namespace cocoon::ton;
using fuzz::require;

/// What readers rely on without looking again.
void read_contracts(const CellRef& cell) {
  if (const auto channel = parse_channel_data(cell)) {
    require(channel->phase >= ContractPhase::open && channel->phase <= ContractPhase::closed);
  }
  if (const auto epoch = parse_epoch_data(cell); epoch && epoch->newest) {
    require(epoch->newest->statement.size() <= kMaxCellBits / 8);
  }
  if (const auto proxy = parse_proxy_data(cell)) {
    require(proxy->phase >= ContractPhase::open && proxy->phase <= ContractPhase::closed);
  }
  if (const auto root = parse_root_data(cell)) {
    for (const auto& model : root->current.models)
      require(model.id.size() <= limits::kMaxEndpointBytes);
    for (const auto& proxy : root->current.proxies)
      require(proxy.endpoint.size() <= limits::kMaxEndpointBytes);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bag = parse_boc(ByteView(data, size));
  if (!bag) return 0;
  for (const CellRef& root : bag->roots) read_contracts(root);
  return 0;
}
