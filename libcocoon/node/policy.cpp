#include "node/policy.h"

#include <algorithm>

namespace cocoon::node {
namespace {

/// What of `allowed` the owner lists, or all of it where he lists nothing.
std::optional<std::vector<GpuSetHash>> effective_gpu_sets(
    const std::optional<std::vector<GpuSetHash>>& configured, const std::vector<Hash>& allowed) {
  if (!configured && allowed.empty()) return std::nullopt;
  std::vector<GpuSetHash> out;
  for (const Hash& set : allowed) {
    if (!configured ||
        std::find(configured->begin(), configured->end(), set) != configured->end()) {
      out.push_back(set);
    }
  }
  return out;
}

}  // namespace

AttestationPolicy effective_policy(const AttestationPolicy& configured,
                                   const billing::Registry& registry, wire::Role role) {
  AttestationPolicy policy = configured;
  const auto& allowed = role == wire::Role::proxy ? registry.proxy_images : registry.worker_images;
  policy.images.clear();
  for (const Hash& hash : allowed) {
    const ImageHash image{hash};
    const bool listed = configured.images.empty() ||
                        std::find(configured.images.begin(), configured.images.end(), image) !=
                            configured.images.end();
    if (listed) policy.images.push_back(image);
  }
  policy.min_tcb_evaluation_number =
      std::max(policy.min_tcb_evaluation_number, registry.tcb_evaluation_floor);
  if (role == wire::Role::worker) {
    policy.gpu_measurement_sets =
        effective_gpu_sets(configured.gpu_measurement_sets, registry.gpu_measurements);
  }
  return policy;
}

}  // namespace cocoon::node
