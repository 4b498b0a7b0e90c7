#include "testgen/coverage/case_features.hpp"

#include <algorithm>
#include <numeric>
#include <set>

#include "base/error.hpp"
#include "ops/attention/attention_spec.hpp"
#include "ops/conv/conv_spec.hpp"
#include "ops/einsum/einsum_spec.hpp"
#include "ops/gemm/gemm_spec.hpp"
#include "ops/grouped/grouped_spec.hpp"
#include "ops/nbits/nbits_spec.hpp"
#include "ops/softmax/softmax_spec.hpp"
#include "testgen/space/random_problem.hpp"

namespace assay::coverage {
namespace {

using Names = std::vector<std::string>;
using ops::Problem;
using ops::TensorInfo;

struct Letter {
  const char* name;
  const char* doc;
};

// Numbers, of the operators that have them.
constexpr Letter kNumbers[] = {
    {"rows", "machine: rows of the array"},
    {"cols", "machine: columns of the array"},
    {"k_tile", "machine: products of a stationary tile of this element type"},
    {"lanes", "machine: lanes of the vector unit"},
    {"m", "gemm family: rows of the product (of one matrix)"},
    {"n", "gemm family: columns of the product"},
    {"k", "gemm family: products of an element"},
    {"batch", "matrices of the batch, images, or items"},
    {"batch_dims", "matmul: batch dimensions that are left after merging"},
    {"inputs", "inputs that are given"},
    {"rank", "dimensions of the first output"},
    {"elements", "elements of the first output"},
    {"tokens", "grouped_gemm: tokens"},
    {"slots", "grouped_gemm: experts of a token"},
    {"experts", "grouped_gemm: experts"},
    {"group_size", "matmul_nbits: products that share a scale"},
    {"group_tail", "matmul_nbits: products of the last, partial group; 0: none"},
    {"space", "convolutions: spatial dimensions"},
    {"channels", "convolutions: input channels of a group"},
    {"outputs", "convolutions: output channels of a group"},
    {"groups", "convolutions: groups"},
    {"positions", "convolutions: positions of Y, over the batch"},
    {"taps", "convolutions: products of an output element at most"},
    {"kernel", "convolutions: extent of W in a spatial dimension"},
    {"in", "convolutions: extent of X in a spatial dimension"},
    {"out_size", "convolutions: extent of Y in a spatial dimension"},
    {"stride", "convolutions: of a spatial dimension"},
    {"dilation", "convolutions: of a spatial dimension"},
    {"pad", "convolutions: before a spatial dimension"},
    {"q_heads", "attention: query heads"},
    {"kv_heads", "attention: key heads"},
    {"heads_each", "attention: query heads that share a key head"},
    {"queries", "attention: queries"},
    {"keys", "attention: keys"},
    {"depth", "attention: of Q and K"},
    {"value_depth", "attention: of V"},
    {"page", "attention: keys of a page of the cache"},
    {"kv_block", "attention: keys of a block of the algorithm"},
    {"outer", "softmax: rows outside; gather: indices"},
    {"length", "softmax: elements of a row"},
    {"inner", "softmax: rows inside"},
    {"row_block", "softmax: columns of a block of the algorithm"},
    {"positions_turned", "rotary: positions"},
    {"half", "rotary: pairs of a head"},
    {"table_rows", "gather: rows of the table"},
    {"row_bytes", "gather: bytes of a row"},
    {"index_rank", "gather: dimensions of the indices"},
    {"operands", "einsum: operands"},
    {"terms", "einsum: products or elements that are summed for one result"},
};

const Names kYesNo{"yes", "no"};

struct WordFeature {
  const char* name;
  const char* doc;
  Names words;
};

std::vector<WordFeature> word_features() {
  return {
      {"dtype_b", "element type of the second main operand", {}},
      {"out", "element type of the first output", {}},
      {"empty", "whether an output has no elements", kYesNo},
      {"bias_form", "how gemm's C broadcasts", {"none", "scalar", "row", "column", "full"}},
      {"a_batch", "matmul: whether A has the batch", {"none", "own", "broadcast"}},
      {"b_batch", "matmul: whether B has the batch", {"none", "own", "broadcast"}},
      {"vector_operand", "matmul: one-dimensional operands", {"none", "a", "b", "both"}},
      {"each_column", "a scale or zero point for each column or channel", kYesNo},
      {"scaled", "alpha is not 1", kYesNo},
      {"scale_dtype", "matmul_nbits: type of the scales; rotary: of the angles", {}},
      {"zero_source", "matmul_nbits: where zero points come from", {"none", "attribute", "input"}},
      {"own_rows", "grouped_gemm: X has a row for each slot", kYesNo},
      {"shape_class", "convolutions: what kind of layer", {"pointwise", "depthwise", "grouped", "spatial"}},
      {"pads_differ", "convolutions: some pad before differs from the one behind", kYesNo},
      {"padded", "convolutions: some pad is not 0", kYesNo},
      {"mask", "attention: the mask", {"none", "added", "bytes"}},
      {"mask_dtype", "attention: the mask's type", {}},
      {"mask_form",
       "attention: dimensions in which the mask broadcasts",
       {"batch", "heads", "queries", "none"}},
      {"windowed", "attention: a window", kYesNo},
      {"capped", "attention: a softcap", kYesNo},
      {"paged", "attention: K and V are pages", kYesNo},
      {"positions_of_queries", "attention: queries against keys", {"decode", "fewer", "as_many", "more"}},
      {"axis_place", "softmax: the axis among the dimensions", {"last", "first", "middle", "only"}},
      {"broadcast",
       "elementwise: an input against the output",
       {"same", "scalar", "row", "column", "middle", "band", "mixed"}},
      {"ellipsis", "einsum: the equation has ...", kYesNo},
      {"diagonal", "einsum: a letter occurs twice in a term", kYesNo},
      {"explicit_output", "einsum: the equation has ->", kYesNo},
      {"sums", "einsum: some letter is summed", kYesNo},
      {"transposed_operand",
       "transA, transB, transW: which operands lie transposed",
       {"none", "a", "b", "both"}},
  };
}

Names dtype_names() {
  Names names;
  for (const DType type : all_dtypes()) names.emplace_back(assay::to_string(type));
  return names;
}

Names kind_names() {
  Names names;
  for (int i = 0; i < 256; ++i) {
    const std::string_view name = to_string(static_cast<testgen::DataKind>(i));
    if (name == "?") break;
    names.emplace_back(name);
  }
  return names;
}

Names operator_names() {
  Names names;
  for (const ops::Operator* op : ops::all_operators()) names.emplace_back(op->name());
  return names;
}

void declare_attributes(FeatureTable& table) {
  for (const ops::Operator* op : ops::all_operators()) {
    for (const ops::AttributeSpec& spec : op->attributes()) {
      const bool number = spec.type != ops::AttributeType::String;
      table.add({spec.name, "attribute: " + spec.doc, number, spec.choices, number, 0});
      table.add(
          {"given." + spec.name, "attribute: whether it has its fallback", false, {"default", "other"}});
    }
    const Names& names = op->input_names();
    for (std::size_t i = op->required_inputs(); i < names.size(); ++i)
      table.add({"has." + names[i], "whether the optional input is given", false, kYesNo});
  }
}

// Why the operator has no problem of that type.
std::string operator_takes_type(const std::map<std::string, std::string>& values) {
  static const auto known = [] {
    std::map<std::string, std::set<std::string>> types;
    for (const ops::Operator* op : ops::all_operators())
      for (const DType type : testgen::problem_types(op->name()))
        types[std::string(op->name())].emplace(assay::to_string(type));
    return types;
  }();
  const std::string& op = values.at("op");
  return known.at(op).count(values.at("dtype")) != 0 ? "" : op + " does not take " + values.at("dtype");
}

// ------------------------------------------------------------------------------------------- sampling

class Sample {
 public:
  Sample(const FeatureTable& table, const testgen::Case& c, const Machine& machine)
      : f(table), p(c.problem), machine_(machine), case_(c) {}

