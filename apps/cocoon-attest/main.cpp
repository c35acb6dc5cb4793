/// cocoon-attest: looks at the evidence of trusted execution environments, and judges it.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>

#include "cocoon/version.h"
#include "collateral/pcs.h"
#include "commands.h"
#include "common/print_error.h"
#include "rim/ocsp.h"
#include "rim/rim_service.h"

namespace {

using namespace cocoon;
using namespace cocoon::app;

constexpr const char* kExamples = R"(
Examples:
  cocoon-attest verify --quote quote.bin --collateral collateral.json --at 2026-01-15T12:00:00Z
  cocoon-attest verify --bundle evidence.json --policy policy.toml
  cocoon-attest inspect quote.bin
  cocoon-attest certificate node.pem --collateral collateral.json
  cocoon-attest eventlog ccel.bin --quote quote.bin
  cocoon-attest image --firmware OVMF.fd --kernel vmlinuz --initrd initrd.img
      --cmdline "console=ttyS0 ro" --event-log ccel.bin
  cocoon-attest fetch-collateral --quote quote.bin --out collateral.json
  cocoon-attest snp --report report.bin --certificate vcek.der --issuers cert_chain.pem --crl crl.der
      --policy policy.toml
  cocoon-attest rim driver.xml --part driver --out driver.set
  cocoon-attest rim --fetch NV_GPU_DRIVER_GH100_550.144.03 --part driver --ocsp --out driver.set
  cocoon-attest gpu --evidence gpus.json --node node.pem --measurements driver.set vbios.set
  cocoon-attest source --out quote.bin

Quotes, reports, TDREPORTs and event logs are raw bytes; certificates PEM or DER; collateral the JSON
layout of the test vectors; policies TOML with the keys of a role's policy section, and [snp]. The
policy "strict" asks for the TCB status UpToDate, no debug or reserved attribute, and
SEPT_VE_DISABLE. Times are UTC. Only fetch-collateral, --fetch and --ocsp use the network; only source this machine.
Exit codes: 0 accepted, 1 refused, 2 malformed or misused.)";

using Action = std::function<Result<Exit>()>;

void add_at(CLI::App& command, std::string& at) {
  command.add_option("--at", at, "The moment to judge at, like 2026-01-15T12:00:00Z; default: now");
}

void add_policy(CLI::App& command, JudgeOptions& o) {
  command.add_option("--policy", o.policy, "\"strict\", or a file in TOML")
      ->type_name("strict|FILE")
      ->capture_default_str();
}

void add_judge(CLI::App& command, JudgeOptions& o) {
  add_at(command, o.at);
  command.add_option("--root", o.root, "Certificate of the trusted root; default: Intel's")
      ->type_name("FILE");
  command.add_flag("--simulated", o.simulated,
                   "The root is of a simulated platform, which proves nothing");
  command
      .add_option("--gpu-root", o.gpu_root,
                  "Certificate of the root of simulated GPUs; goes with --simulated only")
      ->type_name("FILE");
  add_policy(command, o);
}

void add_verify(CLI::App& app, VerifyCommand& o, Action& action) {
  CLI::App* c = app.add_subcommand("verify", "Judge a quote, or a gateway's bundle of evidence");
  CLI::Option* quote = c->add_option("--quote", o.quote, "The quote")->type_name("FILE");
  CLI::Option* collateral =
      c->add_option("--collateral", o.collateral, "What Intel says about its platform")
          ->type_name("FILE");
  CLI::Option* bundle = c->add_option("--bundle", o.bundle, "The answer of GET /v1/cocoon/evidence")
                            ->type_name("FILE");
  quote->needs(collateral);
  collateral->needs(quote);
  bundle->excludes(quote)->excludes(collateral);
  add_judge(*c, o.judge);
  c->add_flag("--json", o.json, "As JSON");
  c->callback([&o, &action] {
    if (o.quote.empty() && o.bundle.empty()) {
      throw CLI::RequiredError("--quote with --collateral, or --bundle,");
    }
    action = [&o] { return verify(o); };
  });
}

struct InspectOptions {
  std::string file;
  bool json = false;
};

void add_inspect(CLI::App& app, InspectOptions& o, Action& action) {
  CLI::App* c =
      app.add_subcommand("inspect", "Show a quote, TDREPORT or certificate without judging it");
  c->add_option("file", o.file, "The file")->required()->type_name("FILE");
  c->add_flag("--json", o.json, "As JSON");
  c->callback([&] { action = [&o] { return inspect(o.file, o.json); }; });
}

