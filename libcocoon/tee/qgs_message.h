#pragma once
/// @file Messages of Intel's Quote Generation Service (QGS), as bytes. Pure.
///
/// On the wire a message follows its length as a u32, big-endian. All numbers inside are
/// little-endian. Layout and numbers: qgs_msg_lib.h of Intel's DCAP ("QuoteGeneration/
/// quote_wrapper/qgs_msg_lib"), version 1; attestation.md section 3.
///
///     header    u16 major = 1, u16 minor, u32 type, u32 size of the message, u32 error
///     question  (type 0) header, u32 size of report, u32 size of key ids, report, key ids
///     answer    (type 1) header, u32 size of key id, u32 size of quote, key id, quote

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "cocoon/result.h"

namespace cocoon::tee {

/// What stands before every message: its length.
inline constexpr std::size_t kQgsPrefixBytes = 4;
inline constexpr std::size_t kQgsHeaderBytes = 16;

/// The question for a quote over a TDREPORT, with the length before it. It names no key id: QGS
/// takes its only one.
Bytes encode_quote_question(ByteView td_report);

/// The quote in an answer, which comes without the length.
/// Errors: unavailable/qgs_refused with Intel's error in words; protocol/qgs_answer_malformed;
/// too_large/quote_too_large.
Result<Bytes> parse_quote_answer(ByteView message);

}  // namespace cocoon::tee