  Features all() {
    common();
    attributes();
    const std::string& op = p.op;
    if (op == "gemm" || op == "matmul" || op == "matmulinteger" || op == "qlinearmatmul") gemm();
    else if (op == "conv" || op == "convtranspose" || op == "convinteger" || op == "qlinearconv") conv();
    else if (op == "attention") attention();
    else if (op == "softmax") softmax();
    else if (op == "grouped_gemm") grouped();
    else if (op == "matmul_nbits") nbits();
    else if (op == "rotary") rotary();
    else if (op == "gather") gather();
    else if (op == "einsum") einsum();
    else elementwise();
    return std::move(f);
  }

 private:
  const TensorInfo* input(std::string_view name) const {
    const auto at = ops::find_input(p, name);
    return at ? &p.inputs[*at] : nullptr;
  }
  void dtype(std::string_view name, DType type) { f.word(name, assay::to_string(type)); }

  void common() {
    f.word("op", p.op);
    f.word("config", case_.config);
    f.word("mode", golden::to_string(case_.mode));
    f.word("data", to_string(case_.data));
    f.number("inputs", p.inputs.size());
    f.number("rank", p.outputs.at(0).shape.size());
    f.number("elements", element_count(p.outputs[0].shape));
    f.flag("empty", ops::is_empty(p.outputs[0]));
    dtype("out", p.outputs[0].dtype);
    const DType main = p.inputs.at(p.op == "matmul_nbits" ? 1 : 0).dtype;
    dtype("dtype", main);
    f.number("rows", machine_.mxu.rows);
    f.number("cols", machine_.mxu.cols);
    f.number("lanes", machine_.vxu.lanes);
    f.number("k_tile", machine_.mxu.rows * std::max(1U, machine_.mxu.rate(p.inputs[0].dtype).chain));
  }

