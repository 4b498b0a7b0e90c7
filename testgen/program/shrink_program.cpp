#include "testgen/program/shrink_program.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "isa/table.hpp"

namespace assay::testgen::program {
namespace {

class Shrinker {
 public:
  Shrinker(const Program& failing, const StillFails& fails, int most_tries)
      : best_(failing), fails_(fails), most_(most_tries) {}

  Shrunk run() {
    for (bool again = true; again && !spent();) {
      const int before = kept_;
      remove_items();
      remove_words();
      plain_frame();
      plain_launches();
      plain_memory();
      again = kept_ != before;
    }
    return {best_, tried_, kept_, !spent()};
  }

 private:
  bool spent() const { return tried_ >= most_; }

  // Keeps the candidate if it fails.
  bool attempt(Program candidate) {
    if (spent()) return false;
    ++tried_;
    if (!fails_(candidate)) return false;
    ++kept_;
    best_ = std::move(candidate);
    return true;
  }
  // Changes a copy; true where it fails too.
  template <typename Change>
  bool with(Change change) {
    Program candidate = best_;
    change(candidate);
    return attempt(std::move(candidate));
  }

  // Items [from, from + count) go, and with them the orders that speak of them.
  static void erase_items(Program& p, std::size_t from, std::size_t count) {
    const auto first = p.items.begin() + static_cast<std::ptrdiff_t>(from);
    p.items.erase(first, first + static_cast<std::ptrdiff_t>(count));
    for (Item& item : p.items) {
      const auto gone = [&](std::uint32_t id) {
        return std::none_of(p.items.begin(), p.items.end(), [&](const Item& o) { return o.id == id; });
      };
      item.after.erase(std::remove_if(item.after.begin(), item.after.end(), gone), item.after.end());
    }
  }

  // From the back: what comes last depends on what was before, not the other way round.
  void remove_items() {
    for (std::size_t size = std::max<std::size_t>(best_.items.size() / 2, 1); size > 0; size /= 2)
      for (std::size_t end = best_.items.size(); end > 0 && !spent();) {
        const std::size_t count = std::min(size, end), from = end - count;
        with([&](Program& p) { erase_items(p, from, count); });
        end = from;
      }
  }

  void remove_words() {
    for (std::size_t i = 0; i < best_.items.size(); ++i) {
      const auto code = [&](Program& p) { return std::get_if<HostCode>(&p.items[i].what); };
      if (code(best_) == nullptr) continue;
      for (std::size_t w = code(best_)->words.size(); w-- > 0;)
        if (code(best_)->words.size() > 1)
          with([&](Program& p) {
            auto& words = code(p)->words;
            words.erase(words.begin() + static_cast<std::ptrdiff_t>(w));
          });
    }
  }

  void plain_frame() {
    for (std::size_t i = 0; i < best_.items.size(); ++i)
      if (!best_.items[i].after.empty()) with([&](Program& p) { p.items[i].after.clear(); });
    const SyncStyle plain;
    if (best_.sync.semaphores_per_pair != plain.semaphores_per_pair ||
        best_.sync.transitive != plain.transitive || best_.sync.host_fences != plain.host_fences)
      with([&](Program& p) { p.sync = plain; });
    if (best_.ending.kind != Ending::Kind::done) with([](Program& p) { p.ending.kind = Ending::Kind::done; });
    if (best_.ending.status != 0) with([](Program& p) { p.ending.status = 0; });
    if (!best_.ending.fence) with([](Program& p) { p.ending.fence = true; });
    if (best_.registers != 0) with([](Program& p) { p.registers = 0; });
    std::vector<std::string> names;
    for (const auto& [name, value] : best_.set) names.push_back(name);
    for (const std::string& name : names) with([&](Program& p) { p.set.erase(name); });
  }

