#include "ledger/ton/toncenter.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>

#include "io/clock.h"

namespace cocoon::ledger {
namespace {

io::HttpClientOptions client_options(const ToncenterOptions& options) {
  io::HttpClientOptions out;
  out.max_connections = limits::kTonConnections;
  out.ca_file = options.ca_file;
  return out;
}

std::string_view method_of(const ApiQuery& query) {
  return std::string_view(query.path).substr(0, query.path.find('?'));
}

/// Seconds; the other form, a date, is as good as nothing.
std::optional<Seconds> retry_after(const io::HttpAnswerHead& head) {
  const std::string_view text = head.field("retry-after");
  std::uint32_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return Seconds(seconds);
}

io::HttpRequest request_for(const ApiQuery& query, const TonEndpoint& endpoint) {
  io::HttpRequest out;
  out.url = endpoint.url + (endpoint.url.ends_with('/') ? "" : "/") + query.path;
  if (!query.body.empty()) {
    out.method = io::HttpMethod::post;
    out.fields.push_back({"Content-Type", "application/json"});
    out.body = query.body;
  }
  if (!endpoint.api_key.empty()) out.fields.push_back({"X-API-Key", endpoint.api_key});
  out.deadlines.total = limits::kTonAnswerDeadline;
  out.max_body_bytes = limits::kMaxTonAnswerBytes;
  return out;
}

}  // namespace

/// What is asked, and how far it has come.
struct Toncenter::Question {
  ApiQuery query;
  /// Reads an answer, on the job thread; success keeps what it said.
  Callback<Status(int, std::string_view)> read;
  Callback<Status()> believe;  ///< what was read, beside what was seen before
  Callback<void()> forget;     ///< what was seen before: nobody confirms it
  Callback<void(Status)> done;
  EndpointPool::Tried tried;
  MonoTime until{};
  std::string reasons;
  bool contradicts = false;  ///< what was seen before, at one endpoint at least
  std::size_t endpoint = 0;
  io::HttpTransfer transfer;
};

/// An answer while a job reads it.
struct Toncenter::Reading {
  Callback<Status(int, std::string_view)> read;
  io::HttpAnswer answer;
  Status how = ok();
};

Result<std::unique_ptr<Toncenter>> Toncenter::create(const io::Context& context,
                                                     ToncenterOptions options, Random& random) {
  COCOON_CHECK(check_endpoints(options.endpoints));
  if (!options.ca_file.empty() && !std::ifstream(options.ca_file)) {
    return Error(ErrorKind::io, "ca_file_unreadable", "cannot read the ca_file " + options.ca_file);
  }
  io::JobPoolOptions pool;
  pool.name = "cocoon-ton";
  pool.queue_bounds = {0, limits::kTonConnections, 0};  // no more are asked at once
  COCOON_TRY(auto jobs, io::JobPool::start(context, pool));
  return std::unique_ptr<Toncenter>(
      new Toncenter(context, std::move(options), std::move(jobs), random));
}

Toncenter::Toncenter(const io::Context& context, ToncenterOptions options, io::JobPool jobs,
                     Random& random)
    : options_(std::move(options)),
      pool_(options_.endpoints, random),
      seen_(options_.clock_tolerance),
      client_(context, client_options(options_)),
      jobs_(std::move(jobs)),
      hook_(context, io::TurnPhase::work, [this] { work(); }),
      timer_(context, [this] { hook_.arm(); }),
      alive_(std::make_shared<bool>(true)) {}

Toncenter::~Toncenter() = default;

// --- Questions ---

template <class T>
void Toncenter::ask(ApiQuery query, Callback<Result<T>(int, std::string_view)> read,
                    Callback<Status(const T&)> believe, Callback<void()> forget,
                    Callback<void(Result<T>)> done) {
  auto value = std::make_shared<std::optional<T>>();
  auto question = std::make_unique<Question>();
  question->query = std::move(query);
  question->read = [value, read = std::move(read)](int status,
                                                   std::string_view body) mutable -> Status {
    COCOON_TRY(*value, read(status, body));
    return ok();
  };
  question->believe = [value, believe = std::move(believe)]() mutable { return believe(**value); };
  question->forget = std::move(forget);
  question->done = [value, done = std::move(done)](Status how) mutable {
    done(how ? Result<T>(std::move(**value)) : Result<T>(std::move(how).error()));
  };
  enqueue(std::move(question));
}

void Toncenter::head(Callback<void(Result<ChainHead>)> done) {
  ask<ChainHead>(
      ask_head(), read_head, [this](const ChainHead& head) { return seen_.take(head); },
      [this] { seen_.forget_head(); }, std::move(done));
}

void Toncenter::block(std::uint32_t seqno, Callback<void(Result<BlockReading>)> done) {
  ask<BlockReading>(
      ask_block(seqno),
      [seqno](int status, std::string_view body) { return read_block(status, body, seqno); },
      [this](const BlockReading& block) { return seen_.take(block, io::now().unix); }, [] {},
      std::move(done));
}

void Toncenter::account(const ton::Address& address, Callback<void(const AccountReading&)> look,
                        Callback<void(Result<AccountReading>)> done) {
  ask<AccountReading>(
      ask_account(address),
      [look = std::move(look)](int status,
                               std::string_view body) mutable -> Result<AccountReading> {
        COCOON_TRY(AccountReading account, read_account(status, body));
        if (look) look(account);
        return account;
      },
      [this, address](const AccountReading& account) {
        return seen_.take(address, account, io::now().unix);
      },
      [this, address] { seen_.forget(address); }, std::move(done));
}

void Toncenter::hand_in(ByteView message, Callback<void(Status)> done) {
  auto question = std::make_unique<Question>();
  question->query = ledger::hand_in(message);
  question->read = read_handed_in;
  question->believe = [] { return ok(); };
  question->forget = [] {};
  question->done = std::move(done);
  enqueue(std::move(question));
}

void Toncenter::enqueue(std::unique_ptr<Question> question) {
  question->tried.assign(pool_.size(), false);
  question->until = io::now().mono + options_.patience;
  hook_.arm();
  if (waiting_.size() >= limits::kMaxTonQuestions) {
    return finish(std::move(question), Error(ErrorKind::busy, "ledger_queue_full",
                                             "too many questions to the ledger wait for its "
                                             "endpoints; raise their rate or add one"));
  }
  waiting_.push_back(std::move(question));
}

// --- Endpoints ---

void Toncenter::work() {
  send_waiting(io::now().mono);
  deliver();
}

void Toncenter::send_waiting(MonoTime now) {
  std::deque<std::unique_ptr<Question>> left;
  MonoTime wake = kNever;
  for (auto& question : waiting_) {
    if (question->until <= now) {
      const std::string why = question->reasons.empty()
                                  ? "its endpoints rest, or are at the end of their rate"
                                  : question->reasons;
      finish(std::move(question), Error(ErrorKind::timeout, "ledger_timeout",
                                        fmt::format("the ledger did not answer in time: {}", why)));
      continue;
    }
    if (asked_.size() >= limits::kTonConnections) {
      // An answer will make room, and arm the hook.
      wake = std::min(wake, question->until);
      left.push_back(std::move(question));
      continue;
    }
    const auto choice = pool_.choose(question->tried, now);
    if (choice.endpoint) {
      send(std::move(question), *choice.endpoint, now);
      continue;
    }
    wake = std::min({wake, choice.at, question->until});
    left.push_back(std::move(question));
  }
  waiting_ = std::move(left);
  timer_.set(wake);
}

void Toncenter::send(std::unique_ptr<Question> question, std::size_t endpoint, MonoTime now) {
  const std::uint64_t id = ++last_id_;
  pool_.asked(endpoint, now);
  question->endpoint = endpoint;
  auto transfer =
      io::fetch(client_, request_for(question->query, options_.endpoints[endpoint]),
                [this, id](Result<io::HttpAnswer> answer) { answered(id, std::move(answer)); });
  // (The URL was checked at the start, so this cannot be.)
  if (!transfer) return finish(std::move(question), transfer.error());
  question->transfer = std::move(*transfer);
  asked_.emplace(id, std::move(question));
}

void Toncenter::answered(std::uint64_t id, Result<io::HttpAnswer> answer) {
  const auto at = asked_.find(id);
  if (at == asked_.end()) return;
  Question& question = *at->second;
  question.transfer = {};
  auto reading = std::make_shared<Reading>();
  reading->read = std::move(question.read);
  if (!answer) {
    reading->how = std::move(answer).error();
    return take(id, *reading);
  }
  reading->answer = std::move(*answer);
  const Status submitted = jobs_.submit(
      io::JobClass::normal,
      [reading] {
        reading->how = reading->read(reading->answer.head.status, reading->answer.body);
      },
      [this, id, reading] { take(id, *reading); });
  if (submitted) return;
  // (There is room for all that are asked, so this cannot be.)
  hook_.arm();
  finish(std::move(asked_.extract(id).mapped()), submitted);
}

void Toncenter::take(std::uint64_t id, Reading& reading) {
  auto question = std::move(asked_.extract(id).mapped());
  hook_.arm();
  question->read = std::move(reading.read);
  const std::size_t endpoint = question->endpoint;
  const MonoTime now = io::now().mono;
  const Status taken = reading.how ? question->believe() : std::move(reading.how);
  if (taken) {
    pool_.answered(endpoint);
    return finish(std::move(question), ok());
  }
  const Error& why = taken.error();
  if (why.code() == "ledger_busy") {
    // Not its fault, and not an answer: the question may come back to it.
    pool_.limited(endpoint, retry_after(reading.answer.head), now);
    question->reasons += fmt::format("{}{}: {}", question->reasons.empty() ? "" : "; ",
                                     options_.endpoints[endpoint].url, why.detail());
    waiting_.push_front(std::move(question));
    return;
  }
  question->contradicts |=
      why.code() == "ledger_answer_old" || why.code() == "ledger_answer_forked";
  // That a message is refused says nothing against the server: it may have been carried already.
  const bool of_message = why.code() == "ledger_refused" && !question->query.body.empty();
  if (!of_message) pool_.failed(endpoint, now);
  try_elsewhere(std::move(question), why);
}

void Toncenter::try_elsewhere(std::unique_ptr<Question> question, const Error& why) {
  const std::string& url = options_.endpoints[question->endpoint].url;
  options_.log.debug("{} at {}: {}", method_of(question->query), url, why.detail());
  question->reasons +=
      fmt::format("{}{}: {}", question->reasons.empty() ? "" : "; ", url, why.detail());
  question->tried[question->endpoint] = true;
  if (std::find(question->tried.begin(), question->tried.end(), false) != question->tried.end()) {
    waiting_.push_front(std::move(question));
    return;
  }
  if (question->contradicts) question->forget();
  Error error(ErrorKind::unavailable, "ledger_unavailable",
              fmt::format("no endpoint of the ledger gave a good answer to {}: {}",
                          method_of(question->query), question->reasons));
  finish(std::move(question), std::move(error));
}

void Toncenter::finish(std::unique_ptr<Question> question, Status how) {
  finished_.emplace_back(std::move(question), std::move(how));
}

void Toncenter::deliver() {
  const std::weak_ptr<bool> alive = alive_;
  while (!finished_.empty()) {
    auto [question, how] = std::move(finished_.front());
    finished_.pop_front();
    question->done(std::move(how));
    if (alive.expired()) return;
  }
}

}  // namespace cocoon::ledger