  void attributes() {
    const ops::Operator& op = ops::find_operator(p.op);
    for (const ops::AttributeSpec& spec : op.attributes()) {
      const ops::AttributeValue* given = p.attributes.find(spec.name);
      const ops::AttributeValue& value = given != nullptr ? *given : spec.fallback;
      const bool other = given != nullptr && ops::text_of(*given) != ops::text_of(spec.fallback);
      f.word("given." + spec.name, other ? "other" : "default");
      const FeatureId id = f.table().id(spec.name);
      if (const auto* text = std::get_if<std::string>(&value)) f.add(id, intern(*text));
      else if (const auto* integer = std::get_if<std::int64_t>(&value))
        f.add(id, static_cast<double>(*integer));
      else if (const auto* number = std::get_if<float>(&value)) f.add(id, static_cast<double>(*number));
      else if (const auto* list = std::get_if<std::vector<std::int64_t>>(&value))
        for (const std::int64_t n : *list) f.add(id, static_cast<double>(n));
    }
    const Names& names = op.input_names();
    for (std::size_t i = op.required_inputs(); i < names.size(); ++i)
      f.flag("has." + names[i], input(names[i]) != nullptr);
  }

  void transposed(bool a, bool b) {
    f.word("transposed_operand", a && b ? "both" : a ? "a" : b ? "b" : "none");
  }

  static const char* batch_form(const Shape& shape, const Shape& other) {
    const auto matrices = [](const Shape& s) {
      return std::accumulate(s.begin(),
                             s.end() - static_cast<std::ptrdiff_t>(std::min<std::size_t>(2, s.size())),
                             std::int64_t{1}, std::multiplies<>());
    };
    if (matrices(shape) != 1) return "own";
    return matrices(other) != 1 ? "broadcast" : "none";
  }

  void gemm() {
    const ops::GemmForm form = ops::gemm_form(p);
    f.number("m", form.m);
    f.number("n", form.n);
    f.number("k", form.k);
    f.number("batch", form.batches());
    f.number("batch_dims", form.batch_dims.size());
    f.flag("scaled", form.scaled());
    transposed(form.trans_a, form.trans_b);
    const TensorInfo &a = p.inputs[0],
                     &b = p.inputs[*ops::find_input(p, p.op == "qlinearmatmul" ? "b" : "B")];
    dtype("dtype_b", b.dtype);
    f.word("a_batch", batch_form(a.shape, b.shape));
    f.word("b_batch", batch_form(b.shape, a.shape));
    const bool va = a.shape.size() == 1, vb = b.shape.size() == 1;
    f.word("vector_operand", va && vb ? "both" : va ? "a" : vb ? "b" : "none");
    if (p.op == "gemm") {
      const bool rows = form.c_row_stride != 0, cols = form.c_col_stride != 0;
      f.word("bias_form", !form.has_c    ? "none"
                          : rows && cols ? "full"
                          : rows         ? "column"
                          : cols         ? "row"
                                         : "scalar");
    }
    if (const TensorInfo* scale = input("b_scale")) f.flag("each_column", element_count(scale->shape) > 1);
  }

