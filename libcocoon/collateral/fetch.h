#pragma once
/// @file Fetches a platform's collateral.

#include <memory>

#include "attest/collateral.h"
#include "cocoon/callback.h"
#include "cocoon/result.h"
#include "collateral/pcs.h"
#include "io/http_client.h"

namespace cocoon::collateral {

/// A fetch under way; destroying it cancels. Loop thread only.
class Fetch {
 public:
  /// Asks for the four pieces side by side. `done` follows on the loop, never inside this call,
  /// and may destroy the fetch: everything that was fetched, or the first error.
  /// @param client outlives the fetch
  /// Errors: invalid_argument/bad_url. Later: those of io::fetch, explain_status() and add().
  static Result<std::unique_ptr<Fetch>> start(io::HttpClient& client, const Service& service,
                                              const Platform& platform,
                                              Callback<void(Result<attest::CollateralText>)> done);

 private:
  struct Question {
    Piece piece{};
    std::string url;
    io::HttpTransfer transfer;
  };

  explicit Fetch(Callback<void(Result<attest::CollateralText>)> done) : done_(std::move(done)) {}
  void answered(Question& question, const Result<io::HttpAnswer>& answer);
  void finish(Result<attest::CollateralText> result);

  Callback<void(Result<attest::CollateralText>)> done_;
  std::array<Question, kPieces.size()> questions_;
  std::size_t answered_ = 0;
  attest::CollateralText text_;
};

}  // namespace cocoon::collateral
