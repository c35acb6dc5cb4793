#include "ton/boc.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/limits.h"
#include "crypto/hash.h"
#include "ton/builder.h"
#include "ton/checksums.h"
#include "unit/ton/vectors.h"

namespace cocoon::ton {
namespace {

using test::random_bits;
using test::SeededRandom;
using test::VectorFile;

TEST(Checksums, GiveThePublishedCheckValues) {
  const ByteView check = as_bytes("123456789");
  EXPECT_EQ(crc16(check), 0x31c3);
  EXPECT_EQ(crc32(check), 0xcbf43926);
  EXPECT_EQ(crc32c(check), 0xe3069283);
  EXPECT_EQ(crc32c(as_bytes("1")), 0x90f599e3);
}

TEST(BocVectors, MalformedBagsAreRefusedWithAReason) {
  std::size_t refused = 0;
  const VectorFile file("boc_malformed.json");
  for (const json::Value v : file.cases()) {
    SCOPED_TRACE(test::text(v, "name"));
    const auto bag = parse_boc(test::base64(v, "boc"));
    EXPECT_EQ(bag.has_value(), test::text(v, "reference_verdict") == "accept");
    if (!bag) {
      ++refused;
      EXPECT_GT(bag.error().detail().size(), 10u);
    }
  }
  EXPECT_GT(refused, 10u);
}

TEST(BocVectors, RootsAreWhatTheReferenceSays) {
  const VectorFile file("boc/expected.json");
  for (const json::Value v : file.cases()) {
    SCOPED_TRACE(test::text(v, "file"));
    const Bytes bytes = test::read_bytes("boc/" + test::text(v, "file"));
    ASSERT_EQ(to_hex(crypto::sha256(bytes)), test::text(v, "sha256"));
    const auto bag = parse_boc(bytes);
    if (v.find("reference_rejects")) {
      EXPECT_FALSE(bag);
      continue;
    }
    ASSERT_TRUE(bag) << bag.error().detail();
    EXPECT_EQ(bag->trailing_bytes, 0u);
    const json::Value roots = v.find("roots");
    ASSERT_EQ(bag->roots.size(), roots.size());
    std::size_t i = 0;
    for (const json::Value root : roots.elements()) {
      const Cell& cell = *bag->roots[i++];
      EXPECT_EQ(to_hex(cell.hash()), test::text(root, "repr_hash"));
      EXPECT_EQ(to_hex(cell.hash(0)), test::text(root, "hash0"));
      EXPECT_EQ(cell.depth(), test::number(root, "depth"));
      EXPECT_EQ(cell.level(), test::number(root, "level"));
      EXPECT_EQ(to_string(cell.type()), test::text(root, "type"));
      EXPECT_EQ(cell.bits(), test::number(root, "bits"));
      EXPECT_EQ(cell.refs().size(), test::number(root, "refs"));
    }
    const auto cells = distinct_cells(bag->roots);
    EXPECT_EQ(cells.size(), test::number(v, "unique_cells"));
    std::map<std::string, std::uint64_t> types;
    for (const Cell* cell : cells) ++types[std::string(to_string(cell->type()))];
    std::map<std::string, std::uint64_t> expected;
    for (const auto& [key_value, key, value] : v.find("cell_types").members()) {
      expected[std::string(key)] = test::number(value);
    }
    EXPECT_EQ(types, expected);
    if (const auto digest = v.find("reserialize_noidx_crc32c_sha256_by_ton_core").as_string();
        digest && bag->roots.size() == 1) {
      EXPECT_EQ(to_hex(crypto::sha256(serialize_boc(bag->roots).value())), *digest);
    }
  }
}

TEST(BocVectors, SerialisesByteForByte) {
  const VectorFile file("boc_serialize.json");
  for (const json::Value v : file.cases()) {
    SCOPED_TRACE(test::text(v, "name"));
    const CellRef cell = test::cell(v, "boc_idx0_crc0");
    EXPECT_EQ(cell->hash(), test::hash(v, "hash"));
    EXPECT_EQ(cell->depth(), test::number(v, "depth"));
    for (const bool index : {false, true}) {
      for (const bool crc : {false, true}) {
        const std::string key =
            std::string("boc_idx") + (index ? "1" : "0") + "_crc" + (crc ? "1" : "0");
        const Bytes expected = test::base64(v, key);
        EXPECT_EQ(serialize_boc(cell, {.index = index, .crc32c = crc}).value(), expected) << key;
        EXPECT_EQ(parse_boc_root(expected).value()->hash(), cell->hash()) << key;
      }
    }
  }
}

/// An empty root over an empty cell, field by field.
struct Spelled {
  std::uint32_t magic = 0xb5ee9c72;
  std::uint8_t flags = 1;
  std::uint8_t offset_bytes = 1;
  Bytes counts{2, 1, 0};
  Bytes size{5};
  Bytes roots{0};
  Bytes index;
  Bytes cells{1, 0, 1, 0, 0};

