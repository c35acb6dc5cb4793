/// Flips every single bit of everything that is signed in three genuine pieces of evidence, and
/// counts what the verifier still trusts, which must be nothing. Prints a table; leaves with 1
/// where anything was trusted.
///
///   bit_flips [VECTOR...]     for example dcap/r01-tdx4-uptodate

#include <fmt/format.h>

#include <cstdio>
#include <functional>

#include "attest/verify.h"
#include "unit/attest/vectors.h"

namespace {

using namespace cocoon;
using namespace cocoon::attest;

struct Count {
  std::uint64_t refused = 0;
  std::uint64_t same_value = 0;  ///< another spelling of the same bytes
  std::uint64_t trusted = 0;     ///< must stay 0
};

enum class Outcome { refused, same_value, trusted };

/// One vector, with everything that does not change parsed once.
class Flips {
 public:
  explicit Flips(const std::string& name)
      : name_(name),
        vector_(test::load_vector(name)),
        base_(Collateral::parse(vector_.collateral)),
        checked_(base_, vector_.root) {}

  bool run() {
    if (judge(vector_.quote, *base_) != Outcome::trusted) {
      fmt::print("| {} | is not trusted as it stands |\n", name_);
      return false;
    }
    flip_quote();
    flip_pck_chain();
    flip_document("TCB info", &CollateralText::tcb_info, true);
    flip_document("QE identity", &CollateralText::qe_identity, false);
    flip_list("root CRL", &CollateralText::root_crl, &Collateral::root_crl);
    flip_list("PCK CRL", &CollateralText::pck_crl, &Collateral::pck_crl);
    return good_;
  }

 private:
  Outcome judge(ByteView quote, const Collateral& collateral) {
    const CheckedCollateral checked(std::make_shared<Collateral>(collateral), vector_.root);
    const bool trusted = verify_quote(quote, checked, vector_.now, cache_).trusted();
    return trusted ? Outcome::trusted : Outcome::refused;
  }

