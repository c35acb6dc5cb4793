#include "rim/rim.h"

#include <fmt/format.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/io.h>
#include <xmlsec/openssl/evp.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmltree.h>

#include <openssl/x509.h>

#include <charconv>
#include <memory>
#include <optional>
#include <vector>

#include "attest/certificate.h"
#include "attest/sha384_certificate.h"
#include "attest/text.h"
#include "base/limits.h"

namespace cocoon::app {

namespace {

using attest::GpuDigest;
using attest::GpuMeasurementSet;

constexpr std::string_view kRootKey =
    "dec1dc316477aa851eebdf51327ae9f864bc8d89254657ed1e7eb9168af1e1a3";

constexpr std::string_view kSwid = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd";
constexpr std::string_view kDsig = "http://www.w3.org/2000/09/xmldsig#";
constexpr std::string_view kHashes = "http://www.w3.org/2001/04/xmlenc#sha384";
constexpr std::string_view kC14n11 = "http://www.w3.org/2006/12/xml-c14n11";
constexpr std::string_view kEnveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
constexpr std::string_view kEcdsaSha384 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384";
constexpr std::string_view kSha384 = "http://www.w3.org/2001/04/xmldsig-more#sha384";

template <class T, auto Free>
struct XmlDeleter {
  void operator()(T* p) const { Free(p); }
};
using DocPtr = std::unique_ptr<xmlDoc, XmlDeleter<xmlDoc, xmlFreeDoc>>;
using SignaturePtr =
    std::unique_ptr<xmlSecDSigCtx, XmlDeleter<xmlSecDSigCtx, xmlSecDSigCtxDestroy>>;
using X509Ptr = std::unique_ptr<X509, XmlDeleter<X509, X509_free>>;

Error refuse(std::string_view code, std::string_view what) {
  return Error(ErrorKind::attestation, code, fmt::format("A manifest (RIM) is refused: {}.", what));
}

std::string_view view(const xmlChar* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

bool is_element(const xmlNode* node, std::string_view space, std::string_view name) {
  return node->type == XML_ELEMENT_NODE && view(node->name) == name && node->ns != nullptr &&
         view(node->ns->href) == space;
}

/// The children of `parent` that are elements of that name.
std::vector<xmlNode*> children(const xmlNode* parent, std::string_view space,
                               std::string_view name) {
  std::vector<xmlNode*> out;
  for (xmlNode* node = parent->children; node != nullptr; node = node->next) {
    if (is_element(node, space, name)) out.push_back(node);
  }
  return out;
}

/// The only child of that name; null where there is none or several.
xmlNode* only_child(const xmlNode* parent, std::string_view space, std::string_view name) {
  const auto found = children(parent, space, name);
  return found.size() == 1 ? found[0] : nullptr;
}

/// How many elements `node` has below itself.
std::size_t count_elements(const xmlNode* node) {
  std::size_t out = 0;
  for (const xmlNode* child = node->children; child != nullptr; child = child->next) {
    if (child->type == XML_ELEMENT_NODE) ++out;
  }
  return out;
}

std::optional<std::string> attribute(xmlNode* node, const char* name, std::string_view space = {}) {
  xmlChar* value = space.empty()
                       ? xmlGetNoNsProp(node, reinterpret_cast<const xmlChar*>(name))
                       : xmlGetNsProp(node, reinterpret_cast<const xmlChar*>(name),
                                      reinterpret_cast<const xmlChar*>(std::string(space).c_str()));
  if (value == nullptr) return std::nullopt;
  std::string out(view(value));
  xmlFree(value);
  return out;
}

std::string content(xmlNode* node) {
  xmlChar* value = xmlNodeGetContent(node);
  std::string out(view(value));
  xmlFree(value);
  return out;
}

/// The library writes what it does not like to standard error; the caller gets an error instead.
void stay_silent(void*, const char*, ...) {}
void stay_silent_xmlsec(const char*, int, const char*, const char*, const char*, int, const char*) {
}

/// Starts both libraries once. Nothing is fetched: xmlsec gets no input callbacks at all.
bool start_libraries() {
  static const bool started = [] {
    xmlInitParser();
    xmlSetGenericErrorFunc(nullptr, stay_silent);
    const bool ok =
        xmlSecInit() == 0 && xmlSecCryptoAppInit(nullptr) == 0 && xmlSecCryptoInit() == 0;
    xmlSecIOCleanupCallbacks();
    xmlSecErrorsSetCallback(stay_silent_xmlsec);
    return ok;
  }();
  return started;
}

Result<DocPtr> parse(std::string_view xml) {
  if (xml.size() > limits::kMaxGpuMeasurementsBytes) {
    return refuse("rim_format", fmt::format("it has {} bytes, and {} are allowed", xml.size(),
                                            limits::kMaxGpuMeasurementsBytes));
  }
  DocPtr doc(xmlReadMemory(xml.data(), static_cast<int>(xml.size()), nullptr, nullptr,
                           XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING));
  if (!doc) return refuse("rim_format", "it is not well-formed XML");
  if (doc->intSubset != nullptr || doc->extSubset != nullptr) {
    return refuse("rim_format", "it has a document type");
  }
  const xmlNode* root = xmlDocGetRootElement(doc.get());
  if (root == nullptr || !is_element(root, kSwid, "SoftwareIdentity")) {
    return refuse("rim_format", "it is no SWID tag");
  }
  return doc;
}

bool names(xmlNode* parent, std::string_view child, std::string_view algorithm) {
  xmlNode* node = only_child(parent, kDsig, child);
  return node != nullptr && attribute(node, "Algorithm") == algorithm;
}

/// Whether the signature says that it covers the whole document, in the one way that is known here.
bool covers_all(xmlNode* info) {
  xmlNode* reference = only_child(info, kDsig, "Reference");
  if (reference == nullptr || attribute(reference, "URI") != "" || count_elements(info) != 3 ||
      !names(info, "CanonicalizationMethod", kC14n11) ||
      !names(info, "SignatureMethod", kEcdsaSha384) || !names(reference, "DigestMethod", kSha384)) {
    return false;
  }
  xmlNode* list = only_child(reference, kDsig, "Transforms");
  if (list == nullptr || count_elements(reference) != 3 || count_elements(list) != 2) return false;
  const auto transforms = children(list, kDsig, "Transform");
  return transforms.size() == 2 && attribute(transforms[0], "Algorithm") == kEnveloped &&
         attribute(transforms[1], "Algorithm") == kC14n11 && count_elements(transforms[0]) == 0 &&
         count_elements(transforms[1]) == 0;
}

/// The certificates of the signature, leaf first.
Result<std::vector<attest::Sha384CertificatePtr>> read_chain(xmlNode* signature) {
  xmlNode* info = only_child(signature, kDsig, "KeyInfo");
  xmlNode* data = info == nullptr ? nullptr : only_child(info, kDsig, "X509Data");
  if (data == nullptr) return refuse("rim_format", "its signature has no certificates");
  std::string pem;
  for (xmlNode* node : children(data, kDsig, "X509Certificate")) {
    pem += "-----BEGIN CERTIFICATE-----\n" + content(node) + "\n-----END CERTIFICATE-----\n";
  }
  auto chain = attest::parse_sha384_chain(pem);
  if (!chain || chain->size() < 2) return refuse("rim_chain", "its certificates are not readable");
  return std::move(chain).value();
}

Status check_chain(const std::vector<attest::Sha384CertificatePtr>& chain, const Hash& root,
                   UnixTime now) {
  if (const auto wrong = attest::check_sha384_links(chain); !wrong.empty()) {
    return refuse("rim_chain", fmt::format("its certificates form no chain ({})", wrong));
  }
  if (chain.back()->key.digest() != root) {
    return refuse("rim_chain", "its certificates lead to another root");
  }
  for (const auto& certificate : chain) {
    if (now < certificate->not_before || now > certificate->not_after) {
      return refuse("rim_expired", fmt::format("the certificate {} is valid from {} to {}",
                                               certificate->common_name,
                                               attest::format_utc(certificate->not_before),
                                               attest::format_utc(certificate->not_after)));
    }
  }
  return ok();
}

/// Checks the XML signature with the leaf's key, whatever else KeyInfo may say.
Status check_signature(xmlNode* signature, const attest::Sha384Certificate& leaf) {
  const ByteView der = leaf.encoded.der();
  const unsigned char* at = der.data();
  const X509Ptr x509(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  EVP_PKEY* key = x509 ? X509_get_pubkey(x509.get()) : nullptr;
  const SignaturePtr context(xmlSecDSigCtxCreate(nullptr));
  if (key == nullptr || !context) return refuse("rim_signature", "its key is unusable");
  xmlSecKeyDataPtr data = xmlSecOpenSSLEvpKeyAdopt(key);
  context->signKey = xmlSecKeyCreate();
  if (data == nullptr || context->signKey == nullptr ||
      xmlSecKeySetValue(context->signKey, data) < 0) {
    return refuse("rim_signature", "its key is unusable");
  }
  context->enabledReferenceUris = xmlSecTransformUriTypeEmpty;
  xmlSecDSigCtxEnableSignatureTransform(context.get(), xmlSecTransformInclC14N11Id);
  xmlSecDSigCtxEnableSignatureTransform(context.get(), xmlSecTransformEcdsaSha384Id);
  xmlSecDSigCtxEnableReferenceTransform(context.get(), xmlSecTransformEnvelopedId);
  xmlSecDSigCtxEnableReferenceTransform(context.get(), xmlSecTransformInclC14N11Id);
  xmlSecDSigCtxEnableReferenceTransform(context.get(), xmlSecTransformSha384Id);
  if (xmlSecDSigCtxVerify(context.get(), signature) < 0 ||
      context->status != xmlSecDSigStatusSucceeded) {
    return refuse("rim_signature", "its signature does not verify");
  }
  return ok();
}

std::optional<std::uint8_t> small_number(const std::optional<std::string>& text) {
  std::uint8_t out = 0;
  if (!text) return std::nullopt;
  const char* end = text->data() + text->size();
  const auto [at, error] = std::from_chars(text->data(), end, out);
  return error == std::errc() && at == end ? std::optional(out) : std::nullopt;
}

/// Reads one measurement into `out`, if it is active.
Status read_resource(xmlNode* node, GpuMeasurementSet::Digests& out) {
  const auto index = small_number(attribute(node, "index"));
  const auto active = attribute(node, "active");
  const auto alternatives = small_number(attribute(node, "alternatives"));
  if (attribute(node, "type") != "Measurement" || attribute(node, "size") != "48" || !index ||
      !alternatives || (active != "True" && active != "False")) {
    return refuse("rim_format", "a measurement has unexpected attributes");
  }
  if (active == "False") return ok();
  auto [entry, fresh] = out.try_emplace(*index);
  if (!fresh) return refuse("rim_format", fmt::format("measurement {} occurs twice", *index));
  for (int i = 0; i < *alternatives; ++i) {
    const auto text = attribute(node, fmt::format("Hash{}", i).c_str(), kHashes);
    const auto digest = text ? attest::decode_hex_array<48>(*text) : std::nullopt;
    if (!digest) {
      return refuse("rim_format", fmt::format("measurement {} lacks its digest {}", *index, i));
    }
    entry->second.push_back(*digest);
  }
  return ok();
}

Result<GpuMeasurementSet> read_payload(const xmlNode* root, attest::GpuPart part) {
  xmlNode* meta = only_child(root, kSwid, "Meta");
  xmlNode* payload = only_child(root, kSwid, "Payload");
  if (meta == nullptr || payload == nullptr) {
    return refuse("rim_format", "it has not exactly one Meta and one Payload");
  }
  const auto chip = attribute(meta, "product");
  const auto version = attribute(meta, "colloquialVersion");
  if (!chip || !version) return refuse("rim_format", "it names no product or no version");
  GpuMeasurementSet::Digests digests;
  for (xmlNode* node : children(payload, kSwid, "Resource")) {
    COCOON_CHECK(read_resource(node, digests));
  }
  return GpuMeasurementSet::create(part, *chip, *version, std::move(digests));
}

}  // namespace

Hash nvidia_rim_root() {
  // A constant of 64 digits: value() cannot fail.
  return attest::decode_hex_array<32>(kRootKey).value();
}

Result<Rim> read_rim(std::string_view xml, attest::GpuPart part, const Hash& root, UnixTime now) {
  if (!start_libraries()) return refuse("rim_signature", "libxmlsec1 did not start");
  COCOON_TRY(const DocPtr doc, parse(xml));
  const xmlNode* tag = xmlDocGetRootElement(doc.get());
  xmlNode* signature = only_child(tag, kDsig, "Signature");
  xmlNode* info = signature == nullptr ? nullptr : only_child(signature, kDsig, "SignedInfo");
  if (info == nullptr || !covers_all(info)) {
    return refuse("rim_format",
                  "it has no signature over all of it in the form that is known here");
  }
  COCOON_TRY(auto chain, read_chain(signature));
  COCOON_CHECK(check_chain(chain, root, now));
  COCOON_CHECK(check_signature(signature, *chain.front()));
  COCOON_TRY(GpuMeasurementSet set, read_payload(tag, part));
  return Rim{std::move(set), std::move(chain)};
}

}  // namespace cocoon::app