  Bytes bytes() const {
    return ByteWriter()
        .u32be(magic)
        .u8(flags)
        .u8(offset_bytes)
        .bytes(counts)
        .bytes(size)
        .bytes(roots)
        .bytes(index)
        .bytes(cells)
        .take();
  }
};

template <class Change>
std::string refusal(Change change) {
  Spelled bag;
  change(bag);
  const auto parsed = parse_boc(bag.bytes());
  return parsed ? "accepted" : parsed.error().detail();
}

TEST(Boc, SpelledBagIsGood) {
  EXPECT_EQ(refusal([](Spelled&) {}), "accepted");
  EXPECT_EQ(refusal([](Spelled& b) {
              b.flags = 0x81;
              b.index = {3, 5};
            }),
            "accepted");
  EXPECT_EQ(refusal([](Spelled& b) {
              b.magic = 0x68ff65f3;
              b.roots = {};
              b.index = {3, 5};
            }),
            "accepted");
  EXPECT_EQ(refusal([](Spelled& b) {  // where cells begin
              b.flags = 0x81;
              b.index = {0, 3};
            }),
            "accepted");
  EXPECT_EQ(refusal([](Spelled& b) {
              b.flags = 0xa1;
              b.index = {6, 10};
            }),
            "accepted");
}

TEST(Boc, RefusesBadHeaders) {
  const auto refused = [](auto change, std::string_view part) {
    EXPECT_NE(refusal(change).find(part), std::string::npos) << refusal(change);
  };
  refused([](Spelled& b) { b.magic ^= 1; }, "do not begin");
  refused([](Spelled& b) { b.flags = 0x21; }, "no index");
  refused([](Spelled& b) { b.flags = 0; }, "references of 0 bytes");
  refused([](Spelled& b) { b.flags = 5; }, "references of 5 bytes");
  refused([](Spelled& b) { b.offset_bytes = 0; }, "offsets of 0");
  refused([](Spelled& b) { b.offset_bytes = 9; }, "offsets of 9");
  refused([](Spelled& b) { b.counts[0] = 0; }, "no cells");
  refused([](Spelled& b) { b.counts[1] = 0; }, "no roots");
  refused([](Spelled& b) { b.counts[2] = 3; }, "lacks more cells");
  refused([](Spelled& b) { b.counts[0] = 3; }, "3 cells have 5 bytes");
  refused([](Spelled& b) { b.roots[0] = 2; }, "Root 0");
  refused([](Spelled& b) { b.size[0] = 6; }, "ends before");
  refused(
      [](Spelled& b) {
        b.magic = 0x68ff65f3;
        b.counts[1] = 2;
        b.index = {3, 5};
      },
      "2 roots");
}

TEST(Boc, RefusesAnIndexThatLies) {
  for (const Bytes& index :
       {Bytes{2, 5}, Bytes{3, 4}, Bytes{3, 6}, Bytes{5, 3}, Bytes{0, 0}, Bytes{0, 5}}) {
    EXPECT_NE(refusal([&](Spelled& b) {
                b.flags = 0x81;
                b.index = index;
              }).find("index"),
              std::string::npos);
  }
  for (const Bytes& index : {Bytes{7, 10}, Bytes{6, 11}}) {
    EXPECT_NE(refusal([&](Spelled& b) {
                b.flags = 0xa1;
                b.index = index;
              }).find("cache bit"),
              std::string::npos);
  }
}

TEST(Boc, RefusesAbsentCells) {
  EXPECT_NE(refusal([](Spelled& b) {
              b.cells = {1, 0, 1, 0x17, 0};
            }).find("absent"),
            std::string::npos);
}

TEST(Boc, RefusesALevelMaskThatIsNotThatOfTheReferences) {
  EXPECT_NE(refusal([](Spelled& b) { b.cells[3] = 0x20; }).find("level mask"), std::string::npos);
  // A root may claim more: old writers left the level of the proof around it.
  EXPECT_EQ(refusal([](Spelled& b) { b.cells[0] = 0x21; }), "accepted");
}

TEST(Boc, RefusesRootsOfALevel) {
  ByteWriter data;
  data.u8(1).u8(1).bytes(Bytes(34, 0));
  const CellRef pruned = Cell::create(true, data.take(), 288, {}).value();
  const CellRef parent = Builder().store_ref(pruned).finish().value();
  for (const CellRef& root : {pruned, parent}) {
    const auto bag = parse_boc(serialize_boc(root).value());
    ASSERT_FALSE(bag);
    EXPECT_NE(bag.error().detail().find("level 1"), std::string::npos);
  }
}

TEST(Boc, ChecksStoredHashes) {
  const Hash hash = Cell::empty()->hash();
  const auto with_hash = [&](Hash stored, std::uint8_t depth) {
    return [=](Spelled& b) {
      b.cells = ByteWriter().bytes(Bytes{1, 0, 1, 0x10, 0}).bytes(stored).u8(0).u8(depth).take();
      b.size = {39};
    };
  };
  EXPECT_EQ(refusal(with_hash(hash, 0)), "accepted");
  EXPECT_NE(refusal(with_hash(hash, 1)).find("stored hash"), std::string::npos);
  Hash wrong = hash;
  wrong[31] ^= 1;
  EXPECT_NE(refusal(with_hash(wrong, 0)).find("stored hash"), std::string::npos);
}

TEST(Boc, EveryTruncationIsRefused) {
  const Bytes whole = test::read_bytes("boc/boc_test_L353.boc");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse_boc(ByteView(whole).first(size))) << size;
  }
}

