// The annotated examples in packaging/.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <regex>

#include "config/roles.h"
#include "unit/config/samples.h"

namespace cocoon::config {
namespace {

using test::error_of;
using ::testing::UnorderedElementsAreArray;

std::string example(const std::string& role) {
  std::ifstream file(std::string(COCOON_SOURCE_DIR) + "/packaging/" + role + ".toml");
  return {std::istreambuf_iterator<char>(file), {}};
}

using Parse = std::function<std::string(const std::string&)>;
const std::pair<std::string, Parse> kRoles[] = {
    {"client", [](const std::string& t) { return error_of(parse_client_config(t, "f")); }},
    {"proxy", [](const std::string& t) { return error_of(parse_proxy_config(t, "f")); }},
    {"worker", [](const std::string& t) { return error_of(parse_worker_config(t, "f")); }},
};

/// The example with its defaults written out (those of the simulated platform and of GPUs excepted,
/// as they contradict the rest).
std::string uncommented(const std::string& text) {
  return std::regex_replace(
      text, std::regex("\n#((?!simulated_dir|gpu_set_files|nvml)[a-z_0-9]+ = )"), "\n$1");
}

TEST(ExampleConfig, IsValidAsItStands) {
  for (const auto& [role, parse] : kRoles) EXPECT_EQ(parse(example(role)), "accepted") << role;
}

TEST(ExampleConfig, IsValidWithItsDefaultsWrittenOut) {
  for (const auto& [role, parse] : kRoles) {
    const std::string text = uncommented(example(role));
    EXPECT_NE(text, example(role));
    EXPECT_EQ(parse(text), "accepted") << role;
  }
}

std::vector<std::string> matches(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  std::vector<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it) {
    found.push_back((*it)[1].str());
  }
  return found;
}

/// The example, cut before each "[table]" line.
std::vector<std::string> sections(const std::string& text) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  while (start != std::string::npos) {
    const std::size_t next = text.find("\n[", start + 1);
    parts.push_back(text.substr(start, next - start));
    start = next;
  }
  return parts;
}

/// All keys of a section, from the message about an unknown one, which lists them.
std::vector<std::string> known_keys(const Parse& parse, std::string text,
                                    const std::string& section) {
  const bool is_top = section.front() != '\n';
  const std::size_t line_end = is_top ? 0 : text.find('\n', text.find(section) + 1) + 1;
  text.insert(line_end, "qqqqqqqqqqqqqqqq = 1\n");
  const std::string error = parse(text);
  const std::size_t list = error.find("there are: ");
  EXPECT_NE(list, std::string::npos) << error;
  return matches(error.substr(std::min(list, error.size())), "[:,] ([a-z_0-9]+)");
}

TEST(ExampleConfig, ExplainsEveryKey) {
  for (const auto& [role, parse] : kRoles) {
    const std::string text = example(role);
    const std::vector<std::string> tables = matches(text, "\n\\[([a-z_]+)\\]");
    for (const std::string& section : sections(text)) {
      std::vector<std::string> shown = matches(section, "\n#?([a-z_0-9]+) = ");
      if (section.front() != '\n') {
        shown.insert(shown.end(), tables.begin(), tables.end());
        shown.emplace_back("ton");  // ton.toml explains it
      }
      EXPECT_THAT(shown, UnorderedElementsAreArray(known_keys(parse, text, section)))
          << role << ".toml" << section.substr(0, section.find('\n', 1));
    }
  }
}

/// A role's example with ton.toml in the place of a local ledger.
std::string on_ton(const std::string& role) {
  return std::regex_replace(example(role), std::regex("\nledger = [^\n]*"), "") + "\n" +
         example("ton");
}

TEST(ExampleConfig, OfTonFitsEveryRole) {
  for (const auto& [role, parse] : kRoles) {
    EXPECT_EQ(parse(on_ton(role)), "accepted") << role;
    const std::string section = sections(on_ton(role)).back();
    EXPECT_THAT(matches(section, "\n#?([a-z_0-9]+) = "),
                UnorderedElementsAreArray(known_keys(parse, on_ton(role), section)));
  }
}

}  // namespace
}  // namespace cocoon::config
