#include "app/coverage/command_features.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>

#include "core/mxu/mxu_kinds.hpp"
#include "isa/command.hpp"
#include "isa/table.hpp"

namespace assay::app {
namespace {

using coverage::Feature;
using coverage::FeatureId;
using coverage::Features;
using coverage::FeatureTable;
using coverage::intern;
using coverage::Word;
using Names = std::vector<std::string>;

// The prefix of a command's fields: the name of its typed struct.
const char* family_of(isa::Engine engine) {
  switch (engine) {
    case isa::Engine::mxu: return "mxu";
    case isa::Engine::vxu: return "vxu";
    default: return "dma";
  }
}

const char* family_of(const isa::InstructionInfo& info) {
  if (info.engine) return family_of(*info.engine);
  return info.form == isa::Form::Queue ? "sem" : "fence";
}

const Names kLocal{"spm", "acc"}, kHbm{"aligned", "unaligned"}, kFlag{"0", "1"};

Feature declared(const isa::Field& field, const std::string& name) {
  Feature f{name, std::string(field.doc), false, {}};
  switch (field.kind) {
    case isa::FieldKind::Flag: f.words = kFlag; break;
    case isa::FieldKind::Local: f.words = kLocal; break;
    case isa::FieldKind::Hbm: f.words = kHbm; break;
    default:
      for (const isa::Code& code : field.codes) f.words.emplace_back(code.name);
      if (!f.words.empty()) break;
      f.is_number = true;
      f.is_signed = field.kind == isa::FieldKind::Int && field.min < 0;
      f.least = static_cast<double>(field.min);
      f.most = static_cast<double>(field.max);
      f.align = static_cast<double>(field.align);
  }
  return f;
}

// A field as it is read from a register or operand again and again.
struct Reader {
  const isa::Field* field = nullptr;
  FeatureId id = 0;
  std::vector<std::pair<std::uint64_t, Word>> codes;

  Reader(const isa::Field& f, const std::string& family, const FeatureTable& table)
      : field(&f), id(table.id(family + "." + std::string(f.name))) {
    for (const isa::Code& code : f.codes) codes.emplace_back(code.value, intern(code.name));
  }

  void read(std::uint64_t word, Features& f) const {
    static const std::array<Word, 2> flag{intern("0"), intern("1")}, local{intern("spm"), intern("acc")},
        hbm{intern("unaligned"), intern("aligned")};
    const std::uint64_t bits = field->extract(word);
    switch (field->kind) {
      case isa::FieldKind::Flag: return f.add(id, flag[bits & 1]);
      case isa::FieldKind::Local:
        return f.add(id, local[isa::LocalAddr(static_cast<std::uint32_t>(bits)).is_acc() ? 1 : 0]);
      case isa::FieldKind::Hbm: return f.add(id, hbm[bits % 64 == 0 ? 1 : 0]);
      default: break;
    }
    if (!codes.empty()) {
      for (const auto& [value, name] : codes)
        if (value == bits) f.add(id, name);
    } else if (field->kind == isa::FieldKind::Int) {
      f.add(id, static_cast<double>(isa::sign_extend(bits, field->width)));
    } else {
      f.add(id, static_cast<double>(bits));
    }
  }
};

// All fields of one instruction: of its operands and of its engine's registers.
struct Instruction {
  std::vector<Reader> rs1, rs2;
  std::vector<std::vector<Reader>> registers;
  Word name = nullptr;
};

Instruction reader_of(const isa::InstructionInfo& info, const FeatureTable& table) {
  Instruction i;
  i.name = intern(info.mnemonic);
  const std::string family = family_of(info);
  for (const isa::Field& field : info.rs1) i.rs1.emplace_back(field, family, table);
  for (const isa::Field& field : info.rs2) i.rs2.emplace_back(field, family, table);
  if (info.takes_registers)
    for (const isa::RegisterInfo& r : isa::registers_of(*info.engine)) {
      i.registers.emplace_back();
      for (const isa::Field& field : r.fields) i.registers.back().emplace_back(field, family, table);
    }
  return i;
}

bool is_command(const isa::InstructionInfo& info) { return info.form != isa::Form::Configure; }

// What queues and semaphores were like when each command came.
class Queues {
 public:
  Queues(const sim::CommandLog& log, const Machine& machine) : signal_cycles_(machine.sync.signal_cycles) {
    std::array<Cycle, isa::kEngineCount> visible{};
    for (const sim::CommandRecord& record : log) {
      const auto* sync = std::get_if<isa::SemaphoreCommand>(&record.command);
      Cycle& latest = visible[static_cast<std::size_t>(record.engine)];
      if (sync == nullptr) latest = std::max(latest, record.end);
      else if (sync->instruction == isa::Instruction::sem_signal) {
        Semaphore& s = semaphores_[sync->semaphore];
        s.posts.push_back(std::max(latest, record.start) + signal_cycles_);
        s.signaller = record.engine;
      } else {
        semaphores_[sync->semaphore].waiter = record.engine;
      }
    }
  }