TEST(Boc, EveryChangedBitOfACheckedBagIsRefused) {
  const Bytes whole = test::read_bytes("boc/boc_test_L353.boc");
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    Bytes changed = whole;
    changed[bit / 8] ^= static_cast<std::uint8_t>(0x80 >> bit % 8);
    EXPECT_FALSE(parse_boc_root(changed)) << bit;
  }
}

TEST(Boc, SaysWhatFollowsTheBag) {
  Bytes bytes = Spelled().bytes();
  bytes.push_back(0);
  EXPECT_EQ(parse_boc(bytes).value().trailing_bytes, 1u);
  EXPECT_FALSE(parse_boc_root(bytes));
}

TEST(Boc, RefusesCountsAboveTheLimitsBeforeItAllocates) {
  Spelled bag;
  bag.flags = 4;
  bag.offset_bytes = 8;
  bag.counts = ByteWriter().u32be(0xffffffff).u32be(1).u32be(0).take();
  bag.size = ByteWriter().u64be(std::uint64_t{6} << 32).take();
  const auto cells = parse_boc(bag.bytes());
  ASSERT_FALSE(cells);
  EXPECT_EQ(cells.error().code(), "boc_too_large");
  bag.counts = ByteWriter().u32be(2).u32be(limits::kMaxBocRoots + 1).u32be(0).take();
  EXPECT_EQ(parse_boc(bag.bytes()).error().code(), "boc_too_large");
  // Within the limits, but more than the bytes can hold.
  bag.counts = ByteWriter().u32be(limits::kMaxBocCells).u32be(1).u32be(0).take();
  bag.size = ByteWriter().u64be(6 * limits::kMaxBocCells).take();
  EXPECT_EQ(parse_boc(bag.bytes()).error().code(), "boc_invalid");
  EXPECT_EQ(parse_boc(Bytes(limits::kMaxBocBytes + 1)).error().code(), "boc_too_large");
}

/// A random directed graph without cycles, its cells shared freely.
std::vector<CellRef> random_cells(SeededRandom& random, std::size_t count) {
  std::vector<CellRef> cells;
  while (cells.size() < count) {
    Builder out;
    out.store_bits(random_bits(random, static_cast<unsigned>(random.below(100))));
    const std::uint64_t refs = cells.empty() ? 0 : random.below(5);
    for (std::uint64_t i = 0; i < refs; ++i) out.store_ref(cells[random.below(cells.size())]);
    cells.push_back(out.finish().value());
  }
  return cells;
}

TEST(Boc, RandomBagsRoundTripInEveryForm) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    SeededRandom random(seed);
    const auto cells = random_cells(random, 1 + random.below(400));
    std::vector<CellRef> roots;
    for (std::uint64_t i = 0; i <= random.below(4); ++i) {
      roots.push_back(cells[random.below(cells.size())]);
    }
    std::set<Hash> distinct;
    for (const Cell* cell : distinct_cells(roots))
      EXPECT_TRUE(distinct.insert(cell->hash()).second);
    for (unsigned form = 0; form < 8; ++form) {
      const BocFormat format{
          .index = (form & 1) != 0, .crc32c = (form & 2) != 0, .cache_bits = (form & 4) != 0};
      const Bytes bytes = serialize_boc(roots, format).value();
      const auto bag = parse_boc(bytes);
      ASSERT_TRUE(bag) << bag.error().detail();
      EXPECT_EQ(bag->cells, distinct.size());
      ASSERT_EQ(bag->roots.size(), roots.size());
      for (std::size_t i = 0; i < roots.size(); ++i) {
        EXPECT_EQ(bag->roots[i]->hash(), roots[i]->hash());
      }
      EXPECT_EQ(serialize_boc(bag->roots, format).value(), bytes);
    }
  }
}

}  // namespace
}  // namespace cocoon::ton