  void plain_launches() {
    for (std::size_t i = 0; i < best_.items.size(); ++i) {
      const auto* launch = std::get_if<Launch>(&best_.items[i].what);
      if (launch == nullptr) continue;
      const isa::InstructionInfo& in = isa::info(launch->instruction);
      if (!in.takes_registers) continue;
      const auto registers = isa::registers_of(*in.engine);
      for (std::size_t r = 0; r < registers.size(); ++r) plain_register(i, r, registers[r]);
    }
  }

  std::uint64_t& word(Program& p, std::size_t item, std::size_t r) {
    return std::get<Launch>(p.items[item].what).raw.registers[r];
  }

  void plain_register(std::size_t item, std::size_t r, const isa::RegisterInfo& info) {
    if (word(best_, item, r) == info.reset) return;
    if (with([&](Program& p) { word(p, item, r) = info.reset; })) return;
    for (const isa::Field& field : info.fields) {
      const auto now = [&] { return field.extract(word(best_, item, r)); };
      const auto becomes = [&](std::uint64_t bits) {
        return bits != now() &&
               with([&](Program& p) { word(p, item, r) = field.insert(word(p, item, r), bits); });
      };
      if (now() == field.extract(info.reset) || becomes(field.extract(info.reset))) continue;
      if (!field.codes.empty() || field.kind == isa::FieldKind::Local) continue;
      if (field.kind == isa::FieldKind::Int) {
        smaller_signed(field, now, becomes);
        continue;
      }
      const auto least = static_cast<std::uint64_t>(std::max<std::int64_t>(field.min, 0));
      if (becomes(least)) continue;
      while (now() / 2 > least && becomes(now() / 2 / field.align * field.align)) {}
      while (now() >= least + field.align && becomes(now() - field.align)) {}
    }
  }

  template <typename Now, typename Becomes>
  static void smaller_signed(const isa::Field& field, const Now& now, const Becomes& becomes) {
    for (;;) {
      const std::int64_t value = isa::sign_extend(now(), field.width);
      const std::int64_t half = value / 2 - value / 2 % static_cast<std::int64_t>(field.align);
      if (half == value || !becomes(static_cast<std::uint64_t>(half) & field.ones())) return;
    }
  }

  void plain_memory() {
    for (std::size_t c = best_.memory.size(); c-- > 0;) {
      if (with([&](Program& p) { p.memory.erase(p.memory.begin() + static_cast<std::ptrdiff_t>(c)); }))
        continue;
      shorter(c);
      plainer(c);
    }
  }

  void shorter(std::size_t c) {
    for (const bool front : {false, true})
      for (std::uint64_t by = best_.memory[c].bytes / 2 / 8 * 8; by >= 8; by = by / 2 / 8 * 8)
        while (best_.memory[c].bytes > by && with([&](Program& p) {
                 Chunk& chunk = p.memory[c];
                 chunk.bytes -= by;
                 if (front) chunk.offset += by;
               })) {}
  }

  void plainer(std::size_t c) {
    const auto fill = [&](std::uint64_t value) {
      return with([&](Program& p) {
        p.memory[c].fill = Chunk::Fill::value;
        p.memory[c].value = value;
        p.memory[c].seed = 0;
      });
    };
    if (best_.memory[c].fill != Chunk::Fill::drawn) return;
    if (fill(0) || fill(one(best_.memory[c].type))) return;
    for (const DataKind kind : {DataKind::Integers, DataKind::Uniform}) {
      if (best_.memory[c].kind == kind) return;
      if (with([&](Program& p) { p.memory[c].kind = kind; })) return;
    }
  }

  static std::uint64_t one(DType type) {
    switch (type) {
      case DType::f32: return 0x3F800000;
      case DType::f16: return 0x3C00;
      case DType::bf16: return 0x3F80;
      case DType::e4m3: return 0x38;
      case DType::e5m2: return 0x3C;
      default: return 1;
    }
  }

  Program best_;
  const StillFails& fails_;
  int most_, tried_ = 0, kept_ = 0;
};

}  // namespace

Shrunk shrink(const Program& failing, const StillFails& fails, int most_tries) {
  return Shrinker(failing, fails, most_tries).run();
}

}  // namespace assay::testgen::program
