#include "ton/message.h"

#include <gtest/gtest.h>

#include "unit/ton/vectors.h"

namespace cocoon::ton {
namespace {

using test::random_bits;
using test::SeededRandom;

CellRef with(SeededRandom& random, unsigned most_bits, unsigned most_refs) {
  Builder out;
  out.store_bits(random_bits(random, static_cast<unsigned>(random.below(most_bits + 1))));
  for (std::uint64_t i = random.below(most_refs + 1); i > 0; --i) {
    out.store_ref(Builder().store_uint(random.u64(), 64).finish().value());
  }
  return out.finish().value();
}

Address some_address(SeededRandom& random) {
  return {.workchain = kBasechain, .hash = random.array<32>()};
}

StateInit some_state(SeededRandom& random) {
  StateInit init;
  if (random.below(4) == 0) init.fixed_prefix_length = static_cast<std::uint8_t>(random.below(32));
  if (random.below(4) == 0) init.special = {.tick = random.below(2) == 0, .tock = true};
  if (random.below(4) != 0) init.code = with(random, 100, 2);
  if (random.below(4) != 0) init.data = with(random, 100, 2);
  if (random.below(4) == 0) init.libraries = with(random, 100, 2);
  return init;
}

Message some_message(SeededRandom& random) {
  Message m;
  switch (random.below(3)) {
    case 0: {
      InternalInfo info;
      info.bounce = random.below(2) == 0;
      info.bounced = random.below(2) == 0;
      if (random.below(2) == 0) info.source = some_address(random);
      info.destination = some_address(random);
      info.value = Nano{random.u64() >> random.below(64)};
      if (random.below(4) == 0) info.extra_currencies = with(random, 10, 1);
      info.forward_fee = Nano{random.below(1'000'000)};
      info.created_lt = random.u64();
      info.created_at = static_cast<std::uint32_t>(random.u64());
      m.info = info;
      break;
    }
    case 1:
      m.info = ExternalInInfo{.source = ExternAddress{random_bits(random, 40)},
                              .destination = some_address(random),
                              .import_fee = Nano{random.below(1000)}};
      break;
    default:
      m.info = ExternalOutInfo{.source = some_address(random),
                               .destination = NoAddress{},
                               .created_lt = random.u64(),
                               .created_at = 5};
  }
  if (random.below(2) == 0) m.init = some_state(random);
  m.body = with(random, random.below(2) == 0 ? 1023 : 100, 4);
  return m;
}

TEST(Message, RefusesWhatIsNone) {
  EXPECT_FALSE(parse_message(Cell::empty()));
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    SeededRandom random(seed);
    EXPECT_FALSE(parse_message(Builder().store_bits(random_bits(random, 90)).finish().value()));
  }
}

TEST(Message, RefusesWhatFollowsAReferredBody) {
  Message m{.info = ExternalInInfo{}, .init = {}, .body = Cell::empty()};
  Slice good(to_cell(m).value());
  // The same message, with its empty body behind a reference and a bit after that.
  Builder out;
  out.store_bits(good.load_bits(good.bits_left() - 1)).store_bit(true).store_bit(false);
  EXPECT_FALSE(parse_message(out.store_ref(Cell::empty()).finish().value()));
}

TEST(Message, RefusesAStateWithSomethingAfterIt) {
  Builder out;
  out.store_uint(0b10, 2);
  store_address(out, MsgAddress(NoAddress{}));
  store_address(out, Address{});
  out.store_coins({}).store_uint(0b11, 2);
  out.store_ref(Builder().store_uint(0b000001, 6).finish().value()).store_bit(false);
  EXPECT_FALSE(parse_message(out.finish().value()));
}

TEST(Message, AStateLeavesTheBodyItsReference) {
  // The currencies, and the state's three parts beside them, would take all four.
  const CellRef leaf = Cell::empty();
  Message m{.info = InternalInfo{.destination = Address{}, .extra_currencies = leaf},
            .init = StateInit{.code = leaf, .data = leaf, .libraries = leaf},
            .body = Builder().store_uint(1, 8).store_ref(leaf).finish().value()};
  const auto cell = to_cell(m);
  ASSERT_TRUE(cell) << cell.error().detail();
  const auto parsed = parse_message(*cell);
  ASSERT_TRUE(parsed) << parsed.error().detail();
  EXPECT_EQ(parsed->body->hash(), m.body->hash());
  EXPECT_EQ(address_of(*parsed->init).value(), address_of(*m.init).value());
}

TEST(Message, RandomOnesRoundTrip) {
  std::size_t placed_apart = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    SeededRandom random(seed);
    const Message m = some_message(random);
    const auto cell = to_cell(m);
    ASSERT_TRUE(cell) << cell.error().detail();
    const auto parsed = parse_message(*cell);
    ASSERT_TRUE(parsed) << parsed.error().detail();
    EXPECT_EQ(parsed->info.index(), m.info.index());
    EXPECT_EQ(parsed->body->hash(), m.body->hash());
    ASSERT_EQ(parsed->init.has_value(), m.init.has_value());
    if (m.init) {
      EXPECT_EQ(address_of(*parsed->init).value(), address_of(*m.init).value());
      EXPECT_EQ(parsed->init->special, m.init->special);
    }
    EXPECT_EQ(to_cell(*parsed).value()->hash(), (*cell)->hash());
    placed_apart += (*cell)->refs().empty() ? 0 : 1;
  }
  EXPECT_GT(placed_apart, 0u);
}

TEST(Message, RealOnesAreRead) {
  for (const char* name : {"messages_test_L39", "messages_test_L43", "messages_test_L50",
                           "messages_test_L65", "messages_test_L94", "messages_test_L105"}) {
    const CellRef cell =
        parse_boc_root(test::read_bytes("boc/" + std::string(name) + ".boc")).value();
    const auto parsed = parse_message(cell);
    EXPECT_TRUE(parsed) << name << ": " << parsed.error().detail();
  }
}

}  // namespace
}  // namespace cocoon::ton
