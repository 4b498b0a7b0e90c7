// S of single elements, for a reference that does not carry it for all of them.
//
// Most results are right beyond doubt without S: |ref| <= S, so what the bound accepts with |ref| in place
// of S it accepts with S. Only for the others need S be known.
#pragma once

#include <cstddef>
#include <memory>
#include <unordered_map>
#include <vector>

namespace assay::golden {

struct Expected;

class DeferredMagnitude {
 public:
  virtual ~DeferredMagnitude() = default;
  // No S of an element whose value is finite is greater.
  virtual double limit() const = 0;
  virtual std::vector<double> all() const = 0;
  // For ascending linear indices; the bits of all().
  virtual std::vector<double> of(const std::vector<std::size_t>& elements) const = 0;
  // Asking for one element in so many costs as much as asking for all.
  virtual std::size_t worth() const = 0;
};

// S of a reference, evaluated when it is asked for and no sooner.
class Magnitudes {
 public:
  explicit Magnitudes(const Expected& expected);

  // Null where not every S is known.
  const double* known() const { return all_; }
  // Evaluates all where so many of `among` elements asked for are a share worth it.
  void expect(std::size_t asked, std::size_t among);
  // Makes at() ready for these ascending elements.
  void evaluate(const std::vector<std::size_t>& elements);
  void evaluate_all();
  // Evaluates all where this element was not asked for before.
  double at(std::size_t element);
  double limit() const;

 private:
  const Expected& expected_;
  const double* all_ = nullptr;
  std::vector<double> evaluated_;
  std::unordered_map<std::size_t, double> some_;
};

// The reference with S of every element.
Expected with_magnitudes(Expected expected);

}  // namespace assay::golden
