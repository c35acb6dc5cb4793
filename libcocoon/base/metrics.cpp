#include "cocoon/metrics.h"

namespace cocoon::inline v0 {

Metrics::~Metrics() = default;

}  // namespace cocoon::inline v0
