#include "common/print_error.h"

#include <cstdio>

namespace cocoon::app {

void print_error(const std::string& program, const Error& error) {
  std::fprintf(stderr, "%s: %s (%.*s)\n", program.c_str(), error.detail().c_str(),
               static_cast<int>(error.code().size()), error.code().data());
}

}  // namespace cocoon::app
