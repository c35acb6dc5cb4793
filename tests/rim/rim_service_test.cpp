#include "rim/rim_service.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "crypto/hash.h"

namespace cocoon::app {
namespace {

constexpr const char* kId = "NV_GPU_DRIVER_GH100_550.144.03";

/// An answer about `id` with a manifest of this content.
std::string answer(const std::string& id, const std::string& content,
                   const std::string& more = "") {
  return "{\"id\":\"" + id + "\",\"rim\":\"" + to_base64(as_bytes(content)) + "\",\"sha256\":\"" +
         to_hex(crypto::sha256(as_bytes(content))) + "\"" + more + "}";
}

std::string detail(int status, const std::string& body) {
  const auto rim = read_rim_answer(status, body, kId);
  return rim ? "" : rim.error().detail();
}

TEST(RimService, RefusesIdsThatCouldLeadElsewhere) {
  for (const std::string id : {"", "..", "../ids", "a/b", "a?b", "a b", "a%2f", "a\n", "ä"}) {
    EXPECT_FALSE(rim_url(kRimService, id)) << id;
  }
  EXPECT_FALSE(rim_url(kRimService, std::string(limits::kMaxRimIdBytes + 1, 'a')));
}

TEST(RimService, AsksForTheIdBelowTheServicesUrl) {
  EXPECT_EQ(rim_url(kRimService, kId).value(),
            std::string("https://rim.attestation.nvidia.com/v1/rim/") + kId);
  EXPECT_EQ(rim_url("http://x/y", "a").value(), "http://x/y/a");
}

TEST(RimService, ExplainsARefusal) {
  EXPECT_NE(detail(404, "").find("no such manifest"), std::string::npos);
  EXPECT_NE(detail(429, "").find("later"), std::string::npos);
  EXPECT_NE(detail(500, answer(kId, "x")).find("500"), std::string::npos);
}

TEST(RimService, RefusesWhatIsNoAnswer) {
  for (const char* body : {"", "[]", "{}", "<html>", "{\"id\":1,\"rim\":\"\",\"sha256\":\"\"}"}) {
    EXPECT_NE(detail(200, body), "") << body;
  }
}

TEST(RimService, RefusesAnAnswerAboutAnotherId) {
  EXPECT_NE(detail(200, answer("NV_GPU_DRIVER_GH100_1", "x")).find("another id"),
            std::string::npos);
}

TEST(RimService, RefusesAManifestWithAnotherDigest) {
  std::string body = answer(kId, "x");
  const std::size_t at = body.find("sha256") + 10;
  body[at] = body[at] == '0' ? '1' : '0';
  EXPECT_NE(detail(200, body).find("SHA-256"), std::string::npos);
}

TEST(RimService, RefusesAManifestOfAnotherForm) {
  EXPECT_NE(detail(200, answer(kId, "x", ",\"rim_format\":\"CORIM\"")).find("CoRIM"),
            std::string::npos);
}

TEST(RimService, GivesTheManifest) {
  EXPECT_EQ(read_rim_answer(200, answer(kId, "<x/>", ",\"rim_format\":\"TCG\""), kId).value(),
            "<x/>");
  EXPECT_EQ(read_rim_answer(200, answer(kId, "<x/>"), kId).value(), "<x/>");
}

/// What the service answered about a manifest of a network card in April 2025: its digest is of the
/// manifest, and not of its base64.
TEST(RimService, CountsTheDigestAsTheServiceDoes) {
  const std::string body =
      R"({"id":"NV_NIC_FIRMWARE_CX7_28.39.4082-LTS_MCX713104AC-ADA","rim":"2QH02QH20oRYJ6MBOCIDdGFwcGxpY2F0aW9uL3JpbStjYm9yCEuhAKEAZk5WSURJQaBZAgSjAHVDb25uZWN0WC03XzI4LjM5LjQwODIBgVkBcdkB+qIBoQB4HTE1YjMxMDIxMTViMzAwMzMwMC0yOC4zOS40MDgyBKEAgYKhAKEBZk5WSURJQYWiAAEBoQTZAjBEAAAAAaIAAgGhAoGCCFhA+Pbqb6A7sI/P+yi9TNpmpvRq2y663lImANDUpG/fPrwl4XwtejknxYHksQrRlzhZsGTFGpggtB97+nKfIBJCqKIAAwGhAoGCCFhABZivjjixqOC5Y7vbRAW4/tThRa+G0D+qAFjM38dZCesxwRfIGeAqdMOraiM+nZsPKXbPDKqoiVk1Myv4XpBvKKIABAGhAoGCCFhAUs8XLrAtyhkdQF5Z+hd5cbzmR5AvAKxUcLG5mPKpvN73yu/r6d9+hD6ZhqhZwRQh4WK6YtkAVhmsBpMNjeGGt6IABQGhAoGCCFhAasLtx3Usohqois5AevVNWPEJirPftdBjju7Leo92GlkDMjv0fb7tLY097SKVGZQM31GbhTdvtJKtX96m/EhhnQKBogDYIHhJaHR0cHM6Ly9kb2NzLm5kaXMubnZpZGlhLmNvbS9jZXJ0cy9jb3JpbS9udmlkaWEtY29yaW0tc2lnbmVyLWN4Ny1pZC0yLnBlbQGCAVggtQc94Np0/NmSqwaRMVxenH0jnVne/+1CvATlaonzn1pYYOCxC2S5wwewgk0ji4B+oNkTA1XakCk1BWCto8Fg5ra1EKh3evwp9Z9gcESE6pCX4L5d0AmPT4sqkP5O+hUaWUlIWv9M/1Dk/UKd6HghSJXOTeJo4wAMcQXQ8lXU0pDCNA==","sha256":"ca3f3a12d38746dfa9168a3ecd39be4aabb57aab94b83f3b771482e2c3c89e02","last_updated":"2025-03-14T15:09:03.011000","request_id":"ca80a80a-054c-476e-bdd2-7be7e3047fe5"})";
  const auto rim = read_rim_answer(200, body, "NV_NIC_FIRMWARE_CX7_28.39.4082-LTS_MCX713104AC-ADA");
  ASSERT_TRUE(rim) << rim.error().detail();
  EXPECT_EQ(rim->size(), 667u);
}

}  // namespace
}  // namespace cocoon::app
