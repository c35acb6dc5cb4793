// modules: ton
// covers: libcocoon/ton/message.cpp libcocoon/ton/dict.cpp libcocoon/ton/live_state.cpp

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "ton/account_proof.h"
#include "ton/boc.h"
#include "ton/dict.h"
#include "ton/live_payment.h"
#include "ton/live_state.h"
#include "ton/merkle.h"
#include "ton/wallet.h"

namespace {

using namespace cocoon;
using namespace cocoon::ton;

void expect(bool condition) {
  if (!condition) std::abort();
}

/// What was read is written as the same cell: these layouts have one spelling only.
template <class Parse>
void exact(const CellRef& cell, Parse parse) {
  const auto value = parse(cell);
  if (value) expect(to_cell(*value).value()->hash() == cell->hash());
}

void read_message(const CellRef& cell) {
  const auto message = parse_message(cell);
  if (!message) return;
  // Placement may change once, to ours.
  const auto written = to_cell(*message);
  if (!written) return;
  const Message again = parse_message(*written).value();
  expect(to_cell(again).value()->hash() == (*written)->hash());
  expect(again.body->hash() == message->body->hash());
  for (const WalletVersion version :
       {WalletVersion::v3r2, WalletVersion::v4r2, WalletVersion::v5r1}) {
    (void)parse_transfer(version, message->body);
  }
}

/// Builds the dictionary anew from what a walk reports.
void read_dict(const CellRef& cell) {
  for (const unsigned key_bits : {32u, 256u}) {
    const Dict dict(key_bits, cell);
    Dict copy(key_bits);
    std::size_t entries = 0;
    const Status walked = dict.for_each([&](const BitString& key, Slice value) -> Status {
      if (++entries > 100) return Error(ErrorKind::too_large, "enough", "");
      // Canonical labels are never longer than those that were read.
      expect(copy.set(key, Builder().store_slice(value)).has_value());
      expect(dict.find(key).value().has_value());
      return ok();
    });
    if (!walked) continue;
    expect(entries > 0);
    Dict emptied = copy;
    const Status erased = copy.for_each([&](const BitString& key, Slice) -> Status {
      expect(emptied.erase(key).value());
      return ok();
    });
    expect(erased.has_value() && emptied.empty());
  }
}

/// What begins under these parameters reads as what it was made of, and has an address.
void begin_contracts(const CellRef& cell) {
  const auto params = live::parse_params(cell);
  if (!params) return;
  const Address us{.workchain = kBasechain, .hash = cell->hash()};
  const ByteArray<32> key = cell->hash();
  if (const auto proxy = live::first_proxy(*params, us, us, key)) {
    expect(live::parse_proxy(*proxy->data).value().public_key == key);
    expect(address_of(*proxy).has_value());
  }
  if (const auto client = live::first_client(*params, us, us, key)) {
    expect(live::parse_client(*client->data).value().stake == params->min_client_stake);
  }
  if (const auto worker = live::first_worker(*params, us, us, key)) {
    expect(live::parse_worker(*worker->data).value().owner == us);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  if (const auto address = parse_address(as_text(input.first(std::min<std::size_t>(size, 100))))) {
    expect(parse_address(to_raw(address->address)).value().address == address->address);
  }
  const auto bag = parse_boc(input);
  if (!bag) return 0;
  for (const CellRef& root : bag->roots) {
    read_message(root);
    read_dict(root);
    begin_contracts(root);
    exact(root, live::parse_params);
    exact(root, live::parse_proxy);
    exact(root, live::parse_client);
    exact(root, live::parse_worker);
    exact(root, live::parse_payment);
    (void)live::parse_signed_payment(root, {});
    (void)live::parse_root(root);
    for (const WalletVersion version :
         {WalletVersion::v3r2, WalletVersion::v4r2, WalletVersion::v5r1}) {
      (void)parse_transfer(version, root);
    }
    if (root->type() == CellType::merkle_proof) {
      (void)verify_account_proof(bag->roots, root->refs()[0]->hash(0), Address{});
    }
  }
  return 0;
}
