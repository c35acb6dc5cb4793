// Measures what the ledger costs, and prints JSON for benchmarks/ledger/run:
//
//     cocoon-bench-ledger bag FILE       bytes to cells with all their hashes
//     cocoon-bench-ledger statements     signing and checking a voucher
//     cocoon-bench-ledger local FOLDER   the local ledger, with its file in FOLDER
//
// Microseconds; medians.

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <string>

#include "billing/voucher.h"
#include "codec/hex.h"
#include "crypto/system_random.h"
#include "ledger/operations.h"
#include "need.h"
#include "ton/boc.h"

namespace cocoon::bench {
namespace {

constexpr int kBags = 30;
constexpr int kStatements = 3000;

template <class Work>
double median_of(int samples, const Work& work) {
  std::vector<double> times;
  for (int i = 0; i < samples; ++i) times.push_back(microseconds(work));
  return median(std::move(times));
}

void bag(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) fail("cannot read " + path);
  const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  // Freeing the cells counts: a program does that as well.
  std::string hash;
  std::size_t cells = 0;
  const double us = median_of(kBags, [&] {
    const auto parsed = need(ton::parse_boc(as_bytes(bytes)), path);
    hash = to_hex(parsed.roots.front()->hash());
    cells = parsed.cells;
  });
  fmt::print(R"({{"us":{:.1f},"hash":"{}","cells":{},"bytes":{}}})"
             "\n",
             us, hash, cells, bytes.size());
}

void statements() {
  ByteArray<32> seed{};
  seed[0] = 1;
  const auto signer = crypto::SigningKey::from_seed(seed);
  billing::Voucher voucher;
  voucher.leftovers = signer.account_id();
  billing::SignedVoucher made = sign(voucher, signer);
  const double signing = median_of(kStatements, [&] {
    voucher.spent.value += 1;
    voucher.authorised.value += 2;
    made = sign(voucher, signer);
  });
  const double checking = median_of(kStatements, [&] {
    if (!signed_by(made, signer.account_id().bytes)) fail("a voucher does not bear its signature");
  });
  fmt::print(R"({{"sign_us":{:.2f},"verify_us":{:.2f}}})"
             "\n",
             signing, checking);
}

void local(const std::string& folder) {
  std::string out;
  for (const Operation& operation : local_operations(folder)) {
    double sum = 0;
    for (const double us : operation.us) sum += us;
    out += fmt::format(R"({}"{}":{{"us":{:.1f},"per_second":{:.0f}}})", out.empty() ? "" : ",",
                       operation.name, median(operation.us),
                       1e6 * static_cast<double>(operation.us.size()) / sum);
  }
  fmt::print("{{{}}}\n", out);
}

}  // namespace
}  // namespace cocoon::bench

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (auto started = cocoon::crypto::initialise(); !started) return 1;
  if (what == "bag" && argc == 3) {
    cocoon::bench::bag(argv[2]);
  } else if (what == "statements" && argc == 2) {
    cocoon::bench::statements();
  } else if (what == "local" && argc == 3) {
    cocoon::bench::local(argv[2]);
  } else {
    fmt::print(stderr, "usage: cocoon-bench-ledger bag FILE | statements | local FOLDER\n");
    return 2;
  }
  return 0;
}
