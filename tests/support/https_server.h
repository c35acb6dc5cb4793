#pragma once
/// @file A real HTTPS server for tests, on threads of its own: one request and one answer a
/// connection.

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace cocoon::test {

struct HttpsRequest {
  std::string method;
  std::string path;  ///< with its query
  std::string body;
};

class HttpsServer {
 public:
  /// Gives the answer, as reply() makes them; empty: the connection closes without one. Called on
  /// a thread for each connection.
  using Handler = std::function<std::string(const HttpsRequest&)>;

  /// Listens on a free loopback port, with a certificate for 127.0.0.1 that it has made.
  /// @param ca_file where that certificate is written, for those who are to trust it
  HttpsServer(const std::string& ca_file, Handler handler);
  ~HttpsServer();
  HttpsServer(const HttpsServer&) = delete;
  HttpsServer& operator=(const HttpsServer&) = delete;

  std::string url() const;
  /// Ends the listener and all connections: whoever asks now meets nobody. Waits for handlers.
  void stop();

  /// @param fields lines of the head, each with its line's end
  static std::string reply(int status, const std::string& fields, const std::string& body);

 private:
  struct Tls;

  void accept_all();
  void talk(int fd);

  std::unique_ptr<Tls> tls_;
  Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::thread acceptor_;
  std::vector<std::thread> talkers_;

  std::mutex mutex_;
  std::vector<int> connections_;
  bool stopping_ = false;
};

}  // namespace cocoon::test
