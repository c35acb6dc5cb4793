#include "cocoon/version.h"

namespace cocoon::inline v0 {

const char* version() noexcept { return COCOON_VERSION_STRING; }

}  // namespace cocoon::inline v0
