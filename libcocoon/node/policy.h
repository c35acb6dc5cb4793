#pragma once
/// @file A node's policy for its peers: what its owner configured, within what the registry allows.

#include "billing/registry.h"
#include "cocoon/attestation.h"
#include "wire/messages.h"

namespace cocoon::node {

/// `configured`, with the registry's images for `role`: where the owner has a list of images, even
/// an empty one, those that are in both lists count; where not, the registry's. The higher TCB
/// floor of both counts. An empty result admits nobody. The same goes for the measurement sets of
/// workers' GPUs, but where neither lists any, no GPU evidence is demanded
/// (AttestationPolicy::gpu_measurement_sets).
AttestationPolicy effective_policy(const AttestationPolicy& configured,
                                   const billing::Registry& registry, wire::Role role);

}  // namespace cocoon::node
