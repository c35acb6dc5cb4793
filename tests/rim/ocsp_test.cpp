#include "rim/ocsp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "attest/text.h"
#include "base/limits.h"
#include "nvidia_services.h"
#include "ocsp_responder.h"
#include "support/https_server.h"
#include "unit/attest/vectors.h"

namespace cocoon::app {
namespace {

using test::Identity;
using test::make_answer;
using test::make_identity;
using test::OcspAnswer;
using test::Role;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const UnixTime kNow = attest::parse_utc("2026-06-01T00:00:00Z").value();
constexpr Seconds kHour{3600};

/// Root, authority and signer, as NVIDIA's manifests have them, and who speaks for the authority.
struct World {
  Identity root = make_identity("Root CA", Role::authority, nullptr, kNow);
  Identity authority = make_identity("Reference Value CA", Role::authority, &root, kNow);
  Identity leaf = make_identity("RIM Signer", Role::signer, &authority, kNow);
  Identity responder = make_identity("OCSP Signer", Role::ocsp_signer, &authority, kNow);
  CheckedChain chain = test::parsed({&leaf, &authority, &root});
  OcspAnswer good{&authority, &responder, V_OCSP_CERTSTATUS_GOOD, kNow - kHour, kNow + kHour};
};

class Ocsp : public ::testing::Test {
 protected:
  OcspQuestion ask(std::uint8_t nonce = 9) const {
    return OcspQuestion::create(world_.chain, Bytes(32, nonce)).value();
  }
  std::string answer(const OcspQuestion& question, const OcspAnswer& how) const {
    return make_answer(std::string(as_text(question.der())), how);
  }
  /// What is said of an answer like `how`; empty: good.
  std::string verdict(const OcspAnswer& how) const {
    const OcspQuestion question = ask();
    return said(question.check(as_bytes(answer(question, how)), kNow));
  }
  static std::string said(const Status& status) {
    return status ? "" : std::string(status.error().code()) + ": " + status.error().detail();
  }

