#include "report.h"

#include <fmt/format.h>

#include <utility>

#include "codec/hex.h"
#include "codec/json.h"

namespace cocoon::app {

namespace {

/// Column at which values begin, after the longest name that occurs often.
constexpr std::size_t kValueColumn = 24;

/// Makes hostile text harmless to a terminal.
std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte >= 0x7F ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
  }
  return out;
}

void append_line(std::string& out, std::string_view name, std::string_view value) {
  const std::size_t gap = name.size() + 1 < kValueColumn ? kValueColumn - name.size() : 1;
  out += std::string(name) + std::string(gap, ' ') + printable(value) + '\n';
}

std::string indented(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    out += "  " + text.substr(at, end - at) + '\n';
    at = end + 1;
  }
  return out;
}

struct TextWriter {
  std::string& out;
  const Field& field;

  void operator()(std::monostate) const { append_line(out, field.name, "-"); }
  void operator()(const std::string& value) const { append_line(out, field.name, value); }
  void operator()(std::uint64_t value) const {
    append_line(out, field.name, std::to_string(value));
  }
  void operator()(bool value) const { append_line(out, field.name, value ? "yes" : "no"); }
  void operator()(const std::vector<std::string>& values) const {
    if (values.empty()) append_line(out, field.name, "none");
    std::string_view name = field.name;
    for (const std::string& value : values) append_line(out, std::exchange(name, ""), value);
  }
  void operator()(const std::vector<Report>& reports) const {
    for (const Report& report : reports) {
      out += printable(field.name) + '\n' + indented(report.to_text());
    }
  }
};

struct JsonWriter {
  json::Writer& out;
  const Field& field;

  void operator()(std::monostate) const { out.null(); }
  void operator()(const std::string& value) const { out.string(value); }
  void operator()(std::uint64_t value) const { out.u64(value); }
  void operator()(bool value) const { out.boolean(value); }
  void operator()(const std::vector<std::string>& values) const {
    out.begin_array();
    for (const std::string& value : values) out.string(value);
    out.end_array();
  }
  void operator()(const std::vector<Report>& reports) const {
    if (!field.is_list) {
      out.raw(reports.front().to_json());
      return;
    }
    out.begin_array();
    for (const Report& report : reports) out.raw(report.to_json());
    out.end_array();
  }
};

}  // namespace

Report& Report::add(Field field) {
  fields_.push_back(std::move(field));
  return *this;
}

Report& Report::text(std::string name, std::string value) {
  return add({std::move(name), std::move(value)});
}

Report& Report::number(std::string name, std::uint64_t value) {
  return add({std::move(name), value});
}

Report& Report::flag(std::string name, bool value) {
  return add({std::move(name), value});
}

Report& Report::nothing(std::string name) {
  return add({std::move(name), std::monostate{}});
}

Report& Report::list(std::string name, std::vector<std::string> values) {
  return add({std::move(name), std::move(values)});
}

Report& Report::hex(std::string name, ByteView bytes) {
  return text(std::move(name), to_hex(bytes));
}

Report& Report::mask(std::string name, std::uint64_t value) {
  return text(std::move(name), fmt::format("{:#018x}", value));
}

Report& Report::section(std::string name, Report report) {
  std::vector<Report> one;
  one.push_back(std::move(report));
  return add({std::move(name), std::move(one)});
}

Report& Report::sections(std::string name, std::vector<Report> reports) {
  return add({std::move(name), std::move(reports), true});
}

std::string Report::to_json() const {
  json::Writer out;
  out.begin_object();
  for (const Field& field : fields_) {
    out.key(field.name);
    std::visit(JsonWriter{out, field}, field.value);
  }
  return out.end_object().take();
}

std::string Report::to_text() const {
  std::string out;
  for (const Field& field : fields_) std::visit(TextWriter{out, field}, field.value);
  return out;
}

void Report::print(bool json) const {
  if (json) {
    fmt::print("{}\n", to_json());
  } else {
    fmt::print("{}", to_text());
  }
}

}  // namespace cocoon::app
