#pragma once
/// @file Times in certificates, for this module's .cpp files only.

#include <openssl/asn1.h>

#include <optional>

#include "base/time.h"

namespace cocoon::attest {

/// Nothing where it is absent or no time.
std::optional<UnixTime> to_time(const ASN1_TIME* time);

}  // namespace cocoon::attest
