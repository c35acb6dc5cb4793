#include "ask_first.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>

namespace cocoon::app {

Status ask_first(const std::string& what, bool yes) {
  if (yes) return ok();
  if (isatty(STDIN_FILENO) == 0) {
    return Error(ErrorKind::invalid_argument, "not_confirmed",
                 what + ": nobody is there to be asked; scripts give --yes");
  }
  fmt::print("{}. Go on? [y/N] ", what);
  std::fflush(stdout);
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "y" || answer == "yes") return ok();
  return Error(ErrorKind::invalid_argument, "not_confirmed", "nothing was done");
}

}  // namespace cocoon::app
