#include "common/heap_holes.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstddef>
#include <fstream>
#include <string>
#include <vector>

namespace cocoon::app {
namespace {

constexpr std::size_t kBlock = 4096;
constexpr std::size_t kPeak = 64 * 1024 * 1024;
constexpr std::size_t kKeptEach = 16;

std::size_t resident_kib() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word == "RssAnon:") break;
  }
  std::size_t kib = 0;
  status >> kib;
  return kib;
}

/// Fills that much memory, and frees all but each sixteenth block, so that glibc can shrink
/// nothing.
std::vector<std::vector<char>> after_a_peak() {
  std::vector<std::vector<char>> kept;
  std::vector<std::vector<char>> peak;
  for (std::size_t i = 0; i * kBlock < kPeak; ++i) {
    (i % kKeptEach == 0 ? kept : peak).emplace_back(kBlock, 'x');
  }
  return kept;
}

TEST(HeapHoles, WhatAPeakLeftBetweenThatWhichIsHeldGoesBackToTheSystem) {
  if (mallinfo2().uordblks == 0) GTEST_SKIP() << "a sanitizer's heap";
  const auto kept = after_a_peak();
  const std::size_t before = resident_kib();
  ASSERT_GT(before * 1024, kPeak * 3 / 4) << "the peak left no holes: this proves nothing";

  HeapHoles().give_back();

  EXPECT_LT(resident_kib() * 1024, kPeak / 4);
}

TEST(HeapHoles, FewHolesStay) {
  if (mallinfo2().uordblks == 0) GTEST_SKIP() << "a sanitizer's heap";
  HeapHoles holes;
  holes.give_back();
  std::vector<std::vector<char>> few;
  for (int i = 0; i < 512; ++i) few.emplace_back(kBlock, 'x');  // 2 MiB
  for (std::size_t i = 0; i < few.size(); ++i) {
    if (i % 2 == 0) std::vector<char>().swap(few[i]);
  }
  const std::size_t before = resident_kib();

  holes.give_back();

  EXPECT_GE(resident_kib() + 64, before);
}

}  // namespace
}  // namespace cocoon::app
