#pragma once
// The proxy that is measured: the real program, seen from outside through /proc.

#include <cstdint>
#include <map>
#include <string>

#include "cocoon-devnet/children.h"

namespace cocoon::bench {

/// What a process has used since its start.
struct CpuTime {
  /// Seconds by thread name.
  std::map<std::string, double> threads;
  double total() const;
};
CpuTime operator-(const CpuTime& later, const CpuTime& earlier);

struct Memory {
  std::uint64_t private_bytes = 0;  ///< in no other process's mappings
  std::uint64_t resident_bytes = 0;
};

class ProxyProcess {
 public:
  /// Starts `program`, and returns when it listens.
  ProxyProcess(const std::string& program, const std::string& folder);
  /// Asks it to end, and waits.
  ~ProxyProcess();
  ProxyProcess(const ProxyProcess&) = delete;
  ProxyProcess& operator=(const ProxyProcess&) = delete;

  const std::string& address() const { return address_; }
  CpuTime cpu() const;
  Memory memory() const;
  /// Descriptors that it has open.
  std::size_t descriptors() const;
  bool runs() { return !app::has_ended(child_); }

 private:
  app::Child child_;
  std::string address_;
};

}  // namespace cocoon::bench
