#pragma once
/// @file The notations of quantities and addresses in configuration files. All are whole texts: no
/// space around, no sign, nothing after.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/money.h"
#include "base/time.h"

namespace cocoon::config {

/// "250ms", "30s", "5m", "2h", "1d". A bare number has no unit and is refused.
std::optional<Millis> parse_duration(std::string_view text);
/// The same notation, in the largest unit that divides it.
std::string format_duration(Millis duration);

/// "512B", "64KiB", "8MiB", "1GiB"; a space may stand before the unit.
std::optional<std::uint64_t> parse_size(std::string_view text);
std::string format_size(std::uint64_t bytes);

/// "0.5 TON": up to nine decimals, exact.
std::optional<Nano> parse_amount(std::string_view text);

/// True for "host:port" with a port from `lowest_port` to 65535. The host is a name, an IPv4
/// address, or an IPv6 address in brackets.
bool is_address(std::string_view text, std::uint32_t lowest_port);
/// The host of such an address, without brackets.
std::string_view host_of(std::string_view address);

/// True where somebody can listen at the host of such an address without a name server: an IPv4 or
/// IPv6 address, or "localhost".
bool is_local_host(std::string_view host);
/// Of those, the ones that only this machine reaches.
bool is_loopback_host(std::string_view host);

/// True for "http://host[:port][/path]" and https, without credentials, query, fragment or a slash
/// at the end.
bool is_http_url(std::string_view text);

/// True for "unix:" and an absolute path that fits into a socket's address.
bool is_unix_socket(std::string_view text);

/// What keeps a worker from serving these models, in words; empty: nothing. Its record has room for
/// so many (protocol.md, section 9).
std::string models_fault(const std::vector<std::string>& models);

/// The number of single-character insertions, deletions and replacements that turn one into the
/// other. For short words.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace cocoon::config
