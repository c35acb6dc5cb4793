#include "ton/dict.h"

#include <gtest/gtest.h>

#include <map>

#include "unit/ton/vectors.h"

namespace cocoon::ton {
namespace {

using test::random_bits;
using test::SeededRandom;
using Model = std::map<BitString, std::uint64_t>;

Builder value(std::uint64_t number) {
  return Builder().store_uint(number, 64);
}

Model contents(const Dict& dict) {
  Model out;
  const Status status = dict.for_each([&](const BitString& key, Slice in) -> Status {
    EXPECT_TRUE(out.empty() || out.rbegin()->first < key) << "keys do not ascend";
    out[key] = in.load_u64();
    return in.finish("A value");
  });
  EXPECT_TRUE(status);
  return out;
}

Dict build(unsigned key_bits, const Model& model) {
  Dict dict(key_bits);
  for (const auto& [key, number] : model) EXPECT_TRUE(dict.set(key, value(number)));
  return dict;
}

CellRef from_bits(const char* bits, std::vector<CellRef> refs = {}) {
  Builder out;
  for (; *bits != 0; ++bits) out.store_bit(*bits == '1');
  for (CellRef& ref : refs) out.store_ref(std::move(ref));
  return out.finish().value();
}

Status find_in(unsigned key_bits, const CellRef& root, DictKind kind = DictKind::plain) {
  const auto found = Dict(key_bits, root, kind).find(BitString::of(0, key_bits));
  if (!found) return found.error();
  return ok();
}

TEST(Dict, RefusesLabelsLongerThanTheKey) {
  EXPECT_FALSE(find_in(2, from_bits("01110000")));  // short, 3
  EXPECT_FALSE(find_in(2, from_bits("1011000")));   // long, 3
  EXPECT_FALSE(find_in(2, from_bits("11011")));     // same, 3
  EXPECT_FALSE(find_in(2, from_bits("0111111")));   // short without an end
  EXPECT_FALSE(find_in(2, from_bits("1010")));      // long, cut off
  EXPECT_TRUE(find_in(2, from_bits("011000")));
}

TEST(Dict, RefusesForksOfAnotherShape) {
  const CellRef leaf = from_bits("00");
  EXPECT_TRUE(find_in(1, from_bits("00", {leaf, leaf})));
  EXPECT_FALSE(find_in(1, from_bits("00", {leaf})));
  EXPECT_FALSE(find_in(1, from_bits("00", {leaf, leaf, leaf})));
  EXPECT_FALSE(find_in(1, from_bits("001", {leaf, leaf})));
  EXPECT_TRUE(find_in(1, from_bits("001", {leaf, leaf, leaf}), DictKind::augmented));
  EXPECT_FALSE(find_in(1, from_bits("00", {leaf}), DictKind::augmented));
}

TEST(Dict, APrunedBranchIsNoEmptyPlace) {
  const CellRef leaf = from_bits("001");
  const CellRef pruned =
      Cell::create(true, ByteWriter().u8(1).u8(1).bytes(leaf->hash()).u16be(0).take(), 288, {})
          .value();
  const Dict dict(1, from_bits("00", {leaf, pruned}));
  EXPECT_TRUE(dict.find(BitString::of(0, 1)).value());
  const auto hidden = dict.find(BitString::of(1, 1));
  ASSERT_FALSE(hidden);
  EXPECT_NE(hidden.error().detail().find("pruned"), std::string::npos);
  EXPECT_FALSE(dict.for_each([](const BitString&, Slice) { return ok(); }));
  EXPECT_FALSE(Dict(1, from_bits("00", {leaf, pruned})).erase(BitString::of(0, 1)));
}

TEST(Dict, EndsAWalkThroughSharedCells) {
  // 2^200 entries in 201 cells.
  CellRef cell = from_bits("00");
  for (int i = 0; i < 200; ++i) cell = from_bits("00", {cell, cell});
  const Status walked = Dict(200, cell).for_each([](const BitString&, Slice) { return ok(); });
  ASSERT_FALSE(walked);
  EXPECT_EQ(walked.error().code(), "dict_too_large");
}

TEST(Dict, RefusesKeysOfAnotherSizeAndChangesOfAugmentedOnes) {
  Dict dict(8);
  EXPECT_FALSE(dict.set(BitString::of(1, 7), value(1)));
  EXPECT_FALSE(dict.find(BitString::of(1, 9)));
  EXPECT_FALSE(dict.erase(BitString::of(1, 9)));
  Dict augmented(8, std::nullopt, DictKind::augmented);
  EXPECT_FALSE(augmented.set(BitString::of(1, 8), value(1)));
}

TEST(Dict, RefusesAValueWithoutRoomBesideItsLabel) {
  Dict dict(256);
  const Builder large = Builder().store_bits(BitString(Bytes(127, 1)));
  const auto refused = dict.set(BitString(Bytes(32, 5)), large);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), "cell_overflow");
  EXPECT_TRUE(dict.empty());
}

TEST(Dict, AnErrorOfTheVisitorEndsTheWalk) {
  const Dict dict = build(8, {{BitString::of(1, 8), 1}, {BitString::of(2, 8), 2}});
  int visited = 0;
  const Status status = dict.for_each([&](const BitString&, Slice) -> Status {
    ++visited;
    return Error(ErrorKind::internal, "enough", "");
  });
  EXPECT_EQ(status.error().code(), "enough");
  EXPECT_EQ(visited, 1);
}

TEST(Dict, BehavesLikeAMap) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    SeededRandom random(seed);
    const auto bits = static_cast<unsigned>(1 + random.below(seed % 2 == 0 ? 10 : 300));
    Dict dict(bits);
    Model model;
    std::vector<BitString> known;
    for (int step = 0; step < 150; ++step) {
      BitString key = random_bits(random, bits);
      if (!known.empty() && random.below(2) == 0) key = known[random.below(known.size())];
      if (random.below(3) == 0) {
        EXPECT_EQ(dict.erase(key).value(), model.erase(key) == 1);
      } else {
        const std::uint64_t number = random.u64();
        EXPECT_TRUE(dict.set(key, value(number)));
        model[key] = number;
        known.push_back(key);
      }
      const auto found = dict.find(key).value();
      EXPECT_EQ(found.has_value(), model.count(key) == 1);
      if (found) {
        EXPECT_EQ(Slice(*found).load_u64(), model[key]);
      }
    }
    EXPECT_EQ(contents(dict), model);
    // The cells depend on the contents, not on the history.
    const Dict fresh = build(bits, model);
    ASSERT_EQ(fresh.empty(), dict.empty());
    if (!dict.empty()) {
      EXPECT_EQ((*fresh.root())->hash(), (*dict.root())->hash());
    }
    for (const auto& [key, number] : model) EXPECT_TRUE(dict.erase(key).value());
    EXPECT_TRUE(dict.empty());
  }
}

/// Takes every entry of the dictionaries of a real cell and builds the dictionary anew.
TEST(Dict, RealDictionariesAreBuiltAnewCellForCell) {
  // The network's configuration: HashmapE 32 ^Cell.
  const CellRef config = parse_boc_root(test::read_bytes("boc/config.boc")).value();
  const Dict real(32, config);
  Dict copy(32);
  std::size_t entries = 0;
  ASSERT_TRUE(real.for_each([&](const BitString& key, Slice in) {
    ++entries;
    return copy.set(key, Builder().store_slice(in));
  }));
  EXPECT_GT(entries, 20u);
  EXPECT_EQ((*copy.root())->hash(), config->hash());
}

}  // namespace
}  // namespace cocoon::ton
