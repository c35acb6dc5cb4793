#include "nvidia_services.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "crypto/system_random.h"
#include "on_loop.h"
#include "rim/rim_service.h"

namespace cocoon::app {

namespace {

Result<io::HttpAnswer> ask(io::HttpRequest request, const std::string& ca_file) {
  io::HttpClientOptions options;
  options.ca_file = ca_file;
  request.deadlines.total = limits::kNvidiaDeadline;
  const std::string url = request.url;
  auto answer = run_on_loop<io::HttpAnswer>(
      options, [&request](io::HttpClient& client, auto done) -> Result<std::shared_ptr<void>> {
        COCOON_TRY(io::HttpTransfer transfer,
                   io::fetch(client, std::move(request),
                             [done](const Result<io::HttpAnswer>& said) { done(said); }));
        return std::shared_ptr<void>(std::make_shared<io::HttpTransfer>(std::move(transfer)));
      });
  if (!answer) return std::move(answer).error().within(url);
  return answer;
}

Result<io::HttpAnswer> ask_ocsp(const OcspQuestion& question, const OcspOptions& options) {
  io::HttpRequest request;
  request.method = io::HttpMethod::post;
  request.url = options.url;
  request.fields = {{"Content-Type", "application/ocsp-request"},
                    {"Accept", "application/ocsp-response"}};
  request.body = as_text(question.der());
  request.max_body_bytes = limits::kMaxOcspAnswerBytes;
  return ask(std::move(request), options.ca_file);
}

}  // namespace

Result<std::string> fetch_rim(const std::string& id, const std::string& service,
                              const std::string& ca_file) {
  io::HttpRequest request;
  COCOON_TRY(request.url, rim_url(service, id));
  request.max_body_bytes = limits::kMaxRimAnswerBytes;
  COCOON_TRY(const io::HttpAnswer answer, ask(std::move(request), ca_file));
  return read_rim_answer(answer.head.status, answer.body, id);
}

Result<std::vector<std::string>> revoked(const CheckedChain& chain, std::size_t first,
                                         const OcspOptions& options, UnixTime now) {
  COCOON_CHECK(crypto::initialise());
  std::vector<std::string> out;
  crypto::SystemRandom random;
  for (std::size_t i = first; i + 1 < chain.size(); ++i) {
    ByteArray<32> nonce;
    random.fill(nonce);
    COCOON_TRY(
        const OcspQuestion question,
        OcspQuestion::create({chain.begin() + static_cast<std::ptrdiff_t>(i), chain.end()}, nonce));
    COCOON_TRY(const io::HttpAnswer answer, ask_ocsp(question, options));
    if (answer.head.status != 200) {
      return Error(ErrorKind::upstream, "ocsp_status",
                   fmt::format("{}: the service answers {} to a question about the certificate {}",
                               options.url, answer.head.status, chain[i]->common_name));
    }
    if (const Status good = question.check(as_bytes(answer.body), now); !good) {
      out.push_back(fmt::format("{}: {}", good.error().code(), good.error().detail()));
    }
  }
  return out;
}

}  // namespace cocoon::app
