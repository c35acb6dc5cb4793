#include <sys/stat.h>
#include <sys/un.h>

#include <cstdlib>

#include "unit/io/tcp_fixture.h"

namespace cocoon::io {
namespace {

using test::Recorded;

/// A folder for a unix socket, removed at the end.
class UnixSocketTest : public test::TcpTest {
 protected:
  UnixSocketTest() {
    char name[] = "/tmp/cocoon-io-XXXXXX";
    folder_ = ::mkdtemp(name);
    path_ = folder_ + "/socket";
  }
  ~UnixSocketTest() override {
    ::unlink(path_.c_str());
    ::rmdir(folder_.c_str());
  }
  Result<Listener> open() {
    return Listener::open(context(), {.unix_path = path_}, {}, [this](Connection c) {
      accepted_.push_back(std::make_unique<Recorded>());
      accepted_.back()->connection = std::move(c);
    });
  }
  std::string folder_;
  std::string path_;
};

TEST_F(UnixSocketTest, IsPrivateToTheUserAndGoneAfterwards) {
  {
    auto listener = open();
    ASSERT_TRUE(listener) << listener.error().detail();
    struct stat info {};
    ASSERT_EQ(::stat(path_.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
  }
  struct stat info {};
  EXPECT_NE(::stat(path_.c_str(), &info), 0);
}

TEST_F(UnixSocketTest, CarriesBytes) {
  auto listener = open();
  ASSERT_TRUE(listener);
  auto outgoing = connect({.unix_path = path_});
  ASSERT_TRUE(outgoing) << outgoing.error().detail();
  EXPECT_EQ(outgoing->peer(), "unix");
  run_until([&] { return accepted_.size() == 1; });
  accepted_[0]->start();
  outgoing->start(
      {.on_bytes = [](ByteView) {}, .on_end = {}, .on_pressure = {}, .on_closed = [](Error) {}});
  outgoing->write(as_bytes("hello"));
  run_until([&] { return accepted_[0]->bytes == "hello"; });
}

TEST_F(UnixSocketTest, LiveSocketIsNotTakenOver) {
  auto first = open();
  ASSERT_TRUE(first);
  auto second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), "address_in_use");
  EXPECT_TRUE(connect({.unix_path = path_}));
}

TEST_F(UnixSocketTest, SocketLeftByADeadProcessIsReplaced) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  path_.copy(at.sun_path, sizeof at.sun_path - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
  ::close(fd);
  EXPECT_TRUE(open());
}

TEST_F(UnixSocketTest, OrdinaryFileIsNeverReplaced) {
  std::fclose(std::fopen(path_.c_str(), "w"));
  auto listener = open();
  ASSERT_FALSE(listener);
  struct stat info {};
  EXPECT_EQ(::stat(path_.c_str(), &info), 0);
}

TEST_F(UnixSocketTest, ConnectingToNobodyIsRefused) {
  auto result = connect({.unix_path = path_});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), "connection_refused");
}

}  // namespace
}  // namespace cocoon::io
