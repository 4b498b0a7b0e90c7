#include "core/ledger.hpp"

namespace assay::core {

const std::vector<Owner>& all_owners() {
  static const std::vector<Owner> owners{
#define ASSAY_OWNER(identifier, text) Owner::identifier,
#include "core/owner.def"
#undef ASSAY_OWNER
  };
  return owners;
}

std::string_view to_string(Owner owner) {
  switch (owner) {
#define ASSAY_OWNER(identifier, text) \
  case Owner::identifier:             \
    return #identifier;
#include "core/owner.def"
#undef ASSAY_OWNER
  }
  return "?";
}

std::string_view explain(Owner owner) {
  switch (owner) {
#define ASSAY_OWNER(identifier, text) \
  case Owner::identifier:             \
    return text;
#include "core/owner.def"
#undef ASSAY_OWNER
  }
  return "?";
}

Cycle Ledger::sum() const {
  Cycle total;
  for (const Cycle cycles : cycles_) total += cycles;
  return total;
}

}  // namespace assay::core
