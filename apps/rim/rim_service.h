#pragma once
/// @file NVIDIA's service for manifests, by their id: what to ask, and how to read the answer. No
/// sockets here. What comes is believed no more than any other file: read_rim() judges it.

#include <string>
#include <string_view>

#include "cocoon/result.h"

namespace cocoon::app {

inline constexpr std::string_view kRimService = "https://rim.attestation.nvidia.com/v1/rim/";

/// The URL of a manifest.
/// @param id letters, digits, '.', '_' and '-', for example NV_GPU_DRIVER_GH100_550.144.03
/// Errors: invalid_argument/rim_id_invalid.
Result<std::string> rim_url(std::string_view service, std::string_view id);

/// The manifest in an answer: JSON with "id", "rim" (base64), "sha256" (of the manifest) and, since
/// 2025, "rim_format" ("TCG" for what read_rim() reads).
/// Errors: upstream/rim_answer, with what is wrong.
Result<std::string> read_rim_answer(int status, std::string_view body, std::string_view id);

}  // namespace cocoon::app
