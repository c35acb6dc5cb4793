#pragma once
/// @file Content parts of a conversation: which of them are not text, and what they refer to.

#include <cstdint>
#include <string_view>

#include "codec/json.h"

namespace cocoon::http {

/// Properties of all parts looked at so far.
struct PartFacts {
  std::uint64_t media = 0;       ///< images, audio, files, and parts of a kind unknown here
  bool remote = false;           ///< media given by any reference but a `data:` URL
  bool refers_to_state = false;  ///< a file or audio id
  std::string_view misspelt;     ///< a member that some engines take for one that is looked at
};

/// Looks at `messages` of a chat, or `input` items of the Responses API, and adds to `facts`.
/// A part counts as text only where its type and all its fields are known to be text; every string
/// in any other part that an engine could take for an address counts as one.
void inspect_parts(json::Value items, PartFacts& facts);

/// How many media the value of a member is that holds one of them, or a list.
std::uint64_t count_media(json::Value value);

}  // namespace cocoon::http