void add_certificate(CLI::App& app, CertificateCommand& o, Action& action) {
  CLI::App* c = app.add_subcommand(
      "certificate", "Judge the evidence in an RA-TLS certificate: key, claims, quote");
  c->add_option("file", o.file, "The certificate")->required()->type_name("FILE");
  c->add_option("--collateral", o.collateral,
                "As for verify; without it, TCB status and revocation are not checked")
      ->type_name("FILE");
  add_judge(*c, o.judge);
  c->add_flag("--json", o.json, "As JSON");
  c->callback([&] { action = [&o] { return certificate(o); }; });
}

void add_event_log(CLI::App& app, EventLogCommand& o, Action& action) {
  CLI::App* c = app.add_subcommand("eventlog",
                                   "Replay event logs of a TDX guest, and compare with its quote");
  CLI::Option* files =
      c->add_option("files", o.files, "The logs (CCEL data), in the order of their events")
          ->type_name("FILE");
  CLI::Option* quote = c->add_option("--quote", o.quote, "The quote whose RTMRs the logs must give")
                           ->type_name("FILE");
  c->add_option("--certificate", o.certificate,
                "A node's certificate, for the log that it claims and the quote beside it")
      ->type_name("FILE")
      ->excludes(files)
      ->excludes(quote);
  c->add_flag("--json", o.json, "As JSON");
  c->callback([&] { action = [&o] { return event_log(o); }; });
}

void add_image(CLI::App& app, ImageCommand& o, Action& action) {
  CLI::App* c = app.add_subcommand(
      "image",
      "Compute what a TDX guest will measure, and its image hash, from the files it boots");
  c->add_option("--firmware", o.firmware, "Firmware with TDX metadata, for example OVMF.fd")
      ->required()
      ->type_name("FILE");
  CLI::Option* kernel =
      c->add_option("--kernel", o.kernel,
                    "The kernel, booted without a boot loader; without it, an event log has to say "
                    "what is booted")
          ->type_name("FILE");
  c->add_option("--initrd", o.initrd, "Its initrd; default: none")
      ->needs(kernel)
      ->type_name("FILE");
  c->add_option("--cmdline", o.command_line, "Its command line, as given to QEMU; default: empty")
      ->needs(kernel)
      ->type_name("TEXT");
  c->add_option(
       "--event-log", o.event_log,
       "Log (CCEL data) of a boot that is known to be good, on such a host: for the events "
       "that no file determines")
      ->type_name("FILE");
  c->add_option("--mrconfigid", o.mr_config_id,
                "MRCONFIGID of the guest, 96 digits; default: zeros, as without configuration")
      ->type_name("HEX");
  c->add_option("--memory", o.memory, "Memory of the guest, like 16G")
      ->transform(CLI::AsSizeValue(false));
  c->add_option("--page-order", o.page_order,
                "How the host measures firmware: page by page (Linux from 6.16 on), or by section")
      ->check(CLI::IsMember({"page", "section"}))
      ->capture_default_str();
  c->add_option("--kernel-header", o.kernel_header,
                "How the host hands over the kernel: as the file is (QEMU from 10.2 on), or as "
                "QEMU filled in its header before")
      ->check(CLI::IsMember({"file", "qemu"}))
      ->capture_default_str();
  c->add_flag("--json", o.json, "As JSON");
  c->footer(
      "Each register is \"exact\" (the files and nothing else determine it), \"from the log\" (at "
      "least\none event is the log's), or \"not determined\", with the events that are missing. An "
      "event log is\nnot signed: compare it first with a quote of its boot, by `eventlog "
      "--quote`.\n"
      "Exit codes: 0 where the image hash is determined, 1 where it is not, 2 malformed or "
      "misused.");
  c->callback([&] { action = [&o] { return image(o); }; });
}

