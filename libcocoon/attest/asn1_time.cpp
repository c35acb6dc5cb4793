#include "attest/asn1_time.h"

#include <ctime>

namespace cocoon::attest {

std::optional<UnixTime> to_time(const ASN1_TIME* time) {
  std::tm fields{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &fields) != 1) return std::nullopt;
  using namespace std::chrono;
  const auto date = year{fields.tm_year + 1900} / (fields.tm_mon + 1) / fields.tm_mday;
  if (!date.ok()) return std::nullopt;
  return UnixTime(sys_days{date}.time_since_epoch() + hours{fields.tm_hour} +
                  minutes{fields.tm_min} + seconds{fields.tm_sec});
}

}  // namespace cocoon::attest
