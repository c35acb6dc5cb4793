#pragma once
/// @file One answer on its way to the caller: pace, confirmations and faults.

#include <memory>
#include <string>

#include "cocoon/callback.h"
#include "demo_engine/demo_answer.h"
#include "demo_engine/demo_control.h"
#include "demo_engine/demo_reply.h"
#include "http/response_writer.h"
#include "io/slot.h"
#include "io/tcp.h"
#include "io/timer.h"

namespace cocoon::demo {

/// Writes the answer to one request. Every chunk is an HTTP chunk and a system call of its own,
/// also without a delay: whoever reads sees what a real engine would send.
class Stream final : public ConfirmWaiter {
 public:
  /// How an answer has ended, as far as the connection is concerned.
  enum class End {
    complete,  ///< the connection may serve the next request, if the writer keeps it alive
    close      ///< a fault: send what is queued, then close
  };

  /// `on_end` comes once, never inside start(); it may destroy the stream. Destroying a stream
  /// before counts as aborted.
  Stream(const io::Context& context, io::Connection& connection, Control& control,
         http::ResponseWriter writer, Request request, std::uint64_t number,
         Callback<void(End)> on_end);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void start();
  /// The connection's unsent bytes have fallen to its low watermark.
  void relieved();

 private:
  enum class State {
    waiting_to_begin,  ///< for first_delay
    sending,           ///< on_timer() or relieved() goes on
    waiting,           ///< for a confirmation
    stalled,           ///< for ever, on purpose
    ended
  };

  void confirmed() override;
  void on_timer();
  void begin();
  void begin_events();
  void send_pieces();
  void end_with_error();
  void finish_stream();
  bool may_send_now();
  void send(std::string_view events);
  void send_whole(const std::string& body, std::string_view content_type);
  void send_error(int status);
  void end(End how);

  io::Connection& connection_;
  Control& control_;
  http::ResponseWriter writer_;
  Request request_;
  Reply reply_;
  std::unique_ptr<EventRenderer> renderer_;
  io::Slot<End> on_end_;
  io::Timer timer_;
  State state_ = State::waiting_to_begin;
  std::size_t next_ = 0;   // piece to be sent
  std::size_t stop_at_;    // piece before which the fault strikes
  bool released_ = false;  // delay or confirmation for the next piece is over
  std::string scratch_;
};

}  // namespace cocoon::demo
