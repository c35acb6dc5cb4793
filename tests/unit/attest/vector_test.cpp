#include <gtest/gtest.h>

#include "attest/verify.h"
#include "unit/attest/vectors.h"

namespace cocoon::attest {
namespace {

Verdict verify(const test::Vector& vector) {
  return verify_quote(vector.quote, Collateral::parse(vector.collateral), vector.root, vector.now);
}

std::string leading_word(const std::string& text) {
  test::Vector v;
  v.verdict = text;
  return v.verdict_class();
}

class PublicVector : public testing::TestWithParam<std::string> {};

TEST_P(PublicVector, GivesItsVerdictClass) {
  const test::Vector vector = test::load_vector(GetParam());
  const Verdict verdict = verify(vector);
  EXPECT_EQ(leading_word(verdict.text()), vector.verdict_class())
      << verdict.text() << " instead of " << vector.verdict;
  EXPECT_EQ(verdict.text().find("+DEBUG") != std::string::npos,
            vector.verdict.find("+DEBUG") != std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(All, PublicVector, testing::ValuesIn(test::vector_names()),
                         [](const auto& parameter) { return test::test_name(parameter.param); });

}  // namespace
}  // namespace cocoon::attest
