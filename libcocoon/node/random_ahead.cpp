#include "node/random_ahead.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

#include "crypto/secret.h"
#include "crypto/system_random.h"

namespace cocoon::node {
namespace {

constexpr std::size_t kBytesAhead = 512;
/// Larger draws are rare, and would leave nothing for the others.
constexpr std::size_t kLargestDraw = 64;

}  // namespace

struct RandomAhead::Page {
  std::size_t left = 0;  // at the front of `bytes`
  ByteArray<kBytesAhead> bytes{};
};

RandomAhead::RandomAhead() {
  void* mapped =
      ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return;
  if (::madvise(mapped, sizeof(Page), MADV_WIPEONFORK) == 0 &&
      ::madvise(mapped, sizeof(Page), MADV_DONTDUMP) == 0) {
    page_ = new (mapped) Page;
  } else {
    (void)::munmap(mapped, sizeof(Page));
  }
}

RandomAhead::~RandomAhead() {
  if (page_ == nullptr) return;
  crypto::wipe(page_->bytes);
  (void)::munmap(page_, sizeof(Page));
}

void RandomAhead::fill(std::span<std::uint8_t> out) {
  if (page_ == nullptr || out.size() > kLargestDraw) return crypto::SystemRandom().fill(out);
  if (page_->left < out.size()) {
    crypto::SystemRandom().fill(page_->bytes);
    page_->left = kBytesAhead;
  }
  page_->left -= out.size();
  const auto from = std::span(page_->bytes).subspan(page_->left, out.size());
  std::copy(from.begin(), from.end(), out.begin());
  crypto::wipe(from);
}

}  // namespace cocoon::node