void add_fetch_collateral(CLI::App& app, FetchCollateralCommand& o, Action& action) {
  CLI::App* c = app.add_subcommand("fetch-collateral",
                                   "Fetch what Intel says about a platform: what verify takes");
  CLI::Option* quote =
      c->add_option("--quote", o.quote, "A quote of the platform")->type_name("FILE");
  CLI::Option* fmspc =
      c->add_option("--fmspc", o.fmspc, "The platform, instead of a quote")->type_name("HEX");
  quote->excludes(fmspc);
  c->add_option("--ca", o.ca, "With --fmspc: who issued its PCK certificate")
      ->check(CLI::IsMember({"platform", "processor"}))
      ->capture_default_str();
  c->add_option("--tee", o.tee, "With --fmspc: what its quotes are of")
      ->check(CLI::IsMember({"tdx", "sgx"}))
      ->capture_default_str();
  c->add_option("--url", o.url, "Intel's service, or a PCCS like https://pccs.example:8081")
      ->type_name("URL")
      ->capture_default_str();
  c->add_option("--ca-file", o.ca_file,
                "Authorities (PEM) for the service's TLS certificate; default: the system's")
      ->type_name("FILE");
  c->add_option("--update", o.update,
                "early: the newest TCB recovery; standard: that which platforms must have reached")
      ->check(CLI::IsMember({"early", "standard"}))
      ->capture_default_str();
  c->add_option("--out", o.out,
                "Where to put it, a folder being a node's bundle_dir; default: standard output")
      ->type_name("FILE|FOLDER");
  c->callback([&o, &action] {
    if (o.quote.empty() && o.fmspc.empty()) throw CLI::RequiredError("--quote or --fmspc");
    action = [&o] { return fetch_collateral(o); };
  });
}

void add_snp(CLI::App& app, SnpCommand& o, Action& action) {
  CLI::App* c = app.add_subcommand("snp", "Judge an attestation report of an AMD SEV-SNP guest");
  c->add_option("--report", o.report, "The report")->required()->type_name("FILE");
  c->add_option("--certificate", o.certificate, "Of the key that signed it: VCEK or VLEK")
      ->required()
      ->type_name("FILE");
  c->add_option("--issuers", o.issuers,
                "The certificate's issuers, PEM: ASK (or ASVK) and ARK, as AMD's cert_chain")
      ->required()
      ->type_name("FILE");
  c->add_option("--crl", o.revocation_list,
                "AMD's revocation list, DER; without it no ASK is known to be good")
      ->type_name("FILE");
  add_at(*c, o.judge.at);
  add_policy(*c, o.judge);
  c->add_flag("--json", o.json, "As JSON");
  c->footer(
      "AMD publishes no list of what is current, so \"strict\" accepts no guest: a policy "
      "file\nsays it, under [snp.minimum_tcb.Milan] and so on. The trusted roots are AMD's own.");
  c->callback([&] { action = [&o] { return snp(o); }; });
}

void add_ocsp(CLI::App& command, OcspOptions& o) {
  CLI::Option* ask = command.add_flag(
      "--ocsp", o.ask, "Ask NVIDIA about revoked certificates; who has been is refused");
  command.add_option("--ocsp-url", o.url, "Where to ask")
      ->needs(ask)
      ->type_name("URL")
      ->capture_default_str();
  command
      .add_option("--ca-file", o.ca_file,
                  "Authorities (PEM) for the service's TLS certificate; default: the system's")
      ->type_name("FILE");
}

void add_gpu_evidence(CLI::App& c, GpuCommand& o) {
  CLI::Option* evidence =
      c.add_option("--evidence", o.evidence, "One GPU or more, as NVIDIA's tools write them (JSON)")
          ->type_name("FILE");
  CLI::Option* report =
      c.add_option("--report", o.report, "Or one GPU's report: SPDM request and response")
          ->type_name("FILE");
  CLI::Option* chain =
      c.add_option("--chain", o.chain, "And its certificates, PEM")->type_name("FILE");
  report->needs(chain)->excludes(evidence);
  chain->needs(report)->excludes(evidence);
  CLI::Option* nonce =
      c.add_option("--nonce", o.nonce, "What the GPUs had to sign")->type_name("HEX");
  CLI::Option* node =
      c.add_option("--node", o.node,
                   "Or the certificate of their node: its key gives the nonce, and its claims must "
                   "have the evidence's digest")
          ->type_name("FILE");
  nonce->excludes(node);
}

void add_gpu(CLI::App& app, GpuCommand& o, Action& action) {
  CLI::App* c = app.add_subcommand("gpu", "Judge the evidence of a node's NVIDIA GPUs");
  add_gpu_evidence(*c, o);
  c->add_option("--measurements", o.measurements,
                "The measurement sets that are relied on (cocoon-attest rim makes them); without "
                "any, no GPU is accepted")
      ->type_name("FILE");
  c->add_option("--mode", o.modes, "How GPUs may be attached; default: single and multi")
      ->check(CLI::IsMember({"single", "multi", "protected-pcie", "unstated"}));
  c->add_option("--device", o.devices, "The devices that are accepted; default: any genuine one")
      ->type_name("HEX");
  add_at(*c, o.at);
  add_ocsp(*c, o.ocsp);
  c->add_flag("--json", o.json, "As JSON");
  c->footer(
      "Not checked: without --ocsp, whether NVIDIA has revoked a GPU's certificates; and whether "
      "the\nGPUs are attached to the guest. The node's own quote is for `certificate`.");
  c->callback([&o, &action] {
    if (o.evidence.empty() && o.report.empty()) {
      throw CLI::RequiredError("--evidence, or --report with --chain,");
    }
    if (o.nonce.empty() && o.node.empty()) throw CLI::RequiredError("--nonce or --node");
    action = [&o] { return gpu(o); };
  });
}

