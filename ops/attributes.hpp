// Typed attributes of an operator: the values a case carries, and the declarations they are checked
// against. Names are those of ONNX where ONNX has the attribute.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace assay::ops {

using AttributeValue =
    std::variant<std::int64_t, float, std::vector<std::int64_t>, std::vector<float>, std::string>;

enum class AttributeType : std::uint8_t { Int, Float, Ints, Floats, String };  // order of AttributeValue

std::string_view to_string(AttributeType type);
AttributeType type_of(const AttributeValue& value);

// Text of one value: decimal integers, the shortest decimal that reads back to the same float, lists
// joined by commas, strings as they are.
std::string text_of(const AttributeValue& value);

// What an operator says about one of its attributes.
struct AttributeSpec {
  std::string name;
  AttributeType type;
  AttributeValue fallback;           // the value where a case gives none
  std::string doc;                   // one line
  std::vector<std::string> choices;  // String: the legal values; empty: any
  bool mapping = false;              // chooses how the machine computes, never what the result is
};

// Reads a value from text by the declared type. Throws Error(Usage) naming operator and attribute.
AttributeValue parse_attribute(std::string_view op, const AttributeSpec& spec, std::string_view text);

// The attributes given in a case; those not given have their declared fallback.
class Attributes {
 public:
  void set(const std::string& name, AttributeValue value) { values_[name] = std::move(value); }
  void erase(const std::string& name) { values_.erase(name); }
  const AttributeValue* find(const std::string& name) const;
  const std::map<std::string, AttributeValue>& all() const { return values_; }

  // The given or else the declared value. A float attribute given as an integer that fp32 holds
  // exactly is read as that float. Throws Error(Usage) where the type is another one.
  std::int64_t get_int(std::string_view op, const AttributeSpec& spec) const;
  float get_float(std::string_view op, const AttributeSpec& spec) const;
  std::vector<std::int64_t> get_ints(std::string_view op, const AttributeSpec& spec) const;
  std::string get_string(std::string_view op, const AttributeSpec& spec) const;

 private:
  std::map<std::string, AttributeValue> values_;
};

}  // namespace assay::ops