  World world_;
};

TEST_F(Ocsp, OfARevokedCertificateIsRefused) {
  world_.good.status = V_OCSP_CERTSTATUS_REVOKED;
  EXPECT_THAT(verdict(world_.good), HasSubstr("ocsp_revoked"));
  EXPECT_THAT(verdict(world_.good), HasSubstr("keyCompromise"));
  EXPECT_THAT(verdict(world_.good), HasSubstr("RIM Signer"));
}

TEST_F(Ocsp, OfACertificateThatTheServiceDoesNotKnowIsRefused) {
  world_.good.status = V_OCSP_CERTSTATUS_UNKNOWN;
  EXPECT_THAT(verdict(world_.good), HasSubstr("ocsp_unknown"));
}

TEST_F(Ocsp, AboutAnotherCertificateIsRefused) {
  world_.good.about_another = true;
  EXPECT_THAT(verdict(world_.good), HasSubstr("not about this certificate"));
}

TEST_F(Ocsp, WithoutTheNonceIsRefused) {
  world_.good.with_nonce = false;
  EXPECT_THAT(verdict(world_.good), HasSubstr("nonce"));
}

TEST_F(Ocsp, WithAnotherNonceIsRefused) {
  world_.good.with_other_nonce = true;
  EXPECT_THAT(verdict(world_.good), HasSubstr("nonce"));
}

TEST_F(Ocsp, ToAnEarlierQuestionIsRefused) {
  const std::string old = answer(ask(1), world_.good);
  EXPECT_THAT(said(ask(2).check(as_bytes(old), kNow)), HasSubstr("nonce"));
}

TEST_F(Ocsp, OutsideItsDatesIsRefused) {
  const OcspQuestion question = ask();
  const std::string said_then = answer(question, world_.good);
  EXPECT_EQ(said(question.check(as_bytes(said_then), kNow - kHour)), "");
  EXPECT_EQ(said(question.check(as_bytes(said_then), kNow + kHour)), "");
  EXPECT_THAT(said(question.check(as_bytes(said_then), kNow - kHour - Seconds(1))),
              HasSubstr("valid from"));
  EXPECT_THAT(said(question.check(as_bytes(said_then), kNow + kHour + Seconds(1))),
              HasSubstr("valid from"));
}

TEST_F(Ocsp, WithoutAnEndIsRefused) {
  world_.good.next_update = UnixTime{};
  EXPECT_THAT(verdict(world_.good), HasSubstr("nextUpdate"));
}

TEST_F(Ocsp, SignedByAStrangerIsRefused) {
  const Identity stranger_root = make_identity("Root CA", Role::authority, nullptr, kNow);
  const Identity strangers[] = {
      make_identity("OCSP Signer", Role::ocsp_signer, &stranger_root, kNow),
      make_identity("OCSP Signer", Role::ocsp_signer, nullptr, kNow)};
  for (const Identity& stranger : strangers) {
    world_.good.signer = &stranger;
    EXPECT_THAT(verdict(world_.good), HasSubstr("not signed by"));
  }
}

TEST_F(Ocsp, SignedByWhomTheIssuerDidNotCertifyForItIsRefused) {
  const Identity other = make_identity("Other CA", Role::authority, &world_.root, kNow);
  const Identity others_responder = make_identity("OCSP Signer", Role::ocsp_signer, &other, kNow);
  const Identity no_responder = make_identity("OCSP Signer", Role::signer, &world_.authority, kNow);
  const std::initializer_list<const Identity*> signers{&others_responder, &no_responder,
                                                       &world_.leaf, &world_.root};
  for (const Identity* signer : signers) {
    world_.good.signer = signer;
    EXPECT_THAT(verdict(world_.good), HasSubstr("not signed by"));
  }
}

TEST_F(Ocsp, SignedByAResponderWhoseCertificateHasEndedIsRefused) {
  const Identity ended =
      make_identity("OCSP Signer", Role::ocsp_signer, &world_.authority, kNow - 48 * kHour);
  world_.good.signer = &ended;
  EXPECT_THAT(verdict(world_.good), HasSubstr("not signed by"));
}

TEST_F(Ocsp, SignedWithSha1IsRefused) {
  world_.good.digest = EVP_sha1();
  EXPECT_THAT(verdict(world_.good), HasSubstr("not signed by"));
}

TEST_F(Ocsp, WithAnyBitFlippedIsNeverGoodAnew) {
  const OcspQuestion question = ask();
  const std::string bytes = answer(question, world_.good);
  const std::string clean = said(question.check(as_bytes(bytes), kNow));
  ASSERT_EQ(clean, "");
  // What is signed comes first; certificates behind the signature may be changed where they do not
  // matter, so only the first half is asked for.
  for (std::size_t bit = 0; bit < bytes.size() / 4 * 8; bit += 7) {
    std::string changed = bytes;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    EXPECT_NE(said(question.check(as_bytes(changed), kNow)), "") << "bit " << bit;
  }
}

TEST_F(Ocsp, ThatIsNoneIsRefused) {
  const OcspQuestion question = ask();
  const std::string good = answer(question, world_.good);
  const std::string refusal("\x30\x03\x0a\x01\x06", 5);  // unauthorized
  for (const std::string& bytes :
       {std::string(), std::string("<html>"), good + "x", good.substr(0, good.size() - 1),
        std::string(limits::kMaxOcspAnswerBytes + 1, '0'), refusal}) {
    EXPECT_THAT(said(question.check(as_bytes(bytes), kNow)), HasSubstr("ocsp_answer"));
  }
  EXPECT_THAT(said(question.check(as_bytes(refusal), kNow)), HasSubstr("unauthorized"));
}

TEST_F(Ocsp, SignedByTheIssuerOrItsDelegateIsGood) {
  EXPECT_EQ(verdict(world_.good), "");
  world_.good.signer = &world_.authority;
  EXPECT_EQ(verdict(world_.good), "");
  world_.good.digest = EVP_sha256();
  EXPECT_EQ(verdict(world_.good), "");
}

/// Of genuine certificates: questions can be made, and the genuine chain does not refuse them.
TEST_F(Ocsp, AsksAboutNvidiasCertificates) {
  const auto chain = attest::parse_sha384_chain(
      attest::test::read_text(attest::test::vector_dir() / "nvidia" / "hopper-certchain.pem"));
  ASSERT_TRUE(chain);
  EXPECT_TRUE(OcspQuestion::create(*chain, Bytes(32, 1)));
  EXPECT_FALSE(OcspQuestion::create({chain->back()}, Bytes(32, 1)));
  EXPECT_FALSE(OcspQuestion::create(*chain, Bytes(16, 1)));
}

/// The service, over HTTPS.
class OcspService : public Ocsp {
 protected:
  OcspService() {
    options_.ask = true;
    options_.url = server_.url() + "/ocsp";
    options_.ca_file = ca_file_;
  }
  ~OcspService() override { std::filesystem::remove(ca_file_); }

