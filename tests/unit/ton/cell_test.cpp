#include "ton/cell.h"

#include <gtest/gtest.h>

#include "ton/builder.h"
#include "unit/ton/vectors.h"

namespace cocoon::ton {
namespace {

using test::random_bits;
using test::SeededRandom;

CellRef leaf(std::uint64_t value) {
  return Builder().store_uint(value, 64).finish().value();
}

Bytes pruned_data(std::uint8_t mask, std::size_t hashes, std::uint16_t depth = 0) {
  ByteWriter out;
  out.u8(1).u8(mask).bytes(Bytes(32 * hashes, 0xab));
  for (std::size_t i = 0; i < hashes; ++i) out.u16be(depth);
  return out.take();
}

Result<CellRef> exotic(const Bytes& data, std::vector<CellRef> refs = {}) {
  return Cell::create(true, data, static_cast<unsigned>(8 * data.size()), refs);
}

CellRef pruned(std::uint8_t mask, std::size_t hashes) {
  return exotic(pruned_data(mask, hashes)).value();
}

Bytes merkle_data(std::uint8_t type, std::vector<CellRef> refs) {
  ByteWriter out;
  out.u8(type);
  for (const CellRef& ref : refs) out.bytes(ref->hash(0));
  for (const CellRef& ref : refs) out.u16be(static_cast<std::uint16_t>(ref->depth(0)));
  return out.take();
}

TEST(Cell, RefusesWhatDoesNotFit) {
  const Bytes data(128, 0);
  EXPECT_FALSE(Cell::create(false, data, 1024, {}));
  EXPECT_FALSE(Cell::create(false, ByteView(data).first(1), 9, {}));
  const std::vector<CellRef> five(5, Cell::empty());
  EXPECT_FALSE(Cell::create(false, {}, 0, five));
  const std::vector<CellRef> null(1);
  EXPECT_FALSE(Cell::create(false, {}, 0, null));
}

TEST(Cell, RefusesUnknownExoticTypes) {
  for (const std::uint8_t type : Bytes{0, 5, 6, 255}) {
    const auto cell = exotic({type, 1, 2, 3});
    ASSERT_FALSE(cell) << unsigned{type};
    EXPECT_EQ(cell.error().code(), "cell_invalid");
  }
  EXPECT_FALSE(Cell::create(true, Bytes{2}, 7, {}));
}

TEST(Cell, RefusesPrunedBranchesOfAnotherShape) {
  EXPECT_FALSE(exotic({1}));
  EXPECT_FALSE(exotic(pruned_data(0, 0)));
  EXPECT_FALSE(exotic(pruned_data(8, 1)));
  EXPECT_FALSE(exotic(pruned_data(255, 8)));
  EXPECT_FALSE(exotic(pruned_data(1, 2)));
  EXPECT_FALSE(exotic(pruned_data(5, 1)));
  EXPECT_FALSE(exotic(pruned_data(1, 1), {leaf(1)}));
  EXPECT_FALSE(exotic(pruned_data(1, 1, kMaxCellDepth + 1)));
  EXPECT_TRUE(exotic(pruned_data(1, 1, kMaxCellDepth)));
  EXPECT_TRUE(exotic(pruned_data(7, 3)));
}

TEST(Cell, RefusesLibrariesOfAnotherShape) {
  Bytes data(33, 2);
  EXPECT_TRUE(exotic(data));
  EXPECT_FALSE(exotic(data, {leaf(1)}));
  data.push_back(0);
  EXPECT_FALSE(exotic(data));
}

TEST(Cell, RefusesMerkleCellsThatLieAboutTheirReferences) {
  for (const std::uint8_t type : Bytes{3, 4}) {
    std::vector<CellRef> refs{leaf(1)};
    if (type == 4) refs.push_back(leaf(2));
    const Bytes good = merkle_data(type, refs);
    ASSERT_TRUE(exotic(good, refs)) << unsigned{type};
    for (std::size_t at = 1; at < good.size(); ++at) {
      Bytes bad = good;
      bad[at] ^= 1;
      EXPECT_FALSE(exotic(bad, refs)) << unsigned{type} << " byte " << at;
    }
    EXPECT_FALSE(exotic(good, {}));
    Bytes longer = good;
    longer.push_back(0);
    EXPECT_FALSE(exotic(longer, refs));
    refs.push_back(leaf(3));
    EXPECT_FALSE(exotic(good, refs));
  }
}

TEST(Cell, RefusesMoreThanTheLargestDepth) {
  CellRef cell = Cell::empty();
  for (unsigned i = 0; i < kMaxCellDepth; ++i) cell = Builder().store_ref(cell).finish().value();
  EXPECT_EQ(cell->depth(), kMaxCellDepth);
  const auto deeper = Builder().store_ref(cell).finish();
  ASSERT_FALSE(deeper);
  EXPECT_EQ(deeper.error().code(), "cell_invalid");
}

TEST(Cell, PrunedBranchStandsForWhatWasCutOff) {
  const CellRef whole = Builder().store_ref(leaf(1)).store_ref(leaf(2)).finish().value();
  const CellRef cut =
      exotic(ByteWriter().u8(1).u8(1).bytes(leaf(2)->hash()).u16be(0).take()).value();
  const CellRef with_cut = Builder().store_ref(leaf(1)).store_ref(cut).finish().value();
  EXPECT_EQ(with_cut->level(), 1u);
  EXPECT_EQ(with_cut->hash(0), whole->hash());
  EXPECT_NE(with_cut->hash(), whole->hash());
  EXPECT_EQ(with_cut->depth(0), whole->depth());

  const CellRef proof = exotic(merkle_data(3, {with_cut}), {with_cut}).value();
  EXPECT_EQ(proof->level(), 0u);
  EXPECT_EQ(proof->type(), CellType::merkle_proof);
}

TEST(Cell, LevelsSkipThoseThatChangeNothing) {
  const CellRef cell = pruned(0b101, 2);
  EXPECT_EQ(cell->level(), 3u);
  EXPECT_EQ(cell->hash(1), cell->hash(2));
  EXPECT_NE(cell->hash(2), cell->hash(3));
  const CellRef parent = Builder().store_ref(cell).store_ref(pruned(0b010, 1)).finish().value();
  EXPECT_EQ(parent->level_mask().bits, 0b111);
  EXPECT_NE(parent->hash(0), parent->hash(1));
  EXPECT_NE(parent->hash(1), parent->hash(2));
}

TEST(Cell, UnusedBitsOfTheLastByteDoNotCount) {
  const CellRef a = Cell::create(false, Bytes{0xff}, 3, {}).value();
  const CellRef b = Cell::create(false, Bytes{0xe0}, 3, {}).value();
  EXPECT_EQ(a->hash(), b->hash());
  EXPECT_EQ(a->data()[0], 0xe0);
}

TEST(Cell, HashingIsLinearInDistinctCells) {
  // 2^1000 paths, a thousand cells.
  CellRef cell = leaf(1);
  for (int i = 0; i < 1000; ++i) {
    cell =
        Builder().store_ref(cell).store_ref(cell).store_ref(cell).store_ref(cell).finish().value();
  }
  EXPECT_EQ(distinct_cells(std::span(&cell, 1)).size(), 1001u);
  EXPECT_LT(serialize_boc(cell).value().size(), 12'100u);
}

TEST(Builder, RefusesMoreThanACellHolds) {
  Builder bits;
  for (int i = 0; i < 1023; ++i) bits.store_bit(true);
  EXPECT_EQ(bits.bits_left(), 0u);
  EXPECT_TRUE(bits.finish());
  const auto full = bits.store_bit(true).finish();
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code(), "cell_overflow");

  Builder refs;
  for (int i = 0; i < 4; ++i) refs.store_ref(leaf(1));
  EXPECT_TRUE(refs.finish());
  EXPECT_FALSE(refs.store_ref(leaf(1)).finish());
  EXPECT_FALSE(Builder().store_ref(nullptr).finish());
  EXPECT_FALSE(Builder().store_bytes(Bytes(128, 0)).finish());
}

TEST(Builder, RefusesNumbersThatNeedMoreBits) {
  EXPECT_FALSE(Builder().store_uint(256, 8).finish());
  EXPECT_TRUE(Builder().store_uint(255, 8).finish());
  EXPECT_FALSE(Builder().store_uint(1, 0).finish());
  EXPECT_FALSE(Builder().store_uint(0, 65).finish());
  EXPECT_FALSE(Builder().store_int(128, 8).finish());
  EXPECT_FALSE(Builder().store_int(-129, 8).finish());
  EXPECT_TRUE(Builder().store_int(-128, 8).store_int(127, 8).finish());
  EXPECT_FALSE(Builder().store_int(0, 0).finish());
  EXPECT_TRUE(Builder().store_int(INT64_MIN, 64).finish());
}

TEST(Slice, ReadsPastTheEndLatch) {
  Slice in(Builder().store_uint(7, 8).store_ref(leaf(1)).finish().value());
  EXPECT_EQ(in.load_uint(9), 0u);
  EXPECT_TRUE(in.failed());
  EXPECT_EQ(in.load_uint(8), 0u);
  EXPECT_EQ(in.load_ref(), Cell::empty());
  EXPECT_EQ(in.check("The value").error().code(), "cell_unreadable");
}

TEST(Slice, RefusesWhatIsLeft) {
  Slice in(Builder().store_uint(7, 8).finish().value());
  in.load_uint(7);
  EXPECT_TRUE(in.check("The value"));
  EXPECT_FALSE(in.finish("The value"));
  Slice refs(Builder().store_ref(leaf(1)).finish().value());
  EXPECT_FALSE(refs.finish("The value"));
}

TEST(Slice, RefusesExoticCells) {
  Slice in(pruned(1, 1));
  EXPECT_TRUE(in.failed());
  EXPECT_TRUE(in.empty());
  EXPECT_NE(in.check("It").error().detail().find("pruned"), std::string::npos);
  EXPECT_EQ(Slice::of_any(pruned(1, 1)).load_uint(8), 1u);
}

TEST(Slice, RefusesAmountsThatAreNotCanonical) {
  Slice zeros(Builder().store_uint(2, 4).store_uint(1, 16).finish().value());
  EXPECT_EQ(zeros.load_coins(), Nano{});
  EXPECT_TRUE(zeros.failed());
  Slice large(Builder().store_uint(9, 4).store_uint(1, 8).store_uint(0, 64).finish().value());
  (void)large.load_coins();
  EXPECT_TRUE(large.failed());
}

TEST(Slice, WhatWasStoredIsLoaded) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    SeededRandom random(seed);
    Builder out;
    std::vector<std::pair<unsigned, std::uint64_t>> stored;
    out.store_bits(random_bits(random, static_cast<unsigned>(random.below(8))));
    const unsigned skipped = kMaxCellBits - out.bits_left();
    for (;;) {
      const auto bits = static_cast<unsigned>(random.below(65));
      if (bits > out.bits_left()) break;
      const std::uint64_t value = bits == 0 ? 0 : random.u64() >> (64 - bits);
      out.store_uint(value, bits);
      stored.emplace_back(bits, value);
    }
    Slice in(out.finish().value());
    in.skip(skipped);
    for (const auto& [bits, value] : stored) EXPECT_EQ(in.load_uint(bits), value);
    EXPECT_TRUE(in.finish("It"));
  }
}

TEST(Slice, AmountsAndSignedNumbersRoundTrip) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    SeededRandom random(seed);
    const Nano amount{random.u64() >> random.below(64)};
    const auto bits = static_cast<unsigned>(1 + random.below(64));
    const auto number = static_cast<std::int64_t>(random.u64()) >> (64 - bits);
    Slice in(Builder()
                 .store_coins(amount)
                 .store_coins({})
                 .store_coins(kMaxNano)
                 .store_int(number, bits)
                 .finish()
                 .value());
    EXPECT_EQ(in.load_coins(), amount);
    EXPECT_EQ(in.load_coins(), Nano{});
    EXPECT_EQ(in.load_coins(), kMaxNano);
    EXPECT_EQ(in.load_int(bits), number);
    EXPECT_TRUE(in.finish("It"));
  }
}

}  // namespace
}  // namespace cocoon::ton