  void nbits() {
    const ops::NbitsForm form = ops::nbits_form(p);
    f.number("m", form.m);
    f.number("n", form.n);
    f.number("k", form.k);
    f.number("group_size", form.group);
    f.number("group_tail", form.k % form.group);
    transposed(false, form.trans_b);
    dtype("dtype_b", p.inputs[0].dtype);
    dtype("scale_dtype", input("scales")->dtype);
    f.word("zero_source", form.has_zeros ? "input" : form.zero != 0 ? "attribute" : "none");
  }

  void grouped() {
    const ops::GroupedForm form = ops::grouped_form(p);
    f.number("tokens", form.tokens);
    f.number("slots", form.slots);
    f.number("experts", form.experts);
    f.number("n", form.n);
    f.number("k", form.k);
    f.flag("own_rows", form.own_rows);
    transposed(false, form.trans_w);
    dtype("dtype_b", input("W")->dtype);
  }

  void conv() {
    const ops::ConvForm form = ops::conv_form(p);
    const std::size_t space = p.outputs[0].shape.size() - 2;
    f.number("space", space);
    f.number("batch", form.batch);
    f.number("groups", form.groups);
    f.number("channels", form.channels / form.groups);
    f.number("outputs", form.outputs / form.groups);
    f.number("positions", form.positions());
    f.number("taps", form.taps_and_depth());
    bool point = true, padded = false, differ = false;
    for (std::size_t i = form.axes.size() - space; i < form.axes.size(); ++i) {
      const ops::ConvAxis& axis = form.axes[i];
      f.number("kernel", axis.kernel);
      f.number("in", axis.in);
      f.number("out_size", axis.out);
      f.number("stride", axis.stride);
      f.number("dilation", axis.dilation);
      f.number("pad", axis.pad);
      point &= axis.kernel == 1;
      const std::int64_t behind = pad_behind(axis, form.transposed);
      padded |= axis.pad > 0 || behind > 0;
      differ |= axis.pad != behind;
    }
    const bool depthwise = form.groups > 1 && form.channels == form.groups;
    f.word("shape_class", depthwise         ? "depthwise"
                          : form.groups > 1 ? "grouped"
                          : point           ? "pointwise"
                                            : "spatial");
    f.flag("padded", padded);
    f.flag("pads_differ", differ);
    dtype("dtype_b", form.w);
    for (const char* name : {"w_scale", "w_zero_point"})
      if (const TensorInfo* each = input(name)) f.flag("each_column", element_count(each->shape) > 1);
  }

  // Of the input that the last output position reads beyond its end: what is there is padding.
  static std::int64_t pad_behind(const ops::ConvAxis& a, bool transposed) {
    const auto whole = [](std::uint64_t n) { return static_cast<std::int64_t>(n); };
    const std::int64_t reach = whole((a.kernel - 1) * a.dilation);
    if (transposed) return whole((a.in - 1) * a.stride) + reach + 1 - a.pad - whole(a.out);
    return std::max<std::int64_t>(0, whole((a.out - 1) * a.stride) + reach + 1 - a.pad - whole(a.in));
  }

  void attention() {
    const ops::AttentionForm form = ops::attention_form(p);
    f.number("batch", form.batch);
    f.number("q_heads", form.q_heads);
    f.number("kv_heads", form.kv_heads);
    if (form.kv_heads > 0) f.number("heads_each", form.q_heads / form.kv_heads);
    f.number("queries", form.queries);
    f.number("keys", form.keys);
    f.number("depth", form.depth);
    f.number("value_depth", form.value_depth);
    f.number("kv_block", form.byte_weights ? ASSAY_ATTENTION_U8_BLOCK : ASSAY_ATTENTION_BLOCK);
    if (form.page > 0) f.number("page", form.page);
    f.flag("paged", form.page > 0);
    f.flag("windowed", form.window > 0);
    f.flag("capped", form.softcap != 0);
    f.word("positions_of_queries", form.queries == 1           ? "decode"
                                   : form.queries < form.keys  ? "fewer"
                                   : form.queries == form.keys ? "as_many"
                                                               : "more");
    f.word("mask", form.mask == ASSAY_ATTENTION_NO_MASK ? "none"
                   : form.mask == ASSAY_ATTENTION_ADDED ? "added"
                                                        : "bytes");
    if (form.mask == ASSAY_ATTENTION_NO_MASK) return;
    dtype("mask_dtype", form.mask_type);
    const auto& s = form.mask_strides;
    if (s.batch == 0 && form.batch > 1) f.word("mask_form", "batch");
    if (s.head == 0 && form.q_heads > 1) f.word("mask_form", "heads");
    if (s.row == 0 && form.queries > 1) f.word("mask_form", "queries");
    if (f.count(f.table().id("mask_form")) == 0) f.word("mask_form", "none");
  }