  Result<std::vector<std::string>> found() { return revoked(world_.chain, 0, options_, kNow); }

  /// The answer to the question about the leaf is `leaf_`, to that about its authority good.
  std::string respond(const test::HttpsRequest& request) {
    if (request.method != "POST" || request.path != "/ocsp")
      return test::HttpsServer::reply(400, "", "");
    const int number = ++asked_;
    if (silent_) return {};
    if (status_ != 200) return test::HttpsServer::reply(status_, "", "");
    if (!garbage_.empty()) return test::HttpsServer::reply(200, "", garbage_);
    OcspAnswer how = world_.good;
    if (number == 1) how.status = leaf_status_;
    if (number == 2) {
      how.issuer = &world_.root;
      how.signer = &world_.root;
    }
    return test::HttpsServer::reply(200, "", make_answer(request.body, how));
  }

  int leaf_status_ = V_OCSP_CERTSTATUS_GOOD;
  int status_ = 200;
  bool silent_ = false;
  std::string garbage_;
  std::atomic<int> asked_ = 0;
  std::string ca_file_ = ::testing::TempDir() + "ocsp_ca_" + std::to_string(::getpid()) + ".pem";
  OcspOptions options_;
  test::HttpsServer server_{ca_file_, [this](const auto& request) { return respond(request); }};
};

TEST_F(OcspService, ThatSaysRevokedOrUnknownGivesTheReason) {
  for (const auto& [status, code] : {std::pair(V_OCSP_CERTSTATUS_REVOKED, "ocsp_revoked"),
                                     std::pair(V_OCSP_CERTSTATUS_UNKNOWN, "ocsp_unknown")}) {
    asked_ = 0;
    leaf_status_ = status;
    const auto reasons = found();
    ASSERT_TRUE(reasons) << reasons.error().detail();
    EXPECT_THAT(*reasons, ElementsAre(HasSubstr(code)));
  }
}

TEST_F(OcspService, ThatAnswersGarbageGivesAReasonForEachCertificate) {
  garbage_ = "<html>";
  EXPECT_EQ(found().value().size(), 2u);
}

TEST_F(OcspService, ThatFailsIsAnError) {
  status_ = 500;
  const auto reasons = found();
  ASSERT_FALSE(reasons);
  EXPECT_THAT(reasons.error().detail(), HasSubstr("500"));
  EXPECT_THAT(reasons.error().detail(), HasSubstr(options_.url));
}

TEST_F(OcspService, ThatNeverAnswersIsAnError) {
  silent_ = true;
  EXPECT_FALSE(found());
}

TEST_F(OcspService, WithoutEndIsAnError) {
  garbage_ = std::string(limits::kMaxOcspAnswerBytes + 1, '0');
  EXPECT_FALSE(found());
}

TEST_F(OcspService, ThatIsNotThereIsAnError) {
  server_.stop();
  const auto reasons = found();
  ASSERT_FALSE(reasons);
  EXPECT_THAT(reasons.error().detail(), HasSubstr(options_.url));
}

TEST_F(OcspService, WithACertificateThatNobodyVouchesForIsAnError) {
  options_.ca_file.clear();
  EXPECT_FALSE(found());
  EXPECT_EQ(asked_, 0);
}

TEST_F(OcspService, IsAskedAboutAllButTheRoot) {
  EXPECT_THAT(found().value(), IsEmpty());
  EXPECT_EQ(asked_, 2);
}

}  // namespace
}  // namespace cocoon::app
