#include "attest/td_report_struct.h"

#include <fmt/format.h>

#include "crypto/hash.h"

namespace cocoon::attest {

namespace {

// The three structures and where they lie.
constexpr std::size_t kMacStructBytes = 256;
constexpr std::size_t kTeeTcbInfoBytes = 239;
constexpr std::size_t kTdInfoAt = 512;

void read_tee_tcb_info(ByteReader in, TdReport& out) {
  (void)in.take(8);  // which of the fields that follow are valid
  read_module_fields(in, out);
  out.current->tee_tcb_svn2 = in.array<16>();
}

void read_td_info(ByteReader in, TdReport& out) {
  read_guest_fields(in, out);
  out.current->mr_service_td = in.array<48>();
}

}  // namespace

Result<TdReportStruct> parse_td_report_struct(ByteView bytes) {
  if (bytes.size() != kTdReportStructBytes) {
    return Error(ErrorKind::attestation, "td_report_format",
                 fmt::format("A TDREPORT has {} bytes, and this has {}.", kTdReportStructBytes,
                             bytes.size()));
  }
  const ByteView tcb_info = bytes.subspan(kMacStructBytes, kTeeTcbInfoBytes);
  const ByteView td_info = bytes.subspan(kTdInfoAt);
  ByteReader in(bytes);
  TdReportStruct out;
  out.type = in.u8();
  out.subtype = in.u8();
  out.version = in.u8();
  (void)in.take(13);
  out.cpu_svn = in.array<16>();
  out.tee_tcb_info_hash = in.array<48>();
  out.td_info_hash = in.array<48>();
  out.td.report_data = in.array<64>();
  out.td.current.emplace();
  read_tee_tcb_info(ByteReader(tcb_info), out.td);
  read_td_info(ByteReader(td_info), out.td);
  out.hashes_match = crypto::sha384(tcb_info) == out.tee_tcb_info_hash &&
                     crypto::sha384(td_info) == out.td_info_hash;
  return out;
}

}  // namespace cocoon::attest
