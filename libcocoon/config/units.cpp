#include "config/units.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <string>
#include <vector>

#include "base/limits.h"

namespace cocoon::config {

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr Unit kDurationUnits[] = {
    {"d", 24 * 3600 * 1000}, {"h", 3600 * 1000}, {"m", 60 * 1000}, {"s", 1000}, {"ms", 1}};
constexpr Unit kSizeUnits[] = {
    {"GiB", 1024 * 1024 * 1024}, {"MiB", 1024 * 1024}, {"KiB", 1024}, {"B", 1}};

constexpr unsigned kNanoDigits = 9;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// All of `text` as decimal digits; nothing where it is empty, something else or too large.
std::optional<std::uint64_t> parse_digits(std::string_view text) {
  std::uint64_t value = 0;
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <std::size_t N>
std::optional<std::uint64_t> parse_quantity(std::string_view text, const Unit (&units)[N]) {
  const auto digits_end = std::find_if_not(text.begin(), text.end(), is_digit);
  const auto digits = static_cast<std::size_t>(digits_end - text.begin());
  const auto count = parse_digits(text.substr(0, digits));
  std::string_view unit_name = text.substr(digits);
  if (unit_name.starts_with(' ')) unit_name.remove_prefix(1);
  for (const Unit& unit : units) {
    if (!count || unit.name != unit_name) continue;
    std::uint64_t product = 0;
    if (__builtin_mul_overflow(*count, unit.factor, &product)) return std::nullopt;
    return product;
  }
  return std::nullopt;
}

template <std::size_t N>
std::string format_quantity(std::uint64_t value, const Unit (&units)[N]) {
  for (const Unit& unit : units) {
    if (value != 0 && value % unit.factor == 0) {
      return fmt::format("{}{}", value / unit.factor, unit.name);
    }
  }
  return fmt::format("0{}", units[N - 1].name);
}

bool is_host_character(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
         c == '_';
}

/// A name, an IPv4 address, or a bracketed IPv6 address. Whether it exists is for the resolver.
bool is_host(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) {
    const std::string_view inner = text.substr(1, text.size() - 2);
    return inner.find(':') != std::string_view::npos &&
           inner.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
  }
  return !text.empty() && std::all_of(text.begin(), text.end(), is_host_character);
}

bool is_numeric(int family, std::string_view host) {
  unsigned char bytes[sizeof(in6_addr)];
  return inet_pton(family, std::string(host).c_str(), bytes) == 1;
}

}  // namespace

std::optional<Millis> parse_duration(std::string_view text) {
  const auto millis = parse_quantity(text, kDurationUnits);
  if (!millis || *millis > static_cast<std::uint64_t>(Millis::max().count())) return std::nullopt;
  return Millis(static_cast<std::int64_t>(*millis));
}

std::string format_duration(Millis duration) {
  return format_quantity(static_cast<std::uint64_t>(duration.count()), kDurationUnits);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  return parse_quantity(text, kSizeUnits);
}

std::string format_size(std::uint64_t bytes) {
  return format_quantity(bytes, kSizeUnits);
}

std::optional<Nano> parse_amount(std::string_view text) {
  constexpr std::string_view kUnit = " TON";
  if (!text.ends_with(kUnit)) return std::nullopt;
  text.remove_suffix(kUnit.size());
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  std::string decimals;
  if (point != std::string_view::npos) {
    decimals = text.substr(point + 1);
    if (decimals.empty() || decimals.size() > kNanoDigits) return std::nullopt;
  }
  decimals.resize(kNanoDigits, '0');
  const auto ton = parse_digits(whole);
  const auto nano = parse_digits(decimals);
  std::uint64_t sum = 0;
  if (!ton || !nano || __builtin_mul_overflow(*ton, std::uint64_t{1'000'000'000}, &sum) ||
      __builtin_add_overflow(sum, *nano, &sum)) {
    return std::nullopt;
  }
  return Nano{sum};
}

bool is_address(std::string_view text, std::uint32_t lowest_port) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || !is_host(text.substr(0, colon))) return false;
  const auto port = parse_digits(text.substr(colon + 1));
  return port && *port >= lowest_port && *port <= 65535;
}

std::string_view host_of(std::string_view address) {
  std::string_view host = address.substr(0, address.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host;
}

bool is_local_host(std::string_view host) {
  return host == "localhost" || is_numeric(AF_INET, host) || is_numeric(AF_INET6, host);
}

bool is_loopback_host(std::string_view host) {
  return host == "localhost" || host == "::1" ||
         (is_numeric(AF_INET, host) && host.starts_with("127."));
}

bool is_http_url(std::string_view text) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!text.starts_with(scheme)) continue;
    const std::string_view rest = text.substr(scheme.size());
    const std::size_t slash = rest.find('/');
    const std::string_view authority = rest.substr(0, slash);
    const std::string_view path = slash == std::string_view::npos ? "" : rest.substr(slash);
    const bool path_is_plain = std::all_of(path.begin(), path.end(), [](char c) {
      return is_host_character(c) || c == '/' || c == '~';
    });
    return (is_host(authority) || is_address(authority, 1)) && path_is_plain &&
           !path.ends_with('/');
  }
  return false;
}

bool is_unix_socket(std::string_view text) {
  constexpr std::string_view kPrefix = "unix:";
  if (!text.starts_with("unix:/")) return false;
  const std::string_view path = text.substr(kPrefix.size());
  return path.size() > 1 && path.size() <= limits::kMaxUnixPathBytes &&
         std::none_of(path.begin(), path.end(),
                      [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; });
}

std::string models_fault(const std::vector<std::string>& models) {
  if (models.empty()) return "is empty: a worker serves at least one model";
  if (models.size() > limits::kMaxModelsPerWorker) {
    return fmt::format("has {} models: a worker serves at most {}", models.size(),
                       limits::kMaxModelsPerWorker);
  }
  std::set<std::string_view> seen;
  for (const std::string& model : models) {
    if (model.empty() || model.size() > limits::kMaxModelIdBytes) {
      return fmt::format("has an id of {} bytes: expected 1 to {}", model.size(),
                         limits::kMaxModelIdBytes);
    }
    if (!seen.insert(model).second) return fmt::format("names \"{}\" twice", model);
  }
  return {};
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // One row of the usual table: row[j] is the distance of the prefixes a[0, i) and b[0, j).
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

}  // namespace cocoon::config
