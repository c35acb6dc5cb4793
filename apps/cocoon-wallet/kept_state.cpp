#include "kept_state.h"

#include <filesystem>

#include "codec/hex.h"

namespace cocoon::app {

Result<KeptState> KeptState::open(const Place& place) {
  const std::string path = place.state_dir + "/state.db";
  if (!std::filesystem::exists(path)) {
    return Error(ErrorKind::not_found, "no_state",
                 path + " does not exist: this role has not run here, and holds no vouchers");
  }
  auto file = store::StoreFile::open(path);
  if (file) return KeptState(std::move(*file));
  if (file.error().code() != "file_in_use") return std::move(file).error();
  return Error(ErrorKind::busy, "role_runs",
               path +
                   " is in use: the role runs. Stop it first (SIGTERM); it presents its "
                   "vouchers by itself when it stops, and while it runs as they become worth "
                   "their fee");
}

Result<std::vector<KeptState::Entry>> KeptState::load(std::string_view kind) {
  COCOON_TRY(auto stored, file_.load(kind));
  std::vector<Entry> out;
  for (ports::StoreEntry& entry : stored) {
    const auto id = array_from_hex<32>(entry.key.substr(kind.size()));
    if (id) out.push_back({*id, std::move(entry.value)});
  }
  return out;
}

}  // namespace cocoon::app
