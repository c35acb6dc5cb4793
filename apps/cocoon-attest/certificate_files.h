#pragma once
/// @file Files with certificates, PEM or DER.

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "cocoon/result.h"

namespace cocoon::app {

/// The DER certificates in `data`: one as it stands, or a PEM chain.
/// Errors: those of decode_pem_certificates.
Result<std::vector<Bytes>> split_certificates(std::string_view data);

/// Whether `data` is meant to be certificates, by how it begins.
bool looks_like_certificates(std::string_view data);

/// The DER of the one certificate in a file. Errors: those of read_file and split_certificates,
/// invalid_argument/certificate_count.
/// @param most the size of the largest that is read, in DER
Result<Bytes> read_certificate(const std::string& path, std::size_t most);

}  // namespace cocoon::app
