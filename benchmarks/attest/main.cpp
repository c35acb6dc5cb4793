// Measures the quote verifier against OpenSSL's own P-256 verification, in one run:
//
//     cocoon-bench-attest VECTOR-FOLDER
//
// VECTOR-FOLDER has quote.bin, collateral.json and expected.json, as those under
// tests/vectors/attestation/dcap. Medians; ratios to OpenSSL's time say more than microseconds.

#include <fmt/format.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "attest/cached_verdict.h"
#include "attest/quote.h"
#include "attest/sim/platform.h"
#include "attest/text.h"
#include "attest/verify.h"
#include "codec/json.h"
#include "crypto/system_random.h"
#include "need.h"

namespace cocoon::bench {
namespace {

using attest::CertificateCache;

constexpr int kSamples = 400;
constexpr int kQuotes = 1000;
constexpr int kScalingRounds = 9;
// Issue "Attestation that can be trusted", Quality.
constexpr double kNewQuoteTarget = 6;
constexpr double kColdTarget = 40;
constexpr double kScalingTarget = 1.8;
constexpr double kCachedTargetUs = 5;

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) fail("cannot read " + path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// Of kSamples times that `sample` says.
double median_of(const std::function<double()>& sample) {
  std::vector<double> times;
  for (int i = 0; i < kSamples; ++i) times.push_back(sample());
  return median(std::move(times));
}

/// One ECDSA verification over P-256 and SHA-256 as a program would call OpenSSL for it.
double openssl_verification() {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"),
                                                                &EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  const Bytes message(632, 'm');  // a TDX quote's signed part
  std::size_t size = 128;
  Bytes signature(size);
  if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) != 1) {
    fail("OpenSSL does not sign");
  }
  return median_of([&] {
    return microseconds([&] {
      EVP_MD_CTX_reset(context.get());
      if (EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
          EVP_DigestVerify(context.get(), signature.data(), size, message.data(), message.size()) !=
              1) {
        fail("OpenSSL does not verify its own signature");
      }
    });
  });
}

struct Vector {
  Bytes quote;
  attest::CollateralText collateral;
  UnixTime now{};
};

Vector load(const std::string& folder) {
  const std::string expected = read(folder + "/expected.json");
  const json::Document facts = need(json::Document::parse(expected), "expected.json");
  const auto time = facts.root().find("verification_time").as_string();
  const auto now = time ? attest::parse_utc(*time) : std::nullopt;
  if (!now) fail("expected.json has no verification_time");
  return {
      to_bytes(as_bytes(read(folder + "/quote.bin"))),
      need(attest::CollateralText::from_json(read(folder + "/collateral.json")), "collateral.json"),
      *now};
}

void must_be_trusted(const attest::Verdict& verdict) {
  if (!verdict.trusted()) fail("the quote does not verify: " + verdict.text());
}

double cold(const Vector& vector) {
  return median_of([&] {
    return microseconds([&] {
      must_be_trusted(attest::verify_quote(vector.quote,
                                           attest::Collateral::parse(vector.collateral),
                                           attest::TrustedRoot::intel(), vector.now));
    });
  });
}

/// A quote of a platform that was never seen: its issuers, their revocation lists and the rest of
/// the collateral are known, its own certificate is not.
double new_platform(const Vector& vector) {
  const attest::CheckedCollateral collateral(attest::Collateral::parse(vector.collateral),
                                             attest::TrustedRoot::intel());
  const auto quote = need(attest::parse_quote(vector.quote), "quote.bin");
  const auto chain =
      need(attest::decode_pem_certificates(as_text(quote.signature.certification_data)),
           "the quote's chain");
  return median_of([&] {
    CertificateCache cache;
    const auto authority = need(cache.certificate(chain.at(1)), "the platform's authority");
    const auto root = need(cache.certificate(chain.at(2)), "the root");
    (void)cache.signed_by(authority->encoded, root->key);
    (void)cache.signed_by(root->encoded, root->key);
    (void)cache.signed_by((*collateral.collateral().root_crl)->encoded, root->key);
    (void)cache.signed_by((*collateral.collateral().pck_crl)->encoded, authority->key);
    return microseconds([&] {
      must_be_trusted(attest::verify_quote(vector.quote, collateral, vector.now, cache));
    });
  });
}

/// Another quote of a platform whose certificate is known, too.
double known_platform(const Vector& vector) {
  const attest::CheckedCollateral collateral(attest::Collateral::parse(vector.collateral),
                                             attest::TrustedRoot::intel());
  CertificateCache cache;
  return median_of([&] {
    return microseconds([&] {
      must_be_trusted(attest::verify_quote(vector.quote, collateral, vector.now, cache));
    });
  });
}

/// How many times as fast two threads verify kQuotes different quotes as one does.
double scaling() {
  crypto::SystemRandom random;
  const UnixTime now = std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
  const auto platform = need(attest::sim::SimPlatform::create(random, now), "a platform");
  const auto root = need(attest::TrustedRoot::simulated(platform.root_pem()), "its root");
  const attest::CheckedCollateral collateral(attest::Collateral::parse(platform.collateral()),
                                             root);
  std::vector<Bytes> quotes;
  for (int i = 0; i < kQuotes; ++i) {
    attest::sim::SimTdReport guest;
    random.fill(guest.report_data);
    quotes.push_back(need(platform.quote(guest), "a quote"));
  }
  CertificateCache cache;
  const auto verify = [&](std::size_t first, std::size_t step) {
    for (std::size_t i = first; i < quotes.size(); i += step) {
      must_be_trusted(attest::verify_quote(quotes[i], collateral, now, cache));
    }
  };
  std::vector<double> ratios;
  for (int round = 0; round < kScalingRounds; ++round) {
    const double one = microseconds([&] { verify(0, 1); });
    const double two = microseconds([&] {
      std::thread other(verify, 1, 2);
      verify(0, 2);
      other.join();
    });
    ratios.push_back(one / two);
  }
  return median(std::move(ratios));
}

void print_row(std::string_view label, double us, double t, double target) {
  fmt::print("{:52}{:9.0f} µs{:8.1f} t", label, us, us / t);
  if (target > 0) fmt::print("  (target {:.0f} t)", target);
  fmt::print("\n");
}

void run(const std::string& folder) {
  const Vector vector = load(folder);
  const double t = openssl_verification();
  print_row("t: one P-256 verification by OpenSSL", t, t, 0);
  print_row("a quote of a known platform", known_platform(vector), t, 0);
  print_row("a quote of a new platform, its issuers known", new_platform(vector), t,
            kNewQuoteTarget);
  print_row("cold: collateral parsed and all of it checked", cold(vector), t, kColdTarget);
  fmt::print("{:52}{:9.2f} ×          (target {:.1f} ×)\n",
             fmt::format("{} different quotes, two threads against one", kQuotes), scaling(),
             kScalingTarget);
  const CachedVerdict cached = cached_verdict();
  fmt::print("{:52}{:9.1f} µs          (target {:.0f} µs)\n",
             fmt::format("a cached verdict on {:.1f} KiB of evidence", cached.evidence_kib),
             cached.us, kCachedTargetUs);
  fmt::print("{:52}{:9.0f} KiB\n", "memory that a million of them took", cached.growth_kib);
}

}  // namespace
}  // namespace cocoon::bench

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: cocoon-bench-attest VECTOR-FOLDER\n");
    return 2;
  }
  if (auto started = cocoon::crypto::initialise(); !started) return 1;
  cocoon::bench::run(argv[1]);
  return 0;
}