void add_rim(CLI::App& app, RimCommand& o, Action& action) {
  CLI::App* c = app.add_subcommand(
      "rim", "Check one of NVIDIA's manifests (RIM) and make a measurement set of it");
  CLI::Option* file = c->add_option("file", o.file, "The manifest, XML")->type_name("FILE");
  c->add_option("--fetch", o.fetch,
                "Or NVIDIA's id of it, like NV_GPU_DRIVER_GH100_550.144.03: it is fetched")
      ->excludes(file)
      ->type_name("ID");
  c->add_option("--url", o.url, "Where it is fetched")->type_name("URL")->capture_default_str();
  c->add_option("--part", o.part, "What it is about; it does not say so itself")
      ->required()
      ->check(CLI::IsMember({"driver", "vbios"}));
  c->add_option("--out", o.out, "Where the set goes; default: nowhere")->type_name("FILE");
  add_at(*c, o.at);
  add_ocsp(*c, o.ocsp);
  c->add_flag("--json", o.json, "As JSON");
  c->footer(
      "Not checked: without --ocsp, whether NVIDIA has revoked a signer's certificate; and whether "
      "the\nmanifest is its newest. A set is named by its hash, as sha256sum prints it.");
  c->callback([&o, &action] {
    if (o.file.empty() && o.fetch.empty()) throw CLI::RequiredError("file or --fetch");
    action = [&o] { return rim(o); };
  });
}

void add_source(CLI::App& app, SourceCommand& o, Action& action) {
  CLI::App* c = app.add_subcommand(
      "source", "Ask each source of evidence of this machine for a quote, and say what it lacks");
  c->add_option("--configfs", o.configfs, "Where configfs is mounted")
      ->type_name("DIR")
      ->capture_default_str();
  c->add_option("--qgs", o.qgs, "Intel's Quote Generation Service: vsock:CID:PORT or unix:/path")
      ->type_name("ADDRESS")
      ->capture_default_str();
  c->add_option("--simulated-dir", o.simulated_dir, "Also ask the simulated platform in it")
      ->type_name("DIR");
  c->add_option("--out", o.out, "Where the first quote goes; default: nowhere")->type_name("FILE");
  c->add_flag("--json", o.json, "As JSON");
  c->footer(
      "Run it as the user, and in the container, that the node will have: a node asks in the same "
      "way.\nThe quotes are of random report data, and nothing judges them: that is for `verify`.\n"
      "Exit codes: 0 where a source gave a quote, 1 where none did, 2 misused.");
  c->callback([&] { action = [&o] { return source(o); }; });
}

int run(int argc, char** argv) {
  CLI::App app("Looks at the evidence of trusted execution environments, and judges it.",
               "cocoon-attest");
  app.footer(kExamples);
  app.set_version_flag("--version", std::string("cocoon-attest " COCOON_VERSION_STRING));
  app.require_subcommand(1);
  Action action;
  VerifyCommand verify_options;
  InspectOptions inspect_options;
  CertificateCommand certificate_options;
  EventLogCommand event_log_options;
  SnpCommand snp_options;
  GpuCommand gpu_options;
  RimCommand rim_options;
  gpu_options.ocsp.url = rim_options.ocsp.url = kOcspService;
  rim_options.url = kRimService;
  ImageCommand image_options;
  add_verify(app, verify_options, action);
  add_inspect(app, inspect_options, action);
  add_certificate(app, certificate_options, action);
  add_event_log(app, event_log_options, action);
  add_snp(app, snp_options, action);
  add_gpu(app, gpu_options, action);
  add_rim(app, rim_options, action);
  add_image(app, image_options, action);
  FetchCollateralCommand fetch_options;
  fetch_options.url = collateral::Service{}.url;
  add_fetch_collateral(app, fetch_options, action);
  SourceCommand source_options;
  add_source(app, source_options, action);
  constexpr int kMalformed = static_cast<int>(Exit::malformed);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : kMalformed;
  }
  const Result<Exit> exit = action();
  if (exit) return static_cast<int>(*exit);
  print_error("cocoon-attest", exit.error());
  return kMalformed;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "cocoon-attest: %s\n", e.what());
    return 2;
  }
}