  // Commands of its engine that had not left the queue. To be asked in order.
  std::uint64_t before(const sim::CommandRecord& record) {
    Engine& e = engines_[static_cast<std::size_t>(record.engine)];
    while (e.first < e.accepts.size() && e.accepts[e.first] <= record.issued) ++e.first;
    const std::uint64_t count = e.accepts.size() - e.first;
    e.accepts.push_back(record.accept);
    return count;
  }

  // Signals posted and not yet waited for as this wait began. To be asked in order.
  std::uint64_t ahead(std::uint32_t semaphore, Cycle at) {
    Semaphore& s = semaphores_[semaphore];
    const auto posted = std::upper_bound(s.posts.begin(), s.posts.end(), at) - s.posts.begin();
    const auto waits = static_cast<std::ptrdiff_t>(s.waits++);
    return posted > waits ? static_cast<std::uint64_t>(posted - waits) : 0;
  }
  std::optional<isa::Engine> signaller(std::uint32_t semaphore) { return semaphores_[semaphore].signaller; }
  std::optional<isa::Engine> waiter(std::uint32_t semaphore) { return semaphores_[semaphore].waiter; }

 private:
  struct Engine {
    std::vector<Cycle> accepts;
    std::size_t first = 0;
  };
  struct Semaphore {
    std::vector<Cycle> posts;  // ascending: a queue's signals come in order
    std::uint64_t waits = 0;
    std::optional<isa::Engine> signaller, waiter;
  };
  Cycle signal_cycles_;
  std::array<Engine, isa::kEngineCount> engines_;
  std::map<std::uint32_t, Semaphore> semaphores_;
};

// Words are looked up once: a run has thousands of commands.
class Named {
 public:
  Named(const FeatureTable& table, const char* feature, std::vector<const char*> words)
      : id_(table.id(feature)) {
    for (const char* word : words) words_.push_back(intern(word));
  }
  void add(Features& f, std::size_t which) const { f.add(id_, words_[which]); }

 private:
  FeatureId id_;
  std::vector<Word> words_;
};

// What is the same for every run: where each field lies, and which feature it is.
struct Vocabulary {
  explicit Vocabulary(const FeatureTable& t)
      : instruction(t.id("instruction")),
        engine(t.id("engine")),
        before(t.id("queue.before")),
        depth(t.id("queue_depth")),
        rows(t.id("rows")),
        cols(t.id("cols")),
        k_tile(t.id("k_tile")),
        lanes(t.id("lanes")),
        dims(t.id("dma.dims")),
        ahead(t.id("sem.ahead")),
        b_dtype(t.id("mxu.b_dtype")),
        signaller(t.id("sem.signaller")),
        waiter(t.id("sem.waiter")),
        fence_engines(t.id("fence.engines")),
        stall(t, "queue.stall", {"no", "yes"}),
        dequantises(t, "mxu.dequantises", {"no", "yes"}),
        in_place(t, "vxu.in_place", {"no", "yes"}),
        held(t, "sem.held", {"no", "yes"}),
        fence_held(t, "fence.held", {"no", "yes"}),
        remainder(t, "mxu.remainder", {"none", "n", "k", "both"}),
        repeats(t, "mxu.repeats", {"none", "inner", "outer", "both"}),
        mask(t, "vxu.mask", {"none", "range", "bytes", "both"}),
        scale_form(t, "vxu.scale_form", {"scalar", "row", "column", "full"}),
        bias_form(t, "vxu.bias_form", {"scalar", "row", "column", "full"}),
        padding(t, "dma.padding",
                {"before0", "after0", "before1", "after1", "before2", "after2", "before3", "after3",
                 "before4", "after4", "none"}) {
    for (const isa::InstructionInfo& info : isa::instructions())
      instructions.push_back(is_command(info) ? reader_of(info, t) : Instruction{});
    for (const std::string& name : engine_names()) engines.push_back(intern(name));
    for (const DType type : engine_dtypes()) types[static_cast<std::size_t>(type)] = intern(to_string(type));
  }

  FeatureId instruction, engine, before, depth, rows, cols, k_tile, lanes, dims, ahead, b_dtype, signaller,
      waiter, fence_engines;
  Named stall, dequantises, in_place, held, fence_held, remainder, repeats, mask, scale_form, bias_form,
      padding;
  std::vector<Instruction> instructions;
  std::vector<Word> engines;
  std::array<Word, 16> types{};
};

class Commands {
 public:
  Commands(const FeatureTable& table, const Vocabulary& vocabulary, const Machine& machine)
      : f_(table), v_(vocabulary), machine_(machine) {}

