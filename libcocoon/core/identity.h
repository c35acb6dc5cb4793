#pragma once
/// @file Who a node is: its keys, and what it tells its peers about them.

#include "base/ids.h"
#include "billing/admission.h"
#include "crypto/ed25519.h"

namespace cocoon::core {

/// The keys of one run of a node (protocol.md "Names").
struct NodeIdentity {
  NetworkId network;
  crypto::SigningKey account;  ///< persistent
  crypto::SigningKey boot;     ///< of this run: TLS, records, receipts
  billing::SignedEpoch epoch;  ///< binds the two; proxies and workers only
};

/// Sent in hello; for logs only.
inline constexpr std::string_view kSoftware = "libcocoon/0.1.0";

}  // namespace cocoon::core
