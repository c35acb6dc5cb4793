#pragma once
/// @file What cocoon-attest can do: a file per command. Each prints its result to standard output
/// and says how it ended; an error means that nothing could be judged.

#include <cstdint>
#include <string>
#include <vector>

#include "cocoon/attestation.h"
#include "cocoon/result.h"

namespace cocoon::app {

/// The exit codes. Errors leave with `malformed`, too.
enum class Exit { accepted = 0, refused = 1, malformed = 2 };

/// What evidence is judged by.
struct JudgeOptions {
  std::string at;                 ///< the moment; empty: now
  std::string policy = "strict";  ///< "strict" or a file
  std::string root;               ///< file of the trusted root; empty: Intel's
  bool simulated = false;         ///< the root is a simulated platform's
  std::string gpu_root;           ///< file of the root of simulated GPUs; empty: NVIDIA's
};

struct VerifyCommand {
  std::string quote;
  std::string collateral;
  std::string bundle;  ///< instead of the two above
  JudgeOptions judge;
  bool json = false;
};
Result<Exit> verify(const VerifyCommand& command);
/// verify() of a bundle.
Result<Exit> verify_bundle(const VerifyCommand& command);

/// Shows a quote, a TDREPORT or a certificate, and judges nothing.
Result<Exit> inspect(const std::string& file, bool json);

struct CertificateCommand {
  std::string file;
  std::string collateral;  ///< empty: what needs it is not checked
  JudgeOptions judge;
  bool json = false;
};
Result<Exit> certificate(const CertificateCommand& command);

struct SnpCommand {
  std::string report;
  std::string certificate;      ///< of the key that signed: VCEK or VLEK
  std::string issuers;          ///< PEM: ASK (VLEK: ASVK), then ARK
  std::string revocation_list;  ///< of the ARK; empty: none
  JudgeOptions judge;           ///< its root plays no part: AMD's are compiled in
  bool json = false;
};
Result<Exit> snp(const SnpCommand& command);

/// Whether NVIDIA is asked about revoked certificates.
struct OcspOptions {
  bool ask = false;
  std::string url;
  std::string ca_file;  ///< authorities for the service's TLS certificate; empty: the system's
};

struct GpuCommand {
  std::string evidence;                   ///< NVIDIA's JSON, with one GPU or more
  std::string report;                     ///< instead of it: one GPU's report
  std::string chain;                      ///< and its certificates, PEM
  std::string nonce;                      ///< what the GPUs were to sign, in hexadecimal
  std::string node;                       ///< instead of it: the certificate of the GPUs' node
  std::vector<std::string> measurements;  ///< sets that are relied on; none: no GPU is admitted
  std::vector<std::string> modes;         ///< as GpuMode is written; none: GpuPolicy's own
  std::vector<std::string> devices;       ///< in hexadecimal; none: any genuine one
  std::string at;                         ///< the moment; empty: now
  OcspOptions ocsp;
  bool json = false;
};
Result<Exit> gpu(const GpuCommand& command);

struct RimCommand {
  std::string file;   ///< NVIDIA's manifest, XML
  std::string fetch;  ///< instead of it: the id under which NVIDIA has it
  std::string url;    ///< of the service that has it
  std::string part;   ///< what it is about, as GpuPart is written
  std::string out;    ///< where the measurement set goes; empty: nowhere
  std::string at;     ///< the moment; empty: now
  OcspOptions ocsp;   ///< its ca_file counts for `url`, too
  bool json = false;
};
/// Makes a measurement set of a manifest. The network is used for `fetch` and `ocsp` only.
Result<Exit> rim(const RimCommand& command);

/// Where this machine's own quotes could come from.
struct SourceCommand {
  std::string configfs = EvidenceSource{}.configfs;  ///< where it is mounted
  std::string qgs = QgsAddress{}.to_text();
  std::string simulated_dir;  ///< of a simulated platform; empty: none is asked
  std::string out;            ///< where the first quote goes; empty: nowhere
  bool json = false;
};
/// Asks each source of evidence for a quote. Exit::refused where none gives one.
Result<Exit> source(const SourceCommand& command);

struct EventLogCommand {
  std::vector<std::string> files;  ///< replayed one after another
  std::string quote;               ///< empty: nothing to compare with
  std::string certificate;         ///< has a log among its claims, and a quote; empty: none
  bool json = false;
};
Result<Exit> event_log(const EventLogCommand& command);

/// What a TDX guest boots.
struct ImageCommand {
  std::string firmware;
  std::string kernel;               ///< booted directly; empty: whatever the event log's boot did
  std::string initrd;               ///< empty: none
  std::string command_line;         ///< as given to QEMU
  std::string event_log;            ///< of a boot that is known to be good; empty: none
  std::string mr_config_id;         ///< in hexadecimal; empty: zeros
  std::uint64_t memory = 0;         ///< of the guest, in bytes; 0: not said
  std::string page_order = "page";  ///< as PageOrder is written
  std::string kernel_header =
      "file";  ///< "file": handed over as it is; "qemu": as before QEMU 10.2
  bool json = false;
};
/// Computes the registers that a guest will have, and its image hash. Exit::refused where a
/// register is not determined.
Result<Exit> image(const ImageCommand& command);

/// Whose collateral is fetched, from where, and where it goes.
struct FetchCollateralCommand {
  std::string quote;  ///< of the platform; or the three that follow
  std::string fmspc;
  std::string ca = "platform";
  std::string tee = "tdx";
  std::string url;
  std::string ca_file;  ///< empty: the system's certificates
  std::string update = "early";
  std::string out;  ///< a file or a folder; empty: standard output
};
Result<Exit> fetch_collateral(const FetchCollateralCommand& command);

}  // namespace cocoon::app