  const Features& of(const sim::CommandRecord& record, Queues& queues) {
    f_.clear();
    machine();
    f_.add(v_.engine, v_.engines[static_cast<std::size_t>(record.engine)]);
    f_.add(v_.before, static_cast<double>(queues.before(record)));
    v_.stall.add(f_, record.issued > record.asked);
    fields(record.command);
    if (const auto* mxu = std::get_if<isa::MxuCommand>(&record.command)) derive(*mxu);
    if (const auto* vxu = std::get_if<isa::VxuCommand>(&record.command)) derive(*vxu);
    if (const auto* dma = std::get_if<isa::DmaCommand>(&record.command)) derive(*dma);
    if (const auto* sync = std::get_if<isa::SemaphoreCommand>(&record.command)) derive(record, *sync, queues);
    return f_;
  }

  const Features& of(const sim::FenceRecord& fence) {
    f_.clear();
    machine();
    f_.add(v_.instruction, v_.instructions[static_cast<std::size_t>(isa::Instruction::fence_ai)].name);
    f_.add(v_.fence_engines, static_cast<double>(fence.engines));
    for (std::size_t e = 0; e < v_.engines.size(); ++e)
      if ((fence.engines >> e & 1) != 0) f_.add(v_.engine, v_.engines[e]);
    v_.fence_held.add(f_, fence.released > fence.asked);
    return f_;
  }

 private:
  void machine() {
    f_.add(v_.depth, static_cast<double>(machine_.sync.queue_depth));
    f_.add(v_.rows, static_cast<double>(machine_.mxu.rows));
    f_.add(v_.cols, static_cast<double>(machine_.mxu.cols));
    f_.add(v_.lanes, static_cast<double>(machine_.vxu.lanes));
  }

  void fields(const isa::Command& command) {
    const isa::RawCommand raw = isa::pack(command);
    const Instruction& i = v_.instructions[static_cast<std::size_t>(isa::instruction_of(command))];
    f_.add(v_.instruction, i.name);
    for (const Reader& r : i.rs1) r.read(raw.rs1, f_);
    for (const Reader& r : i.rs2) r.read(raw.rs2, f_);
    for (std::size_t n = 0; n < i.registers.size(); ++n)
      for (const Reader& r : i.registers[n]) r.read(raw.registers[n], f_);
  }

  void derive(const isa::MxuCommand& c) {
    f_.add(v_.k_tile,
           static_cast<double>(machine_.mxu.rows * std::max(1U, machine_.mxu.rate(c.dtype).chain)));
    f_.add(v_.b_dtype, v_.types[static_cast<std::size_t>(core::stationary_type(c))]);
    v_.dequantises.add(f_, core::dequantises(c));
    if (c.instruction == isa::Instruction::mxu_load) return;
    const bool inner = c.inner > 1, outer = c.outer > 1;
    const bool n = c.n_last != 0 && c.n_last != c.n && inner, k = c.k_last != 0 && c.k_last != c.k && outer;
    v_.remainder.add(f_, n + 2 * k);
    v_.repeats.add(f_, inner + 2 * outer);
  }

  void derive(const isa::VxuCommand& c) {
    v_.in_place.add(f_, c.x_addr == c.out_addr && !c.reduce_only);
    v_.mask.add(f_, c.mask_by_range + 2 * c.mask_by_bytes);
    if (c.scale_source == isa::OperandSource::memory)
      v_.scale_form.add(f_, (c.scale_col_stride != 0) + 2 * (c.scale_row_stride != 0));
    if (c.bias_source == isa::OperandSource::memory)
      v_.bias_form.add(f_, (c.bias_col_stride != 0) + 2 * (c.bias_row_stride != 0));
  }

  void derive(const isa::DmaCommand& c) {
    int dims = 1;
    for (const std::uint32_t count : {c.count1, c.count2, c.count3, c.count4}) dims += count > 1 ? 1 : 0;
    f_.add(v_.dims, static_cast<double>(dims));
    const std::uint32_t pads[] = {c.pad_before0, c.pad_after0,  c.pad_before1, c.pad_after1,  c.pad_before2,
                                  c.pad_after2,  c.pad_before3, c.pad_after3,  c.pad_before4, c.pad_after4};
    bool padded = false;
    for (std::size_t i = 0; i < std::size(pads) && c.fill_bytes != 0; ++i) {
      if (pads[i] == 0) continue;
      v_.padding.add(f_, i);
      padded = true;
    }
    if (!padded) v_.padding.add(f_, std::size(pads));
  }

