// What the GDB stub needs of the machine that it shows. All of it stands still while it is asked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace assay::sim {

// Register numbers of the protocol, as target.xml gives them: x0..x31, pc, f0..f31, then CSRs by number.
constexpr unsigned kGdbPc = 32;
constexpr unsigned kGdbFirstFloat = 33;
constexpr unsigned kGdbFirstCsr = 65;

struct GdbRegion {
  std::uint64_t base = 0, bytes = 0;
  bool writable = true;
};

class GdbTarget {
 public:
  virtual ~GdbTarget() = default;
  virtual std::optional<std::uint64_t> read_register(unsigned number) = 0;  // nothing: no such register
  virtual bool write_register(unsigned number, std::uint64_t value) = 0;
  virtual bool read_memory(std::uint64_t address, std::string& bytes) = 0;  // as many as the string has
  virtual bool write_memory(std::uint64_t address, const std::string& bytes) = 0;
  virtual std::vector<GdbRegion> regions() = 0;
  virtual std::string monitor(const std::string& command) = 0;  // the answer, whole lines
};

// target.xml: RV64 with floating point and the host's CSRs.
std::string gdb_target_xml();

}  // namespace assay::sim