  void softmax() {
    const ops::SoftmaxForm form = ops::softmax_form(p);
    f.number("outer", form.outer);
    f.number("length", form.length);
    f.number("inner", form.inner);
    f.number("row_block", 1024);
    f.word("axis_place", p.inputs[0].shape.size() == 1 ? "only"
                         : form.inner == 1             ? "last"
                         : form.outer == 1             ? "first"
                                                       : "middle");
  }

  void rotary() {
    const Shape& angles = p.inputs.at(1).shape;
    f.number("positions_turned", angles[0]);
    f.number("half", angles[1]);
    dtype("scale_dtype", p.inputs[1].dtype);
  }

  void gather() {
    const TensorInfo &data = p.inputs.at(0), &indices = p.inputs.at(1);
    f.number("table_rows", data.shape.at(0));
    f.number("index_rank", indices.shape.size());
    f.number("outer", element_count(indices.shape));
    if (data.shape[0] > 0)
      f.number("row_bytes", storage_bytes(data.dtype, static_cast<std::uint64_t>(element_count(data.shape) /
                                                                                 data.shape[0])));
  }

  void einsum() {
    const ops::EinsumForm form = ops::einsum_form(p);
    const std::string equation = ops::einsum_equation(p);
    f.number("operands", p.inputs.size());
    f.number("terms", form.terms());
    f.flag("sums", form.sums());
    f.flag("ellipsis", equation.find("...") != std::string::npos);
    f.flag("explicit_output", equation.find("->") != std::string::npos);
    bool diagonal = false;
    std::set<char> seen;
    for (const char c : equation.substr(0, equation.find("->"))) {
      if (c == ',') seen.clear();
      else if (c != '.') diagonal |= !seen.insert(c).second;
    }
    f.flag("diagonal", diagonal);
  }

  void elementwise() {
    const Shape& out = p.outputs[0].shape;
    for (const TensorInfo& in : p.inputs) {
      std::string pattern;  // k: a run of dimensions that it has, b: one in which it broadcasts
      for (std::size_t d = 0; d < out.size(); ++d) {
        if (out[d] == 1) continue;
        const std::size_t missing = out.size() - in.shape.size();
        const char c = d < missing || in.shape[d - missing] == 1 ? 'b' : 'k';
        if (pattern.empty() || pattern.back() != c) pattern += c;
      }
      f.word("broadcast", pattern.empty() || pattern == "k" ? "same"
                          : pattern == "b"                  ? "scalar"
                          : pattern == "bk"                 ? "row"
                          : pattern == "kb"                 ? "column"
                          : pattern == "kbk"                ? "middle"
                          : pattern == "bkb"                ? "band"
                                                            : "mixed");
    }
  }

  Features f;
  const Problem& p;
  const Machine& machine_;
  const testgen::Case& case_;
};

}  // namespace

void declare_case_features(Schema& schema) {
  FeatureTable& table = schema[Scope::Case];
  table.add({"op", "the operator", false, operator_names()});
  table.add({"config", "the machine", false, {}});
  table.add({"mode", "how results are compared", false, {"bits", "exact", "real"}});
  table.add({"data", "what the tensors hold", false, kind_names()});
  table.add(
      {"dtype", "element type of the main operand (matmul_nbits: of the weights)", false, dtype_names()});
  for (const Letter& letter : kNumbers) table.add({letter.name, letter.doc, true, {}});
  for (const WordFeature& w : word_features()) {
    const std::string name = w.name;
    const bool type = name == "out" || name.find("dtype") != std::string::npos;
    table.add({name, w.doc, false, type ? dtype_names() : w.words});
  }
  declare_attributes(table);
  schema.rules["operator_takes_type"] = operator_takes_type;
}

Features case_features(const Schema& schema, const testgen::Case& c, const Machine& machine) {
  return Sample(schema[Scope::Case], c, machine).all();
}

}  // namespace assay::coverage
