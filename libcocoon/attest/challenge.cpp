#include "attest/challenge.h"

#include <algorithm>
#include <string_view>

#include "attest/quote.h"
#include "crypto/hash.h"
#include "crypto/merkle.h"

namespace cocoon::attest {
namespace {

constexpr std::string_view kProxyAnswers = "cocoon-answer-proxy-to-worker-v1";
constexpr std::string_view kWorkerAnswers = "cocoon-answer-worker-to-proxy-v1";
constexpr std::string_view kBatch = "cocoon-challenge-batch-v1";
/// The second half of an answer's report_data, zeros after it.
constexpr std::string_view kAnswerMark = "cocoon-challenge-answer-v1";
static_assert(kProxyAnswers.size() == kWorkerAnswers.size());
static_assert(kAnswerMark.size() <= 32);

Error mismatch(std::string_view what) {
  return Error(ErrorKind::attestation, "answer_mismatch",
               "The quote that answers the challenge has another " + std::string(what) +
                   " than the certificate's; a node whose measurements change must make a new "
                   "certificate.");
}

Status check_same(const SgxReport& shown, const SgxReport& answer) {
  if (answer.mr_enclave != shown.mr_enclave) return mismatch("MRENCLAVE");
  if (answer.mr_signer != shown.mr_signer) return mismatch("MRSIGNER");
  if (answer.isv_prod_id != shown.isv_prod_id) return mismatch("ISVPRODID");
  if (answer.isv_svn != shown.isv_svn) return mismatch("ISVSVN");
  if (answer.attributes != shown.attributes) return mismatch("set of attributes");
  if (answer.misc_select != shown.misc_select) return mismatch("MISCSELECT");
  return ok();
}

Status check_same(const TdReport& shown, const TdReport& answer) {
  if (answer.mr_td != shown.mr_td) return mismatch("MRTD");
  if (answer.mr_config_id != shown.mr_config_id) return mismatch("MRCONFIGID");
  if (answer.mr_owner != shown.mr_owner) return mismatch("MROWNER");
  if (answer.mr_owner_config != shown.mr_owner_config) return mismatch("MROWNERCONFIG");
  for (std::size_t i = 0; i < shown.rtmr.size(); ++i) {
    if (answer.rtmr[i] != shown.rtmr[i]) return mismatch("RTMR" + std::to_string(i));
  }
  if (answer.td_attributes != shown.td_attributes) return mismatch("set of TD attributes");
  if (answer.xfam != shown.xfam) return mismatch("XFAM");
  return ok();
}

}  // namespace

Hash challenge_leaf(const ChallengeFacts& facts) {
  const bool proxy = facts.answers == EvidenceRole::proxy;
  ByteWriter out;
  out.bytes(as_bytes(proxy ? kProxyAnswers : kWorkerAnswers))
      .u8(0)
      .bytes(facts.nonce)
      .bytes(facts.exporter)
      .bytes(facts.proxy_leaf)
      .bytes(facts.worker_leaf);
  return crypto::merkle_leaf(out.take());
}

ByteArray<64> challenge_report_data(const Hash& root, std::uint32_t leaves) {
  ByteWriter batch;
  batch.bytes(as_bytes(kBatch)).u8(0).bytes(root).u32be(leaves);
  const Hash hash = crypto::sha256(batch.take());
  ByteArray<64> out{};
  std::copy(hash.begin(), hash.end(), out.begin());
  std::copy(kAnswerMark.begin(), kAnswerMark.end(), out.begin() + hash.size());
  return out;
}

Status check_answer(ByteView answer, const ByteArray<64>& report_data, ByteView shown) {
  COCOON_TRY(const Quote fresh, parse_quote(answer));
  if (fresh.report_data() != report_data) {
    return Error(ErrorKind::attestation, "answer_not_bound",
                 "The quote that answers the challenge is over other report data: it is an answer "
                 "to somebody else, or none.");
  }
  COCOON_TRY(const Quote before, parse_quote(shown));
  if (fresh.body.index() != before.body.index()) return mismatch("kind of environment");
  if (const auto* td = std::get_if<TdReport>(&before.body)) {
    return check_same(*td, std::get<TdReport>(fresh.body));
  }
  return check_same(std::get<SgxReport>(before.body), std::get<SgxReport>(fresh.body));
}

}  // namespace cocoon::attest
