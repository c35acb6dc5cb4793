#pragma once
/// @file The JSON of each endpoint: whole answers, and streams of events.

#include <memory>
#include <string>
#include <string_view>

#include "demo_engine/demo_reply.h"

namespace cocoon::demo {

/// A whole answer, not streamed.
std::string render_whole(Endpoint endpoint, const Reply& reply);

/// The answer to an embeddings request: one vector per input, made of a hash of its text.
std::string render_embeddings(const Request& request, const Reply& reply);

/// A streamed answer as server-sent events, in the order opening, pieces, closing.
class EventRenderer {
 public:
  virtual ~EventRenderer() = default;
  /// Events before the first piece; may be nothing.
  virtual std::string opening() = 0;
  /// The events of piece `i` (one per choice).
  virtual void piece(std::size_t i, std::string& out) = 0;
  /// Events after the last piece, end marker included.
  virtual std::string closing() = 0;
};

/// @param include_usage whether the request asked for a chunk with usage
/// @pre endpoint is not embeddings; `reply` outlives the renderer
std::unique_ptr<EventRenderer> make_renderer(Endpoint endpoint, const Reply& reply,
                                             bool include_usage);

/// GET /v1/models.
std::string render_models(const std::vector<std::string>& models);

}  // namespace cocoon::demo
