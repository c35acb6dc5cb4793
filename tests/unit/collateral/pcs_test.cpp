/// What a PCS or PCCS is asked, and what its answers are taken for.

#include "collateral/pcs.h"

#include <gtest/gtest.h>

#include "codec/hex.h"

namespace cocoon::collateral {
namespace {

const Platform kPlatform{TeeKind::tdx, {0xb0, 0xc0, 0x6f, 0, 0, 0}, PckCa::platform};
constexpr std::string_view kDocument = R"({"tcbInfo":{"id":"TDX"},"signature":"00ff"})";
constexpr std::string_view kChain = "-----BEGIN%20CERTIFICATE-----%0AAA%3D%3D%0A";

std::string refusal(Piece piece, const Answer& answer) {
  attest::CollateralText out;
  const Status status = add(piece, answer, out);
  return status ? "accepted" : std::string(status.error().code());
}

TEST(PcsAnswer, ADocumentWithoutItsChainIsRefused) {
  EXPECT_EQ(refusal(Piece::tcb_info, {std::string(kDocument), ""}), "collateral_malformed");
  EXPECT_EQ(refusal(Piece::tcb_info, {std::string(kDocument), "no%20chain"}),
            "collateral_malformed");
  EXPECT_EQ(refusal(Piece::tcb_info, {std::string(kDocument), std::string(kChain) + "%4"}),
            "collateral_malformed");
}

TEST(PcsAnswer, AnotherDocumentThanAskedForIsRefused) {
  EXPECT_EQ(refusal(Piece::qe_identity, {std::string(kDocument), std::string(kChain)}),
            "collateral_malformed");
  EXPECT_EQ(refusal(Piece::tcb_info, {"<html>", std::string(kChain)}), "collateral_malformed");
}

TEST(PcsAnswer, WhatIsNoListIsRefused) {
  for (const std::string_view body : {"", "\n", "<html>", "x30"}) {
    EXPECT_EQ(refusal(Piece::pck_crl, {std::string(body), ""}), "collateral_malformed") << body;
  }
}

TEST(PcsAnswer, TheSignedBytesOfADocumentAreKept) {
  attest::CollateralText out;
  ASSERT_TRUE(add(Piece::tcb_info,
                  {R"( {"tcbInfo": {"id" : "TDX"} ,"signature":"00ff"})", std::string(kChain)},
                  out));
  EXPECT_EQ(out.tcb_info.text, R"({"id" : "TDX"})");
  EXPECT_EQ(out.tcb_info.signature, "00ff");
  EXPECT_EQ(out.tcb_info.chain, "-----BEGIN CERTIFICATE-----\nAA==\n");
}

TEST(PcsAnswer, AListIsTakenInDerAndInHexadecimal) {
  const Bytes der = from_hex("308201200a").value();
  for (const std::string& body :
       {std::string(as_text(der)), std::string("308201200A\n"), std::string("308201200a")}) {
    attest::CollateralText out;
    ASSERT_TRUE(add(Piece::root_crl, {body, ""}, out));
    EXPECT_EQ(from_hex(*out.root_crl).value(), der);
    EXPECT_FALSE(out.pck_crl);
  }
}

TEST(PcsQuestion, NamesPlatformTeeAndUpdate) {
  Service service;
  EXPECT_EQ(url_of(Piece::tcb_info, service, kPlatform),
            "https://api.trustedservices.intel.com/tdx/certification/v4/"
            "tcb?fmspc=b0c06f000000&update=early");
  service.url = "https://pccs.example:8081/";
  service.update = Update::standard;
  EXPECT_EQ(url_of(Piece::qe_identity, service, {TeeKind::sgx, {}, PckCa::processor}),
            "https://pccs.example:8081/sgx/certification/v4/qe/identity?update=standard");
}

TEST(PcsQuestion, ListsBelongToTheAuthorityNotToTheTee) {
  Service service;
  EXPECT_EQ(url_of(Piece::pck_crl, service, {TeeKind::tdx, {}, PckCa::processor}),
            "https://api.trustedservices.intel.com/sgx/certification/v4/"
            "pckcrl?ca=processor&encoding=der");
  EXPECT_EQ(url_of(Piece::root_crl, service, kPlatform),
            "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der");
  service.url = "https://pccs.example:8081";
  EXPECT_EQ(url_of(Piece::root_crl, service, kPlatform),
            "https://pccs.example:8081/sgx/certification/v4/rootcacrl");
}

TEST(PcsStatus, EveryRefusalSaysWhoAnswersWhatAndWhatToDo) {
  for (const int status : {400, 401, 403, 404, 410, 429, 461, 462, 500, 502, 503}) {
    const Error error = explain_status(Piece::tcb_info, status, "https://pccs.example/x");
    EXPECT_NE(error.detail().find("https://pccs.example/x answers " + std::to_string(status) +
                                  " for the TCB info: "),
              std::string::npos)
        << error.detail();
  }
  EXPECT_EQ(explain_status(Piece::tcb_info, 404, "").kind(), ErrorKind::not_found);
  EXPECT_EQ(explain_status(Piece::tcb_info, 429, "").kind(), ErrorKind::busy);
  EXPECT_EQ(explain_status(Piece::tcb_info, 418, "").kind(), ErrorKind::upstream);
}

}  // namespace
}  // namespace cocoon::collateral
