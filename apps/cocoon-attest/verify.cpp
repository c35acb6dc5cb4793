#include "base/limits.h"
#include "commands.h"
#include "common/read_file.h"
#include "judge.h"

namespace cocoon::app {

Result<Exit> verify(const VerifyCommand& command) {
  if (!command.bundle.empty()) return verify_bundle(command);
  COCOON_TRY(const Judge judge, Judge::open(command.judge));
  COCOON_TRY(const std::string quote, read_file(command.quote, limits::kMaxQuoteBytes));
  COCOON_TRY(const attest::CollateralText collateral, read_collateral(command.collateral));
  const attest::Verdict verdict = attest::verify_quote(
      as_bytes(quote), attest::Collateral::parse(collateral), judge.root, judge.now);
  const attest::PolicyDecision decision = judge.decide(verdict);
  verdict_report(verdict, decision).print(command.json);
  return exit_of(verdict, decision);
}

}  // namespace cocoon::app