  void derive(const sim::CommandRecord& record, const isa::SemaphoreCommand& sync, Queues& queues) {
    if (const auto s = queues.signaller(sync.semaphore))
      f_.add(v_.signaller, v_.engines[static_cast<std::size_t>(*s)]);
    if (const auto w = queues.waiter(sync.semaphore))
      f_.add(v_.waiter, v_.engines[static_cast<std::size_t>(*w)]);
    if (sync.instruction != isa::Instruction::sem_wait) return;
    v_.held.add(f_, record.end > record.start);
    f_.add(v_.ahead, static_cast<double>(queues.ahead(sync.semaphore, record.start)));
  }

  Features f_;
  const Vocabulary& v_;
  const Machine& machine_;
};

// One for each table; there are few in a program, and they live as long as it does.
const Vocabulary& vocabulary_of(const FeatureTable& table) {
  static std::map<const FeatureTable*, Vocabulary> known;
  static std::mutex mutex;
  const std::lock_guard<std::mutex> lock(mutex);
  const auto found = known.find(&table);
  return found != known.end() ? found->second : known.emplace(&table, Vocabulary(table)).first->second;
}

}  // namespace

std::vector<std::string> engine_names() {
  Names names;
  for (unsigned e = 0; e < isa::kEngineCount; ++e)
    names.emplace_back(isa::to_string(static_cast<isa::Engine>(e)));
  return names;
}

void declare_command_features(FeatureTable& table) {
  Names instructions, types;
  for (const isa::InstructionInfo& info : isa::instructions())
    if (is_command(info)) instructions.emplace_back(info.mnemonic);
  for (const DType type : engine_dtypes()) types.emplace_back(to_string(type));
  const Names yes_no{"yes", "no"};
  table.add({"instruction", "the instruction", false, instructions});
  table.add({"engine", "its engine; of a fence, those that it waits for", false, engine_names()});
  table.add({"queue.before", "commands in its engine's queue as it was issued", true, {}});
  table.add({"queue.stall", "the host waited for room in the queue", false, yes_no});
  table.add({"queue_depth", "machine: places of a queue", true, {}});
  table.add({"rows", "machine: rows of the array", true, {}});
  table.add({"cols", "machine: columns of the array", true, {}});
  table.add({"k_tile", "machine: products of a stationary tile of the command's type", true, {}});
  table.add({"lanes", "machine: lanes of the vector unit", true, {}});
  table.add({"mxu.b_dtype", "element type of B where it lies", false, types});
  table.add({"mxu.dequantises", "B is dequantised as it is loaded", false, yes_no});
  table.add({"mxu.remainder", "which last repetitions are smaller", false, {"none", "n", "k", "both"}});
  table.add({"mxu.repeats", "which repetitions there are", false, {"none", "inner", "outer", "both"}});
  table.add({"vxu.in_place", "the output lies where x does", false, yes_no});
  table.add({"vxu.mask", "what masks elements", false, {"none", "range", "bytes", "both"}});
  const Names forms{"scalar", "row", "column", "full"};
  table.add({"vxu.scale_form", "scale in memory: how it broadcasts", false, forms});
  table.add({"vxu.bias_form", "bias in memory: how it broadcasts", false, forms});
  table.add({"dma.dims", "dimensions of more than one entry, the run included", true, {}});
  table.add({"dma.padding",
             "where fill patterns are added",
             false,
             {"none", "before0", "after0", "before1", "after1", "before2", "after2", "before3", "after3",
              "before4", "after4"}});
  table.add({"sem.signaller", "the engine that signals the semaphore", false, engine_names()});
  table.add({"sem.waiter", "the engine that waits for the semaphore", false, engine_names()});
  table.add({"sem.held", "the wait held its queue", false, yes_no});
  table.add({"sem.ahead", "signals posted and not waited for, as the wait began", true, {}});
  table.add({"fence.held", "the fence held the host", false, yes_no});
  for (const isa::InstructionInfo& info : isa::instructions()) {
    if (!is_command(info)) continue;
    const std::string family = family_of(info);
    for (const auto& fields : {info.rs1, info.rs2})
      for (const isa::Field& field : fields)
        table.add(declared(field, family + "." + std::string(field.name)));
    if (info.takes_registers)
      for (const isa::RegisterInfo& r : isa::registers_of(*info.engine))
        for (const isa::Field& field : r.fields)
          table.add(declared(field, family + "." + std::string(field.name)));
  }
}

void sample_commands(const sim::RunResult& run, const Machine& machine, coverage::Sampler& sampler) {
  const FeatureTable& table = sampler.model().schema()[coverage::Scope::Command];
  const Vocabulary& vocabulary = vocabulary_of(table);
  Commands commands(table, vocabulary, machine);
  Queues queues(run.log, machine);
  std::size_t count = 0;
  for (const sim::CommandRecord& record : run.log) {
    if (++count > kMostCommands) break;
    sampler.sample(coverage::Scope::Command, commands.of(record, queues));
  }
  for (const sim::FenceRecord& fence : run.fences)
    sampler.sample(coverage::Scope::Command, commands.of(fence));
}

}  // namespace assay::app
