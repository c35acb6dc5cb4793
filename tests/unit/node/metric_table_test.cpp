#include "node/metric_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>

#include "cocoon/result.h"

namespace cocoon::node {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string_view name_of(MetricKind kind) {
  switch (kind) {
    case MetricKind::counter: return "counter";
    case MetricKind::gauge: return "gauge";
    case MetricKind::histogram: return "histogram";
  }
  return "";
}

/// The metric's line in the table of operations.md.
std::string row_of(const Metric& metric) {
  std::ostringstream row;
  row << "| `" << metric.name << "` | " << name_of(metric.kind) << " | ";
  if (metric.label.empty()) {
    row << "-";
  } else {
    row << "`" << metric.label << "`";
  }
  row << " | " << metric.help << " |\n";
  return row.str();
}

TEST(MetricTable, TheManualListsEveryMetricAsItIs) {
  const std::string manual = read(COCOON_SOURCE_DIR "/libcocoon/docs/operations.md");
  for (const Metric& metric : metric_table()) EXPECT_THAT(manual, HasSubstr(row_of(metric)));
}

TEST(MetricTable, TheManualListsNoOther) {
  const std::string manual = read(COCOON_SOURCE_DIR "/libcocoon/docs/operations.md");
  const std::regex row(R"(\n\| `(cocoon_\w+)` \|)");
  for (std::sregex_iterator at(manual.begin(), manual.end(), row), end; at != end; ++at) {
    EXPECT_NE(find_metric((*at)[1].str()), nullptr) << (*at)[1];
  }
}

TEST(MetricTable, HasWhatIsReportedAndNothingElse) {
  const std::regex name(R"re("(cocoon_(client|gateway|proxy|worker|collateral)_\w+)")re");
  std::set<std::string> reported;
  for (const auto& file :
       std::filesystem::recursive_directory_iterator(COCOON_SOURCE_DIR "/libcocoon")) {
    if (file.path().extension() != ".cpp" || file.path().stem() == "metric_table") continue;
    const std::string text = read(file.path());
    for (std::sregex_iterator at(text.begin(), text.end(), name), end; at != end; ++at) {
      const std::string found = (*at)[1];
      if (found.back() != '_') reported.insert(found);  // not a prefix
    }
  }
  std::set<std::string> listed;
  for (const Metric& metric : metric_table()) listed.emplace(metric.name);
  EXPECT_EQ(reported, listed);
}

TEST(MetricTable, KnowsEveryOutcomeOfARequestOfAClient) {
  const Metric* requests = find_metric("cocoon_client_requests_total");
  ASSERT_NE(requests, nullptr);
  std::set<std::string_view> outcomes{"ok"};
  for (int kind = 0; kind <= static_cast<int>(ErrorKind::internal); ++kind) {
    outcomes.insert(to_string(static_cast<ErrorKind>(kind)));
  }
  EXPECT_EQ(std::set<std::string_view>(requests->values.begin(), requests->values.end()), outcomes);
}

TEST(PrometheusMetrics, ACounterThatHasBegunIsZero) {
  const auto metrics = prometheus_metrics();
  begin_metrics(*metrics, "cocoon_proxy_");
  const std::string text = metrics->prometheus_text();
  EXPECT_THAT(text, HasSubstr("cocoon_proxy_requests_total{outcome=\"failed\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("cocoon_proxy_charged_nano_total 0\n"));
  EXPECT_THAT(text, HasSubstr("cocoon_proxy_clients 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("cocoon_worker_"))) << "another role's";
}

TEST(PrometheusMetrics, SaysWhatAMetricIsAndNamesItsLabel) {
  const auto metrics = prometheus_metrics();
  metrics->add("cocoon_gateway_requests_total", 1, "502");
  metrics->add("cocoon_gateway_requests_total", 1, "418");
  const std::string text = metrics->prometheus_text();
  EXPECT_THAT(text,
              HasSubstr("# HELP cocoon_gateway_requests_total HTTP requests that were answered\n"));
  EXPECT_THAT(text, HasSubstr("cocoon_gateway_requests_total{status=\"502\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("cocoon_gateway_requests_total{status=\"418\"} 1\n"));
}

TEST(PrometheusMetrics, AMetricOfAnEmbedderIsKeptAsWell) {
  const auto metrics = prometheus_metrics();
  metrics->add("tenants_total", 2, "gold");
  EXPECT_THAT(metrics->prometheus_text(), HasSubstr("tenants_total{label=\"gold\"} 2\n"));
}

}  // namespace
}  // namespace cocoon::node
