#pragma once
/// @file Bounded reading of the files that people name.

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "cocoon/result.h"

namespace cocoon::app {

/// The whole file. Errors: io/file_unreadable, too_large/file_too_large.
Result<std::string> read_file(const std::string& path, std::size_t most);

/// The DER certificates in `data`: one as it stands, or a PEM chain.
/// Errors: those of decode_pem_certificates.
Result<std::vector<Bytes>> split_certificates(std::string_view data);

/// Whether `data` is meant to be certificates, by how it begins.
bool looks_like_certificates(std::string_view data);

}  // namespace cocoon::app
