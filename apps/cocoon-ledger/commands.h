#pragma once
/// @file What cocoon-ledger can do. Each command returns an error or prints to standard output.

#include <cstdint>
#include <optional>
#include <string>

#include "cocoon/result.h"

namespace cocoon::app {

/// Settings of the registry, as they were written; empty: not given.
struct RegistrySettings {
  std::string price;
  std::string worker_share;
  std::string multipliers;
  std::string price_grace;
  std::string client_delay;
  std::string proxy_delay;
  std::string min_deposit;
  std::string min_payout;
  std::string min_stake;
  std::string message_fee;
  std::string rent;
  std::optional<std::uint32_t> tcb_floor;
};

struct InitCommand {
  RegistrySettings settings;
  std::string confirmation_delay;
  std::string governance_delay;
};
Status init(const std::string& file, const InitCommand& command);

Status set(const std::string& file, const RegistrySettings& settings);

Status show(const std::string& file, bool json);

struct AllowCommand {
  std::string kind;  ///< proxy-image, worker-image, gpu, model or proxy
  std::string value;
  std::string endpoint;                  ///< proxy
  std::string stake;                     ///< proxy
  std::uint32_t max_output_tokens = 0;   ///< model
  std::uint32_t template_allowance = 0;  ///< model
};
Status allow(const std::string& file, const AllowCommand& command);

struct RemoveCommand {
  std::string kind;
  std::string value;
};
Status remove(const std::string& file, const RemoveCommand& command);

struct OpenCommand {
  std::string client;
  std::string proxy;
  std::string signer;  ///< empty: the client's account
  std::string deposit;
};
/// Prints the channel's id alone.
Status open(const std::string& file, const OpenCommand& command);

struct TopUpCommand {
  std::string channel;
  std::string amount;
};
Status top_up(const std::string& file, const TopUpCommand& command);

/// Does the next step of closing: starts it, finalises it once that is due, or sends again what
/// bounced.
Status close(const std::string& file, const std::string& channel);

/// The same for a proxy's stake and remainder.
Status withdraw(const std::string& file, const std::string& proxy);

}  // namespace cocoon::app
