// The wire to a debugger: a TCP or Unix socket on which it calls, or this process's standard input and
// output.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace assay::sim {

class Transport {
 public:
  virtual ~Transport() = default;
  virtual void connect() = 0;  // waits for the debugger
  // What has arrived; waits for something where `wait`. Nothing: the debugger has gone.
  virtual std::optional<std::string> read(bool wait) = 0;
  virtual void write(std::string_view bytes) = 0;  // a debugger that has gone is noticed by read()
};

// `address` is [HOST:]PORT (HOST: 127.0.0.1 unless given; PORT 0: a free one), unix:PATH, or - for standard
// input and output, which are the debugger's from then on: what else the process prints goes to standard
// error. `announce` is told where a debugger may call. Throws Error(Usage) for what is no address, and
// Error(Infrastructure) where nothing can listen there.
std::unique_ptr<Transport> open_transport(const std::string& address,
                                          const std::function<void(const std::string&)>& announce);

}  // namespace assay::sim
