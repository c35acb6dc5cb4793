#pragma once
/// @file Internal to io/: one HTTP exchange and its libcurl easy handle.

#include <curl/curl.h>

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/http_client.h"
#include "io/slot.h"
#include "io/timer.h"
#include "io/turn.h"

namespace cocoon::io {

/// The driver of libcurl's multi interface, shared by the client and its transfers.
class HttpClient::Impl : public std::enable_shared_from_this<HttpClient::Impl> {
 public:
  Impl(const Context& context, const HttpClientOptions& options);
  ~Impl();

  Result<std::shared_ptr<HttpTransfer::Impl>> start(HttpRequest request, HttpEvents events);
  /// Cancels everything and lets go of the loop.
  void close();

  /// For transfers: takes the easy handle out; a connection in use is closed at once.
  void remove(HttpTransfer::Impl& transfer);
  /// For transfers: has deliver() called at the end of the turn.
  void deliver_later(HttpTransfer::Impl& transfer);
  const Context& context() const { return context_; }
  /// For transfers: a handle that has what is the same for all of them; null without memory.
  CURL* take_easy();
  /// For transfers: takes back the handle of one that went well, to be used again.
  void give_back(CURL* easy);
  /// For transfers: as io::check_http_url().
  Status check_url(const std::string& url);

 private:
  struct Socket;

  CURL* make_easy();
  static curl_socket_t on_open(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int on_close(void* self, curl_socket_t fd);
  static int on_socket(CURL*, curl_socket_t fd, int what, void* self, void*);
  static int on_curl_timer(CURLM*, long timeout_ms, void* self);
  static void on_poll(void* socket, int status, int events);
  void watch(curl_socket_t fd, int what);
  void drive(curl_socket_t fd, int mask);
  void collect_results();
  void deliver_all();

  Context context_;
  std::string ca_file_;
  CURLM* multi_;
  Timer timer_;
  TurnHook kick_;     // libcurl wants to run without delay
  TurnHook deliver_;  // transfers have something for their owners
  std::vector<std::shared_ptr<HttpTransfer::Impl>> transfers_;
  std::vector<std::shared_ptr<HttpTransfer::Impl>> waiting_;  // for deliver()
  std::unordered_map<curl_socket_t, std::unique_ptr<Socket>> sockets_;
  std::vector<CURL*> idle_easies_;       // at most limits::kIdleHttpHandles
  std::optional<std::string> good_url_;  // the last one that was checked
};

/// What libcurl reports is only noted while libcurl runs (it must not be called back from there),
/// and handed to the owner by deliver() afterwards.
class HttpTransfer::Impl : public std::enable_shared_from_this<HttpTransfer::Impl> {
 public:
  Impl(std::shared_ptr<HttpClient::Impl> client, HttpRequest request, HttpEvents events);
  ~Impl();

  /// Sets the easy handle up. Errors: `invalid_argument`.
  Status prepare();
  CURL* easy() const { return easy_; }

  /// The exchange is over, as libcurl sees it.
  void set_result(CURLcode code);
  /// Tells the owner what is new. May end the transfer.
  void deliver();
  void set_paused(bool paused);
  void cancel();

  std::size_t index = 0;          ///< in the client's list; the client's business
  bool waits_to_deliver = false;  ///< the client's business

  // libcurl's callbacks; `self` is the transfer.
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_data(char* data, std::size_t size, std::size_t count, void* self);
  static int on_send(void* self, char*, char*, int, int);

 private:
  Status set_fields();
  bool take_header(std::string_view line);
  bool take_status(std::string_view line);
  bool refuse(ErrorKind kind, std::string_view code, std::string detail);
  Error failure(CURLcode code) const;
  Error connect_failure() const;
  MonoTime next_deadline() const;
  void check_deadlines();
  void note_progress();
  void finish(Status status);
  void end(bool in_order);
  void release(bool reusable);

  std::shared_ptr<HttpClient::Impl> client_;
  HttpRequest request_;
  Slot<> on_sent_;
  Slot<const HttpAnswerHead&> on_head_;
  Slot<ByteView> on_body_;
  Slot<Status> on_done_;

  CURL* easy_ = nullptr;
  curl_slist* fields_ = nullptr;
  char error_text_[CURL_ERROR_SIZE] = "";

  Timer deadline_;
  MonoTime started_{};
  MonoTime last_byte_{};

  HttpAnswerHead head_;
  std::size_t head_bytes_ = 0;
  std::string content_length_;
  bool in_head_ = false;  // a status line has come, its fields follow
  bool head_complete_ = false;
  bool head_delivered_ = false;
  bool sent_ = false;  // libcurl has begun to send the request
  bool sent_delivered_ = false;
  bool body_begun_ = false;
  bool body_came_ = false;  // since note_progress()
  std::size_t body_bytes_ = 0;
  Bytes inbox_;                   // body that the owner has not seen
  bool paused_ = false;           // by the owner
  bool held_ = false;             // libcurl was told to hold the body back
  bool ended_ = false;            // no event any more
  std::optional<Error> refused_;  // why a callback stopped libcurl
  std::optional<Status> result_;
};

}  // namespace cocoon::io
