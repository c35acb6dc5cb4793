// modules: tee
// covers: libcocoon/tee/qgs_message.cpp
//
// The answer of a Quote Generation Service: the host's, which is not trusted. What is read must be
// a part of the answer, within the limit; and no question is taken for an answer.

#include <algorithm>
#include <cstdlib>

#include "base/limits.h"
#include "tee/qgs_message.h"

using namespace cocoon;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView answer(data, size);
  const Bytes question = tee::encode_quote_question(answer);
  if (tee::parse_quote_answer(ByteView(question).subspan(tee::kQgsPrefixBytes))) std::abort();
  const auto quote = tee::parse_quote_answer(answer);
  if (!quote) {
    if (quote.error().detail().empty()) std::abort();
    return 0;
  }
  constexpr std::size_t kBeforeIt = tee::kQgsHeaderBytes + 8;
  if (quote->empty() || quote->size() > limits::kMaxQuoteBytes ||
      size < kBeforeIt + quote->size() || !equal_public(*quote, answer.last(quote->size()))) {
    std::abort();
  }
  return 0;
}
