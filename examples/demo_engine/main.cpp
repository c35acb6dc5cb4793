/// cocoon-demo-engine: the engine of quickstart, tests and benchmarks. It is no model.

#include <uv.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

#include "cocoon/version.h"
#include "demo_engine/demo_engine.h"
#include "io/signals.h"

namespace {

using namespace cocoon;

constexpr char kAbout[] =
    "An OpenAI-compatible HTTP server that is NO MODEL: it answers with filler text of a given\n"
    "length and pace, for quickstart, tests and benchmarks. See examples/demo_engine/README.md.";

struct CommandLine {
  std::string listen = "127.0.0.1:0";
  std::vector<std::string> models{"demo/echo"};
  demo::Shape shape;
  std::int64_t delay_ms = 0;
  std::int64_t first_delay_ms = 0;
};

void describe(CLI::App& app, CommandLine& line) {
  app.set_version_flag("--version", std::string("cocoon-demo-engine " COCOON_VERSION_STRING));
  app.add_option("--listen", line.listen, "ADDR:PORT or unix:/PATH; port 0: any")
      ->capture_default_str();
  app.add_option("--model", line.models, "model id to serve; may be given several times")
      ->capture_default_str();
  app.add_option("--chunks", line.shape.chunks, "chunks of an answer")->capture_default_str();
  app.add_option("--chunk-bytes", line.shape.chunk_bytes, "bytes of text per chunk")
      ->capture_default_str();
  app.add_option("--delay-ms", line.delay_ms, "pause before every chunk but the first")
      ->check(CLI::Range(0, 600'000))
      ->capture_default_str();
  app.add_option(
      "--fault",
      [&line](const std::vector<std::string>& given) {
        const auto fault = demo::fault_named(given.front());
        line.shape.fault = fault.value_or(demo::Fault::none);
        return fault.has_value();
      },
      "fault of every answer whose request names no other (README.md): " + demo::fault_names());
  app.add_option("--first-delay-ms", line.first_delay_ms, "pause before an answer begins")
      ->check(CLI::Range(0, 600'000))
      ->capture_default_str();
}

/// Serves until a signal asks for the end.
int serve(uv_loop_t* loop, const io::Context& context, demo::EngineOptions options) {
  auto engine = demo::DemoEngine::start(context, std::move(options));
  if (!engine) {
    std::fprintf(stderr, "%s\n", engine.error().detail().c_str());
    return 1;
  }
  io::Signal terminate(context, [loop] { uv_stop(loop); });
  io::Signal interrupt(context, [loop] { uv_stop(loop); });
  if (!terminate.catch_signal(SIGTERM) || !interrupt.catch_signal(SIGINT)) return 1;
  const io::Address& address = (*engine)->address();
  std::printf("listening %s%s\n", address.is_unix() ? "" : "http://", address.text().c_str());
  std::fflush(stdout);
  uv_run(loop, UV_RUN_DEFAULT);
  return 0;
}

int run(CommandLine& line) {
  demo::EngineOptions options;
  auto listen = io::Address::parse(line.listen);
  if (!listen) {
    std::fprintf(stderr, "--listen: %s\n", listen.error().detail().c_str());
    return 2;
  }
  options.listen = std::move(listen).value();
  options.models = line.models;
  options.shape = line.shape;
  options.shape.delay = Millis(line.delay_ms);
  options.shape.first_delay = Millis(line.first_delay_ms);
  options.log = Logger(log_to_stderr(LogLevel::info), "demo-engine");

  uv_loop_t* loop = uv_default_loop();
  io::Context context(Loop::borrow(loop));
  const int status = serve(loop, context, std::move(options));
  // What the loop still holds of ours goes before the process does.
  context.close([] {});
  uv_run(loop, UV_RUN_DEFAULT);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(kAbout, "cocoon-demo-engine");
  CommandLine line;
  describe(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  return run(line);
}
