#include "node/policy.h"

#include <algorithm>

namespace cocoon::node {
namespace {

/// What of `allowed` the owner lists, or all of it where he has no list.
template <class T>
std::vector<T> within(const std::optional<std::vector<T>>& configured,
                      const std::vector<Hash>& allowed) {
  std::vector<T> out;
  for (const Hash& hash : allowed) {
    const T one{hash};
    if (!configured ||
        std::find(configured->begin(), configured->end(), one) != configured->end()) {
      out.push_back(one);
    }
  }
  return out;
}

}  // namespace

AttestationPolicy effective_policy(const AttestationPolicy& configured,
                                   const billing::Registry& registry, wire::Role role) {
  AttestationPolicy policy = configured;
  policy.images = within(configured.images, role == wire::Role::proxy ? registry.proxy_images
                                                                      : registry.worker_images);
  policy.min_tcb_evaluation_number =
      std::max(policy.min_tcb_evaluation_number, registry.tcb_evaluation_floor);
  const bool judges_gpus = configured.gpu_measurement_sets || !registry.gpu_measurements.empty();
  if (role == wire::Role::worker && judges_gpus) {
    policy.gpu_measurement_sets =
        within(configured.gpu_measurement_sets, registry.gpu_measurements);
  }
  return policy;
}

}  // namespace cocoon::node
