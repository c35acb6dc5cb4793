/// stand_in_gpu_files FOLDER: writes what belongs to the GPUs of nvml_stand_in.cpp: their root
/// (gpu_root.pem), the measurement sets that they fit (driver.txt, vbios.txt), and one of the same
/// versions that they do not fit (other.txt). Prints the hash of each set.

#include <cstdio>
#include <fstream>
#include <string>

#include "support/stand_in_gpu.h"

namespace {

void write(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

void write_set(const std::string& folder, const char* name,
               const cocoon::attest::GpuMeasurementSet& set) {
  write(folder + "/" + name + ".txt", set.text());
  std::printf("%s %s\n", name, cocoon::attest::encode_hex(set.hash()).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string folder = argv[1];
  auto gpu = cocoon::test::stand_in_gpu(0, {});
  write(folder + "/gpu_root.pem",
        cocoon::attest::encode_pem_certificate(
            cocoon::attest::test::forge(gpu.root, gpu.root_key, gpu.root_key)));
  const auto sets = gpu.sets();
  write_set(folder, "driver", sets[0]);
  write_set(folder, "vbios", sets[1]);
  gpu.driver.begin()->second.front()[0] ^= 1;
  write_set(folder, "other", gpu.sets()[0]);
  return 0;
}
