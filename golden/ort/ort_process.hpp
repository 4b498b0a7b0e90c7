// A child process that answers requests over one socket, its standard input: started with the first request,
// kept, and ended with this object. What it prints elsewhere is dropped.
//
// Request and answer are frames: "assayort", the lengths of header and body (64 bits each, little endian),
// the header, the body. Nothing here knows what they mean.
//
// Errors(Infrastructure), one line each, `golden ort` first: it cannot be started, has ended (how), answers
// with something else than a frame, or neither takes nor gives a byte for `patience`. It is then ended, and
// the next request starts it anew. No signal reaches this process: writing to a dead child is an error like
// others.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace assay::golden {

class OrtProcess {
 public:
  // command[0] is looked for along PATH.
  explicit OrtProcess(std::vector<std::string> command,
                      std::chrono::milliseconds patience = std::chrono::minutes(10));
  ~OrtProcess() { end(); }
  OrtProcess(const OrtProcess&) = delete;
  OrtProcess& operator=(const OrtProcess&) = delete;

  struct Answer {
    std::string header;
    std::string body;
  };
  // `most`: bytes that a body may have. The pieces of the request's body are sent one after another.
  Answer exchange(const std::string& header, const std::vector<std::string_view>& body, std::size_t most);
  // Ends it, with this as the reason, for an answer that is a frame but no right one.
  [[noreturn]] void give_up(const std::string& reason);

  pid_t pid() const { return pid_; }  // 0: not running

 private:
  void start();
  void end();
  void send(std::string_view bytes);
  std::string receive(std::size_t length);
  // Waits until the socket is ready for it.
  void wait_for(short event);
  [[noreturn]] void report_death();

  std::vector<std::string> command_;
  std::chrono::milliseconds patience_;
  pid_t pid_ = 0;
  int socket_ = -1;
};

}  // namespace assay::golden
