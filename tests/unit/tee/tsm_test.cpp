#include "tee/tsm.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <thread>

#include "attest/quote.h"
#include "base/limits.h"
#include "tee/tsm_entry.h"
#include "unit/tee/guest_test.h"

namespace cocoon::tee {
namespace {

using test::GuestCall;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Tsm : public GuestTest {
 protected:
  Result<Bytes> ask(std::uint8_t seed = 7) {
    Result<Bytes> out = Bytes();
    in_guest([&] { out = tsm_quote(configfs(), some_report_data(seed)); });
    return out;
  }
  /// What a guest answers that fails each `what` of `attribute` with `number`, or the first few.
  Result<Bytes> ask_failing(const std::string& what, const std::string& attribute, int number,
                            int times = 1000) {
    start_guest([&](Behaviour& b) {
      b.before = [=, left = times](GuestCall& call) mutable {
        return call.what == what && call.attribute == attribute && left-- > 0 ? number : 0;
      };
    });
    return ask();
  }
  void expect_refusal(const Result<Bytes>& quote, ErrorKind kind, const std::string& code,
                      const std::string& words) {
    ASSERT_FALSE(quote);
    EXPECT_EQ(quote.error().kind(), kind);
    EXPECT_EQ(quote.error().code(), code);
    EXPECT_THAT(quote.error().detail(), HasSubstr(words));
    EXPECT_THAT(entries(), IsEmpty());
  }
};

// --- what is not there ---

TEST_F(Tsm, NoConfigfs) {
  const auto quote = tsm_quote(folder_.file("nowhere"), some_report_data());
  expect_refusal(quote, ErrorKind::unavailable, "tsm_missing", "nowhere does not exist: /sys is");
}

TEST_F(Tsm, ConfigfsIsAFile) {
  std::ofstream(folder_.file("file")) << "x";
  expect_refusal(tsm_quote(folder_.file("file"), some_report_data()), ErrorKind::unavailable,
                 "tsm_missing", "file/tsm/report: Not a directory");
}

TEST_F(Tsm, ConfigfsIsNotMounted) {
  std::filesystem::create_directory(folder_.file("empty"));
  expect_refusal(tsm_quote(folder_.file("empty"), some_report_data()), ErrorKind::unavailable,
                 "tsm_missing", "mount -t configfs configfs " + folder_.file("empty"));
}

TEST_F(Tsm, NoDriverUsesConfigfs) {
  std::filesystem::create_directories(folder_.file("other/usb_gadget"));
  expect_refusal(tsm_quote(folder_.file("other"), some_report_data()), ErrorKind::unavailable,
                 "tsm_missing", "other/tsm/report does not exist: modprobe tdx_guest");
}

// --- what the kernel refuses ---

TEST_F(Tsm, EntriesThatCannotBeMade) {
  expect_refusal(ask_failing("mkdir", "", EACCES), ErrorKind::unavailable, "tsm_denied",
                 "run as root, or with CAP_DAC_OVERRIDE");
  expect_refusal(ask_failing("mkdir", "", EPERM), ErrorKind::unavailable, "tsm_denied",
                 "run as root, or with CAP_DAC_OVERRIDE");
  expect_refusal(ask_failing("mkdir", "", EROFS), ErrorKind::unavailable, "tsm_denied",
                 "mounted read-only");
  expect_refusal(ask_failing("mkdir", "", ENXIO), ErrorKind::unavailable, "tsm_unavailable",
                 "modprobe tdx_guest");
  expect_refusal(ask_failing("mkdir", "", ENOSPC), ErrorKind::io, "tsm_failed", "no space left");
  expect_refusal(ask_failing("open", "inblob", EACCES), ErrorKind::unavailable, "tsm_denied",
                 "inblob: permission denied");
}

TEST_F(Tsm, ReportsOfOtherEnvironments) {
  start_guest([](Behaviour& b) { b.texts["provider"] = "sev_guest"; });
  expect_refusal(ask(), ErrorKind::unavailable, "tsm_provider", "AMD SEV-SNP guest");
  start_guest([](Behaviour& b) { b.texts["provider"] = "arm_cca_guest"; });
  expect_refusal(ask(), ErrorKind::unavailable, "tsm_provider", "\"arm_cca_guest\"");
  start_guest(
      [](Behaviour& b) { b.texts["provider"] = std::string(limits::kMaxTsmTextBytes, 'x'); });
  expect_refusal(ask(), ErrorKind::too_large, "quote_too_large", "provider");
  EXPECT_EQ(guest_->reports(), 0);
  expect_refusal(ask_failing("read", "provider", ENOTTY), ErrorKind::unavailable, "tsm_unavailable",
                 "no driver offers reports any more");
}

TEST_F(Tsm, TheHostsRefusalsAreExplainedAndNotTriedAgain) {
  struct Case {
    int number;
    ErrorKind kind;
    std::string code;
    std::string words;
  };
  const Case kCases[] = {
      {EINVAL, ErrorKind::unavailable, "tsm_unavailable", "64 bytes of report data"},
      {EIO, ErrorKind::unavailable, "tsm_unavailable", "quote-generation-socket"},
      {ETIMEDOUT, ErrorKind::timeout, "tsm_timeout", "within the kernel's 30 s"},
      {EFBIG, ErrorKind::too_large, "quote_too_large", "32 KiB"},
      {ENOMEM, ErrorKind::io, "tsm_failed", "not enough memory"},
  };
  for (const Case& c : kCases) {
    int tried = 0;
    start_guest([&](Behaviour& b) {
      b.before = [&](GuestCall& call) {
        const bool reads = call.what == "read" && call.attribute == "outblob";
        return reads && ++tried > 0 ? c.number : 0;
      };
    });
    expect_refusal(ask(), c.kind, c.code, c.words);
    EXPECT_EQ(tried, 1) << c.code;
  }
}

TEST_F(Tsm, AnEmptyQuote) {
  start_guest([](Behaviour& b) { b.quote = [](const auto&) { return Bytes(); }; });
  expect_refusal(ask(), ErrorKind::unavailable, "tsm_no_quote", "empty quote");
}

TEST_F(Tsm, AQuoteOverTheLimit) {
  start_guest([](Behaviour& b) {
    b.quote = [](const auto&) { return Bytes(limits::kMaxQuoteBytes + 1); };
  });
  expect_refusal(ask(), ErrorKind::too_large, "quote_too_large",
                 "more than " + std::to_string(limits::kMaxQuoteBytes));
}

TEST_F(Tsm, AQuoteOverAnOlderKernelsLimit) {
  start_guest([](Behaviour& b) {
    b.most_outblob = 32 * 1024;
    b.quote = [](const auto& data) { return quote_over(data, 100'000); };
  });
  expect_refusal(ask(), ErrorKind::too_large, "quote_too_large", "update it");
}

TEST_F(Tsm, AGenerationThatIsNoNumber) {
  for (const auto* text : {"", "many", "-1", "1 2", "18446744073709551616"}) {
    start_guest([&](Behaviour& b) { b.texts["generation"] = text; });
    expect_refusal(ask(), ErrorKind::io, "tsm_failed", "is no number: \"" + std::string(text));
  }
}

// --- others who come between ---

TEST_F(Tsm, WhatIsBusyForAMomentIsTriedAgain) {
  for (const int number : {EAGAIN, EBUSY, EINTR}) {
    const auto quote = ask_failing("read", "outblob", number, limits::kTsmAttempts - 1);
    ASSERT_TRUE(quote) << quote.error().detail();
    EXPECT_EQ(attest::parse_quote(*quote).value().report_data(), some_report_data());
    EXPECT_THAT(entries(), IsEmpty());
  }
}

TEST_F(Tsm, WhatStaysBusyIsGivenUp) {
  expect_refusal(ask_failing("read", "outblob", EBUSY), ErrorKind::busy, "tsm_busy",
                 "tried 5 times, last: ");
  expect_refusal(ask_failing("read", "outblob", EBUSY), ErrorKind::busy, "tsm_busy", "qgsd");
  expect_refusal(ask_failing("read", "generation", EAGAIN), ErrorKind::busy, "tsm_busy",
                 "another request came between");
}

TEST_F(Tsm, ReportDataThatTheKernelDoesNotTakeIsNoticed) {
  expect_refusal(ask_failing("close", "inblob", EBUSY), ErrorKind::busy, "tsm_busy",
                 "the kernel did not take the report data");
  EXPECT_EQ(guest_->reports(), 0);
}

/// A system call of ours.
struct Moment {
  std::string what;
  std::string attribute;
};
/// Another process that writes its own report data to our entry just before that, so many times.
std::function<int(GuestCall&)> intruder(const Moment& before, int times) {
  return [before, left = times](GuestCall& call) mutable {
    if (call.what == before.what && call.attribute == before.attribute && left > 0) {
      --left;
      ++call.entry.generation;
      call.entry.inblob.assign(64, 0xEE);
    }
    return 0;
  };
}

TEST_F(Tsm, AnotherWriterIsNoticedWheneverItComes) {
  for (const Moment& moment : {Moment{"open", "inblob"}, Moment{"close", "inblob"},
                               Moment{"open", "outblob"}, Moment{"read", "outblob"}}) {
    start_guest([&](Behaviour& b) { b.before = intruder(moment, 1); });
    const auto quote = ask();
    ASSERT_TRUE(quote) << moment.what << " " << moment.attribute << ": " << quote.error().detail();
    EXPECT_EQ(attest::parse_quote(*quote).value().report_data(), some_report_data())
        << moment.what << " " << moment.attribute;
  }
}

TEST_F(Tsm, AnotherWriterWhoNeverRestsIsReported) {
  for (const Moment& moment : {Moment{"open", "inblob"}, Moment{"open", "outblob"}}) {
    start_guest([&](Behaviour& b) { b.before = intruder(moment, 1000); });
    expect_refusal(ask(), ErrorKind::busy, "tsm_busy", "another process wrote to our entry");
  }
}

TEST_F(Tsm, AnEntryThatSomebodyRemovesIsMadeAnew) {
  start_guest([&](Behaviour& b) {
    b.before = [&, done = false](GuestCall& call) mutable {
      if (call.attribute == "outblob" && !std::exchange(done, true)) {
        ::rmdir(entry(call.entry.name).c_str());
        return ENOENT;
      }
      return 0;
    };
  });
  const auto quote = ask();
  EXPECT_TRUE(quote) << quote.error().detail();
  EXPECT_THAT(entries(), IsEmpty());
}

TEST_F(Tsm, TwoAtOnceGetTheirOwnQuotes) {
  start_guest();
  constexpr int kEach = 20;
  const auto ask_often = [this](std::uint8_t seed) {
    for (std::uint8_t i = 0; i < kEach; ++i) {
      const auto data = some_report_data(static_cast<std::uint8_t>(seed + i));
      const auto quote = tsm_quote(configfs(), data);
      ASSERT_TRUE(quote) << quote.error().detail();
      EXPECT_EQ(attest::parse_quote(*quote).value().report_data(), data);
    }
  };
  in_guest([&] {
    std::thread other(ask_often, std::uint8_t{101});
    ask_often(1);
    other.join();
  });
  EXPECT_EQ(guest_->reports(), 2 * kEach);
}

// --- leftovers ---

TEST_F(Tsm, EntriesOfDeadProcessesAreRemovedAndNoOthers) {
  for (const auto* name : {"cocoon-4000000-0", "cocoon-4000000-12", "cocoon-4000001-0", "cocoon-1",
                           "cocoon--1", "cocoon-1-", "cocoon-1-x", "cocoon-x-1", "report0"}) {
    std::filesystem::create_directory(entry(name));
  }
  const int alive = ::open(entry("cocoon-4000001-0").c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(::flock(alive, LOCK_EX | LOCK_NB), 0);
  start_guest();
  const auto quote = ask();
  EXPECT_TRUE(quote) << quote.error().detail();
  EXPECT_THAT(entries(), ::testing::ElementsAre("cocoon--1", "cocoon-1", "cocoon-1-", "cocoon-1-x",
                                                "cocoon-4000001-0", "cocoon-x-1", "report0"));
  ::close(alive);
}

TEST_F(Tsm, AnEntryThatAnotherContainersProcessHoldsIsLeftAlone) {
  // The same process id as ours, in another name space.
  const std::string theirs = "cocoon-" + std::to_string(::getpid()) + "-0";
  std::filesystem::create_directory(entry(theirs));
  const int alive = ::open(entry(theirs).c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(::flock(alive, LOCK_EX | LOCK_NB), 0);
  start_guest();
  const auto quote = ask();
  EXPECT_TRUE(quote) << quote.error().detail();
  EXPECT_THAT(entries(), ::testing::ElementsAre(theirs));
  ::close(alive);
}

TEST_F(Tsm, AnEntryIsHeldAsLongAsItIsUsed) {
  start_guest();
  in_guest([&] {
    const auto first = TsmEntry::create(reports());
    ASSERT_TRUE(first);
    TsmEntry::remove_leftovers(reports());
    EXPECT_EQ(entries().size(), 1U);
    const auto second = TsmEntry::create(reports());
    ASSERT_TRUE(second);
    EXPECT_EQ(entries().size(), 2U);
  });
  EXPECT_THAT(entries(), IsEmpty());
}

// --- quotes ---

TEST_F(Tsm, QuotesOfAnySizeComeThroughToTheByte) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{100'000}, limits::kMaxQuoteBytes}) {
    Bytes made;
    start_guest([&](Behaviour& b) {
      b.quote = [&](const auto& data) { return made = quote_over(data, size); };
    });
    const auto quote = ask();
    ASSERT_TRUE(quote) << quote.error().detail();
    EXPECT_EQ(*quote, made);
    EXPECT_EQ(attest::parse_quote(*quote).value().report_data(), some_report_data());
    EXPECT_EQ(guest_->reports(), 1);
    EXPECT_THAT(entries(), IsEmpty());
  }
}

}  // namespace
}  // namespace cocoon::tee
