#pragma once
/// @file A stand-in for Intel's Quote Generation Service, behind a real unix socket.

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.h"

namespace cocoon::test {

class QgsServer {
 public:
  /// What goes out after a question (which comes without its length), piece by piece.
  using Answer = std::function<std::vector<Bytes>(const Bytes& question)>;
  /// What happens after the last piece.
  enum class End { close, wait_for_client };

  QgsServer(std::string path, Answer answer, End end = End::close);
  ~QgsServer();
  QgsServer(const QgsServer&) = delete;
  QgsServer& operator=(const QgsServer&) = delete;

  /// A message as QGS sends it: its length, header and body. @param error Intel's code; 0: none
  static Bytes message(ByteView body, std::uint32_t error = 0);
  /// An answer with a quote, chosen by a key id of 16 bytes.
  static Bytes quote_answer(ByteView quote);
  /// The report data of the TDREPORT in a question.
  static ByteArray<64> report_data_of(const Bytes& question);

 private:
  void serve(int connection) const;

  std::string path_;
  Answer answer_;
  End end_;
  int listener_;
  std::thread thread_;
};

}  // namespace cocoon::test
