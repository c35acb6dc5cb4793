#include "tee/qgs_message.h"

#include <fmt/format.h>

#include "base/limits.h"

namespace cocoon::tee {
namespace {

constexpr std::uint16_t kMajor = 1;
constexpr std::uint32_t kQuoteQuestion = 0;
constexpr std::uint32_t kQuoteAnswer = 1;

/// qgs_msg_error_t.
std::string_view explain(std::uint32_t error) {
  switch (error) {
    case 0x12001:
      return "an unexpected error: its log on the host says more (journalctl -u qgsd); usually the "
             "platform is not registered with Intel, or the PCCS that QGS asks for the platform's "
             "certificate does not answer or has none";
    case 0x12002: return "the host is out of memory, or of enclave memory";
    case 0x12003:
      return "it does not take the TDREPORT: was this guest migrated, or is QGS on another machine "
             "than the guest?";
    case 0x12004: return "it speaks another version of its protocol than 1: update QGS";
    case 0x12005: return "it does not know this type of message: update QGS";
    case 0x12006: return "it found a wrong size in the message";
    case 0x12007: return "it found a wrong code in the message";
    default: return "an error that this version does not know; the log of QGS says more";
  }
}

Error malformed(std::string what) {
  return Error(ErrorKind::protocol, "qgs_answer_malformed",
               "its answer is malformed: " + std::move(what));
}

}  // namespace

Bytes encode_quote_question(ByteView td_report) {
  constexpr std::size_t kSizes = 8;
  const auto size = static_cast<std::uint32_t>(kQgsHeaderBytes + kSizes + td_report.size());
  ByteWriter out;
  out.u32be(size);
  out.u16le(kMajor).u16le(0).u32le(kQuoteQuestion).u32le(size).u32le(0);
  out.u32le(static_cast<std::uint32_t>(td_report.size())).u32le(0).bytes(td_report);
  return out.take();
}

Result<Bytes> parse_quote_answer(ByteView message) {
  ByteReader in(message);
  const std::uint16_t major = in.u16le();
  in.u16le();  // minor versions only add
  const std::uint32_t type = in.u32le();
  const std::uint32_t size = in.u32le();
  const std::uint32_t error = in.u32le();
  if (in.failed())
    return malformed(fmt::format("it has {} bytes, less than its header", message.size()));
  if (major != kMajor) return malformed(fmt::format("version {}, expected {}", major, kMajor));
  if (type != kQuoteAnswer)
    return malformed(fmt::format("type {}, expected {}", type, kQuoteAnswer));
  if (size != message.size()) {
    return malformed(fmt::format("it names a size of {} bytes and has {}", size, message.size()));
  }
  if (error != 0) {
    return Error(ErrorKind::unavailable, "qgs_refused",
                 fmt::format("it refuses with error 0x{:x}: {}", error, explain(error)));
  }
  const std::uint32_t id_size = in.u32le();
  const std::uint32_t quote_size = in.u32le();
  in.take(id_size);
  const ByteView quote = in.take(quote_size);
  if (!in.finished()) return malformed("its sizes do not add up");
  if (quote.empty()) return malformed("the quote is empty");
  if (quote.size() > limits::kMaxQuoteBytes) {
    return Error(ErrorKind::too_large, "quote_too_large",
                 fmt::format("it made a quote of {} bytes; the limit is {}", quote.size(),
                             limits::kMaxQuoteBytes));
  }
  return to_bytes(quote);
}

}  // namespace cocoon::tee