  void flip(const std::string& part, Bytes bytes,
            const std::function<Outcome(const Bytes&)>& judge) {
    Count count;
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ (1 << bit));
        const Outcome outcome = judge(bytes);
        if (outcome == Outcome::trusted) fmt::print("TRUSTED: {} byte {} bit {}\n", part, at, bit);
        ++(outcome == Outcome::trusted   ? count.trusted
           : outcome == Outcome::refused ? count.refused
                                         : count.same_value);
        bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ (1 << bit));
      }
    }
    good_ = good_ && count.trusted == 0;
    fmt::print("| {} | {} | {} | {} | {} | {} |\n", name_, part, 8 * bytes.size(), count.refused,
               count.same_value, count.trusted);
    std::fflush(stdout);
  }

  /// Everything up to the PEM text of the chain, whose line ends nothing protects.
  void flip_quote() {
    const Quote quote = parse_quote(vector_.quote).value();
    pem_at_ =
        static_cast<std::size_t>(quote.signature.certification_data.data() - vector_.quote.data());
    pck_chain_ = decode_pem_certificates(as_text(quote.signature.certification_data)).value();
    const Bytes head(vector_.quote.begin(),
                     vector_.quote.begin() + static_cast<std::ptrdiff_t>(pem_at_));
    Bytes whole = vector_.quote;
    flip("quote up to its chain", head, [&](const Bytes& flipped) {
      std::copy(flipped.begin(), flipped.end(), whole.begin());
      const bool trusted = verify_quote(whole, checked_, vector_.now, cache_).trusted();
      return trusted ? Outcome::trusted : Outcome::refused;
    });
  }

  /// The chain is put beside the quote, so that no length in the quote has to change: nothing signs
  /// that place.
  void flip_pck_chain() {
    Bytes quote = vector_.quote;
    quote[pem_at_ - 6] = static_cast<std::uint8_t>(CertificationType::ppid_rsa3072);
    for (std::size_t i = 0; i < pck_chain_.size(); ++i) {
      flip(fmt::format("PCK chain, certificate {}", i), pck_chain_[i], [&](const Bytes& flipped) {
        Collateral collateral = *base_;
        if (!replace(pck_chain_, i, flipped, collateral.pck_chain)) return Outcome::refused;
        return judge(quote, collateral);
      });
    }
  }

  /// Parses `chain` with one certificate replaced; false where that one cannot be read, which alone
  /// refuses the evidence.
  bool replace(const std::vector<Bytes>& chain, std::size_t index, const Bytes& der,
               Part<std::vector<CertificatePtr>>& out) {
    std::vector<CertificatePtr> certificates;
    for (std::size_t i = 0; i < chain.size(); ++i) {
      auto certificate = i == index ? Certificate::parse(der) : cache_.certificate(chain[i]);
      if (!certificate) return false;
      certificates.push_back(*certificate);
    }
    out = {Part<std::vector<CertificatePtr>>::State::present, std::move(certificates), {}};
    return true;
  }

  void flip_document(const std::string& label, CollateralText::Document CollateralText::*member,
                     bool tcb_info) {
    const CollateralText::Document genuine = vector_.collateral.*member;
    const auto with = [&](const CollateralText::Document& document) {
      CollateralText text;
      text.*member = document;
      (text.*member).chain.reset();
      const CollateralPtr parsed = Collateral::parse(text);
      Collateral out = *base_;
      graft(parsed->tcb_info, tcb_info, out.tcb_info);
      graft(parsed->qe_identity, !tcb_info, out.qe_identity);
      return out;
    };
    flip(label, to_bytes(as_bytes(*genuine.text)), [&](const Bytes& flipped) {
      CollateralText::Document document = genuine;
      document.text = std::string(as_text(flipped));
      return judge(vector_.quote, with(document));
    });
    const auto value = decode_hex(*genuine.signature);
    flip(label + ", signature in hex", to_bytes(as_bytes(*genuine.signature)),
         [&](const Bytes& flipped) {
           CollateralText::Document document = genuine;
           document.signature = std::string(as_text(flipped));
           if (decode_hex(*document.signature) == value) return Outcome::same_value;
           return judge(vector_.quote, with(document));
         });
    const auto chain = decode_pem_certificates(*genuine.chain).value();
    for (std::size_t i = 0; i < chain.size(); ++i) {
      flip(fmt::format("{} chain, certificate {}", label, i), chain[i], [&](const Bytes& flipped) {
        Collateral collateral = *base_;
        auto& out = tcb_info ? collateral.tcb_info.chain : collateral.qe_identity.chain;
        if (!replace(chain, i, flipped, out)) return Outcome::refused;
        return judge(vector_.quote, collateral);
      });
    }
  }

  template <class T>
  static void graft(const SignedDocument<T>& from, bool take, SignedDocument<T>& to) {
    if (!take) return;
    const auto chain = to.chain;
    to = from;
    to.chain = chain;
  }

  void flip_list(const std::string& label, std::optional<std::string> CollateralText::*text,
                 Part<RevocationListPtr> Collateral::*member) {
    flip(label, decode_hex(*(vector_.collateral.*text)).value(), [&](const Bytes& flipped) {
      auto list = RevocationList::parse(flipped);
      if (!list) return Outcome::refused;
      Collateral collateral = *base_;
      (collateral.*member).value = *list;
      return judge(vector_.quote, collateral);
    });
  }

  std::string name_;
  test::Vector vector_;
  CollateralPtr base_;
  CheckedCollateral checked_;
  CertificateCache cache_;
  std::size_t pem_at_ = 0;
  std::vector<Bytes> pck_chain_;
  bool good_ = true;
};

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> names(argv + 1, argv + argc);
  if (names.empty()) {
    names = {"dcap/r01-tdx4-uptodate", "dcap/r02-sgx3-config-swhardening",
             "dcap/r04-tdx5-uptodate"};
  }
  fmt::print("| vector | part | bits | refused | same value | trusted |\n");
  fmt::print("|---|---|---|---|---|---|\n");
  bool good = true;
  for (const std::string& name : names) good = Flips(name).run() && good;
  return good ? 0 : 1;
}
