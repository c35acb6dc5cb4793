#pragma once
/// @file A test with a stand-in for a TDX guest, whose quotes the simulated platform makes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "attest/sim/platform.h"
#include "crypto/system_random.h"
#include "support/tdx_guest.h"
#include "unit/store/temporary_folder.h"

namespace cocoon::tee {

/// A quote of the simulated platform, filled up to `size` as real platforms fill their buffers.
inline Bytes quote_over(const ByteArray<64>& report_data, std::size_t size = 0) {
  static crypto::SystemRandom random;
  static const auto platform =
      attest::sim::SimPlatform::create(random, UnixTime(Seconds(1'800'000'000))).value();
  attest::sim::SimTdReport guest;
  guest.report_data = report_data;
  Bytes quote = platform.quote(guest).value();
  for (std::size_t i = 0; quote.size() < size; ++i) quote.push_back(static_cast<std::uint8_t>(i));
  return quote;
}

inline ByteArray<64> some_report_data(std::uint8_t seed = 7) {
  ByteArray<64> out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(seed + i);
  return out;
}

class GuestTest : public ::testing::Test {
 protected:
  GuestTest() { std::filesystem::create_directories(reports()); }

  std::string configfs() const { return folder_.file("config"); }
  std::string reports() const { return configfs() + "/tsm/report"; }
  std::string device() const { return folder_.file("tdx_guest"); }
  std::string entry(const std::string& name) const { return reports() + "/" + name; }

  /// A guest that makes sound quotes, and takes what `change` changes.
  using Behaviour = test::TdxGuest::Behaviour;
  test::TdxGuest& start_guest(const std::function<void(Behaviour&)>& change = {}) {
    Behaviour behaviour;
    behaviour.quote = [](const ByteArray<64>& report_data) { return quote_over(report_data); };
    if (change) change(behaviour);
    guest_ = std::make_unique<test::TdxGuest>(configfs(), device(), std::move(behaviour));
    return *guest_;
  }

  void in_guest(const std::function<void()>& body) {
    const Status ran = guest_->run(body);
    ASSERT_TRUE(ran) << ran.error().detail();
  }

  /// What is left under `tsm/report`.
  std::vector<std::string> entries() const {
    std::vector<std::string> out;
    for (const auto& found : std::filesystem::directory_iterator(reports())) {
      out.push_back(found.path().filename().string());
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  test::TemporaryFolder folder_;
  std::unique_ptr<test::TdxGuest> guest_;
};

}  // namespace cocoon::tee
