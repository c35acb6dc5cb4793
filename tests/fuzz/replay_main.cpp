/// @file Stands in for libFuzzer where a fuzz target is an ordinary test: runs the target once on
/// nothing, once on each file of the given folders, and once on half of each.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

/// Runs the target on a heap block of exactly `size` bytes, so that AddressSanitizer sees any read
/// past its end.
void run_on(const char* data, std::size_t size) {
  const auto exact = std::make_unique<std::uint8_t[]>(size);
  std::copy_n(data, size, exact.get());
  LLVMFuzzerTestOneInput(exact.get(), size);
}

std::vector<std::filesystem::path> files_in(const char* folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.is_regular_file(error)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  run_on("", 0);
  std::size_t runs = 1;
  for (int i = 1; i < argc; ++i) {
    const auto files = files_in(argv[i]);
    if (files.empty()) {
      std::fprintf(stderr, "%s: no seed in it. Put at least one input that decodes there.\n",
                   argv[i]);
      return 1;
    }
    for (const auto& path : files) {
      std::ifstream in(path, std::ios::binary);
      const std::string input{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
      // Printed first: a crash then names its input.
      std::printf("%s (%zu bytes)\n", path.c_str(), input.size());
      std::fflush(stdout);
      run_on(input.data(), input.size());
      run_on(input.data(), input.size() / 2);
      runs += 2;
    }
  }
  std::printf("%zu runs, clean\n", runs);
  return 0;
}
