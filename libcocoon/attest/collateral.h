#pragma once
/// @file What a verifier needs beside the quote: Intel's signed documents, the revocation lists and
/// the chains of their signers. Parsed here, believed by nobody yet.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attest/certificate.h"
#include "attest/tcb_info.h"
#include "cocoon/result.h"

namespace cocoon::attest {

/// Collateral as text, as it is fetched, stored and handed on.
struct CollateralText {
  /// One signed document.
  struct Document {
    std::optional<std::string> text;       ///< the exact bytes that were signed
    std::optional<std::string> signature;  ///< hexadecimal r ‖ s
    std::optional<std::string> chain;      ///< PEM: signer, root
  };
  Document tcb_info;
  Document qe_identity;
  std::optional<std::string> root_crl;  ///< DER in hexadecimal
  std::optional<std::string> pck_crl;   ///< DER in hexadecimal
  /// PEM: PCK certificate, its CA, root. Only for quotes that do not carry their chain.
  std::optional<std::string> pck_chain;

  /// Reads the members `tcb_info`, `tcb_info_signature`, `tcb_info_issuer_chain`, `qe_identity`
  /// (and its two), `root_ca_crl`, `pck_crl`, `pck_certificate_chain`; each a string, null or
  /// absent.
  /// Errors: invalid_argument/collateral_format.
  static Result<CollateralText> from_json(std::string_view json);
  /// Writes that form.
  std::string to_json() const;
};

/// A response body of Intel's PCS or a PCCS, `{"tcbInfo": {...}, "signature": "..."}`, taken apart.
/// `name` is "tcbInfo" or "enclaveIdentity". The chain comes in a header, not here.
/// Errors: invalid_argument/collateral_format.
Result<CollateralText::Document> split_pcs_response(std::string_view body, std::string_view name);

/// A piece of collateral that may be missing, or there and unreadable.
template <class T>
struct Part {
  enum class State : std::uint8_t { missing, malformed, present };
  State state = State::missing;
  std::optional<T> value;  ///< iff present
  std::string problem;     ///< iff malformed: what was wrong

  bool missing() const { return state == State::missing; }
  bool malformed() const { return state == State::malformed; }
  explicit operator bool() const { return state == State::present; }
  const T* operator->() const { return &*value; }
  const T& operator*() const { return *value; }
};

/// A document with what vouches for it.
template <class T>
struct SignedDocument {
  std::string text;
  Part<T> content;
  Part<P256Signature> signature;
  Part<std::vector<CertificatePtr>> chain;
};

/// Parsed collateral. Immutable, shared between threads.
struct Collateral {
  SignedDocument<TcbInfo> tcb_info;
  SignedDocument<QeIdentity> qe_identity;
  Part<RevocationListPtr> root_crl;
  Part<RevocationListPtr> pck_crl;
  Part<std::vector<CertificatePtr>> pck_chain;
  /// SHA-256 over everything above: what a verdict cache keys on.
  Hash digest{};

  /// Never fails as a whole: what is wrong with a part becomes the verdict's fault.
  static std::shared_ptr<const Collateral> parse(const CollateralText& text);
};
using CollateralPtr = std::shared_ptr<const Collateral>;

}  // namespace cocoon::attest
