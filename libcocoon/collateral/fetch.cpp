#include "collateral/fetch.h"

#include "base/limits.h"

namespace cocoon::collateral {
namespace {

constexpr Seconds kDeadline{30};  // uncached, Intel's service takes about a second

std::size_t most_bytes(Piece piece) {
  const bool document = piece == Piece::tcb_info || piece == Piece::qe_identity;
  // A PCCS sends lists in hexadecimal.
  return document ? limits::kMaxCollateralJsonBytes : 2 * limits::kMaxCrlBytes;
}

/// A question's answer, put into `out`.
Status take(Piece piece, const std::string& url, const io::HttpAnswer& answer,
            attest::CollateralText& out) {
  if (answer.head.status != 200) return explain_status(piece, answer.head.status, url);
  Answer said{answer.body, {}};
  for (const std::string_view header : chain_headers(piece)) {
    if (said.issuer_chain.empty()) said.issuer_chain = answer.head.field(header);
  }
  return add(piece, said, out);
}

}  // namespace

Result<std::unique_ptr<Fetch>> Fetch::start(io::HttpClient& client, const Service& service,
                                            const Platform& platform,
                                            Callback<void(Result<attest::CollateralText>)> done) {
  auto fetch = std::unique_ptr<Fetch>(new Fetch(std::move(done)));
  for (std::size_t i = 0; i < kPieces.size(); ++i) {
    Question& question = fetch->questions_[i];
    question.piece = kPieces[i];
    question.url = url_of(question.piece, service, platform);
    io::HttpRequest request;
    request.url = question.url;
    request.deadlines.total = kDeadline;
    request.max_body_bytes = most_bytes(question.piece);
    COCOON_TRY(question.transfer,
               io::fetch(client, std::move(request),
                         [self = fetch.get(), &question](const Result<io::HttpAnswer>& answer) {
                           self->answered(question, answer);
                         }));
  }
  return fetch;
}

void Fetch::answered(Question& question, const Result<io::HttpAnswer>& answer) {
  if (!answer) return finish(answer.error());
  if (Status taken = take(question.piece, question.url, *answer, text_); !taken) {
    return finish(taken.error());
  }
  if (++answered_ == questions_.size()) finish(std::move(text_));
}

/// May destroy this.
void Fetch::finish(Result<attest::CollateralText> result) {
  for (Question& question : questions_) question.transfer.cancel();
  auto done = std::move(done_);
  done(std::move(result));
}

}  // namespace cocoon::collateral
