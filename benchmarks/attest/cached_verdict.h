#pragma once
// What a peer costs whose certificate has been judged before.

namespace cocoon::bench {

struct CachedVerdict {
  double evidence_kib = 0;  ///< the certificate with its evidence
  double us = 0;            ///< median
  double growth_kib = 0;    ///< of the process, over a million verdicts
};

/// By the node's verifier, on a loop of its own. Ends the process where anything fails.
CachedVerdict cached_verdict();

}  // namespace cocoon::bench
