#include "node/policy.h"

#include <algorithm>

namespace cocoon::node {

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
  return policy;
}

}  // namespace cocoon::node
