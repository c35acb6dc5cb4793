#pragma once
/// @file The system's randomness, drawn ahead.

#include "base/random.h"

namespace cocoon::node {

/// Cryptographic randomness from the system, of which small draws are served from bytes that were
/// drawn ahead: a system call costs 1 to 3 µs, and a request draws four times. What is given out is
/// wiped here. The bytes are in a page of their own, which the kernel clears in a forked child and
/// leaves out of core dumps: a child finds none left, and draws its own. Where the system has no
/// such page, nothing is drawn ahead.
///
/// One thread at a time.
class RandomAhead final : public Random {
 public:
  RandomAhead();
  ~RandomAhead() override;
  RandomAhead(const RandomAhead&) = delete;
  RandomAhead& operator=(const RandomAhead&) = delete;

  void fill(std::span<std::uint8_t> out) override;

 private:
  struct Page;
  Page* page_ = nullptr;
};

}  // namespace cocoon::node
