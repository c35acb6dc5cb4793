#include "wire/messages.h"

namespace cocoon::wire {

std::string_view to_string(Role role) {
  switch (role) {
    case Role::client: return "client";
    case Role::proxy: return "proxy";
    case Role::worker: return "worker";
  }
  return "unknown";
}

std::string_view to_string(FrameType type) {
  switch (type) {
    case FrameType::hello: return "hello";
    case FrameType::hello_ack: return "hello_ack";
    case FrameType::ping: return "ping";
    case FrameType::pong: return "pong";
    case FrameType::goaway: return "goaway";
    case FrameType::open: return "open";
    case FrameType::data: return "data";
    case FrameType::end: return "end";
    case FrameType::reset: return "reset";
    case FrameType::credit: return "credit";
    case FrameType::accepted: return "accepted";
    case FrameType::worker_record: return "worker_record";
    case FrameType::worker_status: return "worker_status";
    case FrameType::candidates_request: return "candidates_request";
    case FrameType::candidates: return "candidates";
    case FrameType::evidence_request: return "evidence_request";
    case FrameType::evidence: return "evidence";
    case FrameType::voucher: return "voucher";
    case FrameType::usage_statement: return "usage_statement";
    case FrameType::payout: return "payout";
    case FrameType::models_request: return "models_request";
    case FrameType::models: return "models";
    case FrameType::channel_state: return "channel_state";
    case FrameType::settlement: return "settlement";
    case FrameType::challenge: return "challenge";
    case FrameType::answer: return "answer";
  }
  return "unknown";
}

}  // namespace cocoon::wire
