#include "sim/provenance.hpp"

#include <fmt/format.h>

#include <optional>

#include "core/dma/transfer.hpp"
#include "isa/command.hpp"
#include "sim/source_lines.hpp"

namespace assay::sim {
namespace {

// With the source line, or where the kernel has none the function.
std::string headline(const CommandRecord& record, const ElfImage& kernel, const SourceLines& lines) {
  const ElfSymbol* symbol = kernel.symbol_at(record.pc);
  std::string place = lines.text_at(record.pc);
  if (place.empty() && symbol != nullptr) place = symbol->name;
  return fmt::format("{} (command {}, cycles {}..{}, pc {:#x}{})",
                     isa::to_string(isa::instruction_of(record.command)), record.id, record.start.count(),
                     record.end.count(), record.pc, place.empty() ? "" : ", " + place);
}

std::string to_text(isa::LocalAddr address) {
  return fmt::format("{} {:#x}", address.is_acc() ? "ACC" : "SPM", address.offset());
}

// Row and column (bytes) of `address` in a block of rows, or nothing.
struct Place {
  std::int64_t row, column;
};
std::optional<Place> place_in(isa::LocalAddr address, isa::LocalAddr base, std::int64_t stride,
                              std::uint64_t rows, std::uint64_t row_bytes) {
  if (address.is_acc() != base.is_acc() || address.offset() < base.offset()) return std::nullopt;
  const std::int64_t delta = std::int64_t{address.offset()} - base.offset();
  const std::int64_t row = stride > 0 ? delta / stride : 0;
  const std::int64_t column = delta - row * stride;
  if (row >= static_cast<std::int64_t>(rows) || column >= static_cast<std::int64_t>(row_bytes))
    return std::nullopt;
  return Place{row, column};
}

// The tile of an MXU command that contains `address`, if any: the last repetition that wrote it.
std::optional<std::string> tile_of(const isa::MxuCommand& c, isa::LocalAddr address) {
  if (c.instruction == isa::Instruction::mxu_load) return std::nullopt;
  for (std::uint64_t outer = c.outer; outer-- > 0;) {
    for (std::uint64_t inner = c.inner; inner-- > 0;) {
      const std::int64_t step = static_cast<std::int64_t>(outer) * c.outer_acc_step +
                                static_cast<std::int64_t>(inner) * c.inner_acc_step;
      const isa::LocalAddr base(
          static_cast<std::uint32_t>(c.acc_addr.raw() + static_cast<std::uint64_t>(step)));
      const std::uint64_t n = inner + 1 == c.inner && c.n_last != 0 ? c.n_last : c.n;
      const auto place = place_in(address, base, c.acc_stride, c.m, n * 4);
      if (place)
        return fmt::format("tile (outer {} of {}, inner {} of {}), row {}, column {}", outer, c.outer, inner,
                           c.inner, place->row, place->column / 4);
    }
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string> trace_byte(const CommandLog& log, const ElfImage& kernel, std::uint64_t hbm_offset) {
  const SourceLines lines_of(kernel.file);
  std::vector<std::string> lines;
  std::optional<isa::LocalAddr> wanted;  // the local byte whose writer is sought
  for (auto record = log.rbegin(); record != log.rend(); ++record) {
    if (!wanted) {
      const auto* dma = std::get_if<isa::DmaCommand>(&record->command);
      isa::LocalAddr from;
      if (dma == nullptr || dma->instruction != isa::Instruction::dma_out ||
          !core::covers(core::make_transfer(*dma, true), hbm_offset, from))
        continue;
      lines.push_back(fmt::format("{} from {}", headline(*record, kernel, lines_of), to_text(from)));
      wanted = from;
    } else if (const auto* pass = std::get_if<isa::VxuCommand>(&record->command)) {
      const std::uint64_t element = size_of(pass->out_dtype);
      const auto place =
          place_in(*wanted, pass->out_addr, pass->out_row_stride, pass->rows, pass->cols * element);
      if (!place || pass->reduce_only) continue;
      lines.push_back(fmt::format("{} row {}, column {}", headline(*record, kernel, lines_of), place->row,
                                  place->column / static_cast<std::int64_t>(element)));
      const bool acc_is_bias = pass->bias_source == isa::OperandSource::memory && pass->bias_addr.is_acc();
      const isa::LocalAddr base = acc_is_bias ? pass->bias_addr : pass->x_addr;
      const std::int64_t stride = acc_is_bias ? pass->bias_row_stride : pass->x_row_stride;
      const std::int64_t source_element =
          static_cast<std::int64_t>(size_of(acc_is_bias ? pass->bias_dtype : pass->x_dtype));
      const std::int64_t step =
          place->row * stride + place->column / static_cast<std::int64_t>(element) * source_element;
      wanted = isa::LocalAddr(static_cast<std::uint32_t>(base.raw() + static_cast<std::uint64_t>(step)));
    } else if (const auto* mxu = std::get_if<isa::MxuCommand>(&record->command)) {
      const auto tile = tile_of(*mxu, *wanted);
      if (!tile) continue;
      lines.push_back(fmt::format("{} {}", headline(*record, kernel, lines_of), *tile));
      break;
    }
  }
  return lines;
}

}  // namespace assay::sim
