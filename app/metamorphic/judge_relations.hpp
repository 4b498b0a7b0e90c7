// Metamorphic relations over the outputs of a run: their follow-ups are run too, and compared.
#pragma once

#include <string>
#include <vector>

#include "app/case/case_run.hpp"
#include "testgen/metamorphic/relation.hpp"

namespace assay::app {

// The relations of these names that say something of the case; "all": every one that does. Throws
// Error(Usage) for a name that is none, Error(Unsupported) for one that says nothing of this case.
std::vector<const testgen::metamorphic::Relation*> chosen_relations(const testgen::Case& c,
                                                                    const std::vector<std::string>& names);

// Of a case that ran, with its outputs. Follow-ups run with the same options, the user's kernel included
// where they are of the same operator; one that the machine refuses says nothing, and one whose kernel does
// wrong breaks its relation.
std::vector<report::RelationVerdict> judge_relations(
    const CaseInput& input, const std::vector<Tensor>& outputs, const RunOptions& options,
    const std::vector<const testgen::metamorphic::Relation*>& relations);

}  // namespace assay::app
